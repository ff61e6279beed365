import PumpPlan
import PumpSyntax

/// The body of a group, or of `running`, while it is checked: outside an aggregate's arguments there are results alone.
final class Grouping {
  /// Of the single events, for the arguments of aggregates.
  let scope: Scope
  /// The type of the event, whose fields are not to be had outside.
  let event: Type
  /// How many fields stand before the aggregates: the key's, and the window.
  let first: Int
  /// The record of all that is computed; of a first round it is not known yet.
  var raw: Expr
  /// By where they begin in the text.
  var places: [Int: Int] = [:]
  var found: [(spec: AggregateSpec, argument: Expr?, condition: Expr?, by: Expr?)] = []
  /// Whether an aggregate's argument is looked at.
  var isInside = false

  init(_ scope: Scope, _ event: Type, first: Int, raw: Expr) {
    (self.scope, self.event, self.first, self.raw) = (scope, event, first, raw)
  }
}

/// The aggregates of a body.
struct Aggregated {
  /// Key, window and aggregates.
  let raw: Type
  let result: Type
  fileprivate let aggregates: [(spec: AggregateSpec, argument: Expr?, condition: Expr?, by: Expr?)]
  /// What is computed of an event for them.
  let each: [(field: Field, value: Expr)]
  /// The body over a record of the type `raw`.
  let body: (Expr.Kind) -> Expr

  /// Their columns stand behind those of the key.
  func specs(after keys: Int) -> [AggregateSpec] {
    var next = keys
    func place(_ value: Expr?) -> Int? {
      guard value != nil else { return nil }
      next += 1
      return next - 1
    }
    return aggregates.map { item in
      AggregateSpec(
        function: item.spec.function, argument: place(item.argument), condition: place(item.condition), by: place(item.by),
        limit: item.spec.limit, share: item.spec.share, count: item.spec.count, keepsTies: item.spec.keepsTies,
        argumentType: item.spec.argumentType, byType: item.spec.byType, result: item.spec.result)
    }
  }

  /// The field of the result that is the window's start.
  func fieldOfStart(in result: Expr) -> String? {
    guard case .record(let items) = result.kind, let record = result.type.record else { return nil }
    let place = items.firstIndex { item in
      guard case .field(let window, 0) = item.kind, case .field(let base, _) = window.kind, case .it = base.kind else { return false }
      return window.type == Checker.windowType
    }
    return place.map { record.fields[$0].name }
  }
}

extension Checker {
  static let windowType = Type.record(RecordType(fields: [Field("start", .timestamp), Field("end", .timestamp)]))

  /// Checks a body twice: only the first round knows which aggregates there are, and the second what record they make.
  func aggregates(
    _ items: [ExprSyntax.RecordItem], _ key: [Field], window: Int?, _ flow: Flow, _ pipeline: PipelineContext
  ) -> Aggregated? {
    let events = scope(flow)
    let before = key + (window == nil ? [] : [Field("window of group", Self.windowType)])
    let keyItems = key.map { ExprSyntax.RecordItem.field(Name(text: $0.name, span: items.first?.span ?? pipeline.span), nil) }
    func round(_ raw: Expr, _ grouping: Grouping) -> Expr {
      var scope = Scope()
      scope.event = raw
      if window != nil { scope.locals["window"] = Expr(.field(raw, key.count), Self.windowType) }
      let outer = self.grouping
      self.grouping = grouping
      defer { self.grouping = outer }
      let wires = RecordType(fields: key)
      return record(keyItems + items, scope, wires.fields.isEmpty ? nil : wires)
    }
    let first = Grouping(events, flow.type, first: before.count, raw: Expr(.it, .record(RecordType(fields: before))))
    let errors = diagnostics.count
    let tried = round(first.raw, first)
    guard tried.type != .erroneous, !diagnostics[errors...].contains(where: { $0.severity == .error }),
      silenced > 0 ? suppressed == nil : true
    else { return nil }
    let fields = first.found.enumerated().map { Field("aggregate \($0 + 1)", $1.spec.result) }
    let raw = Type.record(RecordType(fields: before + fields))
    var each: [(field: Field, value: Expr)] = []
    for (number, item) in first.found.enumerated() {
      for (name, value) in [("argument", item.argument), ("where", item.condition), ("by", item.by)] {
        guard let value else { continue }
        pipeline.note(value)
        each.append((Field("\(name) \(number + 1)", value.type), value))
      }
    }
    func body(_ kind: Expr.Kind) -> Expr {
      let grouping = Grouping(events, flow.type, first: before.count, raw: Expr(kind, raw))
      silenced += 1
      defer { silenced -= 1 }
      return round(grouping.raw, grouping)
    }
    let result = body(.it)
    pipeline.note(result)
    return Aggregated(raw: raw, result: result.type, aggregates: first.found, each: each, body: body)
  }

  /// A call of an aggregate; nil where it is none, or where a function of the list is meant.
  func aggregate(_ name: Name, _ arguments: [ArgumentSyntax], _ span: Span) -> Expr? {
    guard let grouping, !grouping.isInside, let function = AggregateFunction.byName[name.text] else { return nil }
    if let place = grouping.places[span.start] { return field(grouping, place) }
    grouping.isInside = true
    defer { grouping.isInside = false }
    guard let made = make(function, arguments, name, span, grouping) else { return Self.erroneous }
    grouping.places[span.start] = grouping.found.count
    grouping.found.append(made)
    return field(grouping, grouping.found.count - 1)
  }

  private func field(_ grouping: Grouping, _ place: Int) -> Expr {
    Expr(.field(grouping.raw, grouping.first + place), grouping.found[place].spec.result)
  }

  private func make(
    _ function: AggregateFunction, _ arguments: [ArgumentSyntax], _ name: Name, _ span: Span, _ grouping: Grouping
  ) -> (spec: AggregateSpec, argument: Expr?, condition: Expr?, by: Expr?)? {
    guard let given = assign(function, arguments, name, span) else { return nil }
    var scope = grouping.scope
    var condition: Expr?
    if let syntax = given["where"] {
      let test = check(syntax, scope, as: .bool, "`where`")
      guard test.type != .erroneous else { return nil }
      scope = scope.knowing(Self.present(where: test, is: true))
      condition = test
    }
    func value(_ name: String) -> Expr?? {
      guard let syntax = given[name] else { return .some(nil) }
      let value = infer(syntax, scope)
      guard value.type != .erroneous else { return nil }
      guard !value.type.isOptional || ["first", "last", "list"].contains(function.function.rawValue) && value.type != .null else {
        report(
          .nullable, syntax.span, "this may be null (\(value.type)), and what is aggregated is not",
          help: "give a value for null with `?? …`, or leave those events out: `where: \(syntax.span.text) != null`")
        return nil
      }
      return value
    }
    guard let argument = value("x"), let by = value("by") else { return nil }
    var argumentType = argument?.type
    if let type = argument?.type, !takes(function.function, type) {
      // Whole numbers are averaged and summed as they are; the kinds that remain have no such value.
      report(
        .badAggregate, given["x"]!.span, "`\(name.text)` does not take \(type)", help: "it is `\(function.signature)`")
      return nil
    }
    if let by, !isOrdered(by.type) {
      report(.badAggregate, given["by"]!.span, "`by` has no order: it is \(by.type)", help: "give a number, a text or a time")
      return nil
    }
    func number(_ name: String) -> Int? {
      guard let syntax = given[name] else { return nil }
      let value = check(syntax, Scope(), as: .int, "`\(name)`")
      if case .literal(.int(let number)) = value.kind, number > 0 { return Int(number) }
      if value.type != .erroneous { report(.notConstant, syntax.span, "`\(name)` is a literal above 0", help: "write the number itself") }
      return 0
    }
    var share: Double?
    if let syntax = given["q"] {
      let value = check(syntax, Scope(), as: .float, "`q`")
      guard case .literal(.float(let number)) = value.kind, (0...1).contains(number) else {
        if value.type != .erroneous { report(.badValue, syntax.span, "`q` is a literal from 0 to 1", help: "write `0.95`") }
        return nil
      }
      share = number
    }
    var keepsTies = false
    if let syntax = given["ties"] {
      guard case .name(let word) = syntax.kind, word == "cut" || word == "all" else {
        report(.badValue, syntax.span, "`ties` is `cut` or `all`", help: "write `ties: all`")
        return nil
      }
      keepsTies = word == "all"
    }
    let (limit, count) = (number("limit"), number("n"))
    if limit == 0 || count == 0 { return nil }
    var isOptional = condition != nil
    // Where only some events count, of the others nothing is computed.
    func guarded(_ value: Expr?) -> Expr? {
      guard let value, let condition, !value.type.isOptional else { return value }
      let type = value.type.asOptional
      return Expr(.conditional(condition, Expr(.wrap(value), type), Expr(.literal(.null), type)), type)
    }
    var result: Type
    switch function.function {
    case .count, .distinct, .approxDistinct: (result, isOptional) = (.int, false)
    case .any, .all: (result, isOptional) = (.bool, false)
    case .list, .top: (result, isOptional) = (.list(argument!.type), false)
    case .stddev, .variance: (result, isOptional) = (.float, true)
    case .average, .median, .quantile: result = argument!.type == .int ? .decimal : argument!.type
    default: result = argument!.type
    }
    argumentType = argument?.type.plain
    let spec = AggregateSpec(
      function: function.function, limit: limit, share: share, count: count, keepsTies: keepsTies, argumentType: argumentType,
      byType: by?.type, result: isOptional ? result.asOptional : result)
    return (spec, guarded(argument), condition, guarded(by))
  }

  private func assign(_ function: AggregateFunction, _ arguments: [ArgumentSyntax], _ name: Name, _ span: Span) -> [String: ExprSyntax]? {
    var given: [String: ExprSyntax] = [:]
    let unnamed = function.parameters.filter { !["where", "limit", "by", "ties"].contains($0) }
    var next = 0
    for argument in arguments {
      if let label = argument.label {
        guard function.parameters.contains(label.text) else {
          reportUnknown(.badAggregate, label, "parameter", among: function.parameters, otherwise: "it is `\(function.signature)`")
          return nil
        }
        given[label.text] = argument.value
      } else if next < unnamed.count {
        given[unnamed[next]] = argument.value
        next += 1
      } else {
        let isList = if case .lambda = argument.value.kind { true } else { false }
        report(
          .badAggregate, argument.value.span, "`\(name.text)` is of all events of the group here, and does not take this",
          help: isList
            ? "of a list of the event: `sum(\(name.text)(.items, x => x.n))`, or another aggregate outside"
            : name.text == "count"
              ? "write `count()`, `count(where: \(argument.value.span.text) != null)`, or of different ones `distinct(…)`"
              : "it is `\(function.signature)`")
        return nil
      }
    }
    let missing = function.parameters.prefix(function.required).first { given[$0] == nil }
    if let missing {
      report(.badAggregate, span, "`\(name.text)` needs `\(missing)`", help: "it is `\(function.signature)`")
      return nil
    }
    return given
  }

  private func takes(_ function: AggregateSpec.Function, _ type: Type) -> Bool {
    switch function {
    case .count: true
    case .sum, .average: [.int, .decimal, .float, .duration].contains(type)
    case .stddev, .variance: [.int, .decimal, .float].contains(type)
    case .median, .quantile: [.int, .decimal, .float, .duration, .timestamp].contains(type)
    case .min, .max: isOrdered(type)
    case .any, .all: type == .bool
    case .distinct, .approxDistinct: isOrdered(type) || type == .bool || type == .uuid
    case .first, .last, .list, .top, .minBy, .maxBy: !type.holdsSecret && type != .null
    }
  }

  private func isOrdered(_ type: Type) -> Bool {
    switch type {
    case .int, .decimal, .float, .string, .timestamp, .date, .duration, .size: true
    default: false
    }
  }
}

extension ExprSyntax.RecordItem {
  fileprivate var span: Span {
    switch self {
    case .field(let name, _): name.span
    case .spread(let value): value.span
    }
  }
}
