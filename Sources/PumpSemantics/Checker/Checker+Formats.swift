import PumpPlan
import PumpSyntax

extension Checker {
  typealias Option = FormatSpec.Option

  private func format(
    _ name: Name, _ arguments: [ArgumentSyntax], for use: Option.Use, of record: RecordType?
  ) -> (Format, FormatSpec)? {
    func fits(_ format: FormatSpec) -> Bool { (use == .decode ? format.decodes : format.encodes) != nil }
    guard let spec = formats[name.text] else {
      reportUnknown(.badFormat, name, "format", among: formats.values.filter(fits).map(\.name).sorted())
      return nil
    }
    guard fits(spec) else {
      report(.badFormat, name.span, "`\(name.text)` only \(use == .decode ? "encodes" : "decodes")", help: spec.instead)
      return nil
    }
    let options = spec.options(for: use)
    var result: [String: Literal] = [:]
    var hasMistake = false
    for argument in arguments {
      var label = argument.label
      if label == nil, case .name(let flag) = argument.value.kind { label = Name(text: flag, span: argument.value.span) }
      if label == nil, let only = options.first(where: \.isRequired) { label = Name(text: only.name, span: argument.value.span) }
      guard let label else {
        report(
          .badFormat, argument.value.span, "the options of `\(name.text)` have names",
          help: "options are \(options.map(\.name).sorted().joined(separator: ", "))")
        continue
      }
      guard let option = options.first(where: { $0.name == label.text }) else {
        reportUnknown(.badFormat, label, "option of `\(name.text)`", among: options.map(\.name))
        continue
      }
      if let value = value(of: option.kind, argument, label, name) { result[label.text] = value } else { hasMistake = true }
    }
    // What is wrong has been told, and hides the rest.
    if hasMistake { return nil }
    if let missing = options.first(where: { $0.isRequired && result[$0.name] == nil }) {
      report(
        .badFormat, name.span, "`decode \(name.text)` needs a \(missing.name)", help: "write `decode \(name.text)(r\"(?<name>…)\") as T`")
    }
    let format = Format(name: name.text, options: result)
    var fields: [FormatSpec.Field] {
      (record?.fields ?? []).map { FormatSpec.Field($0.wire, $0.type, isNeeded: !$0.type.isOptional && $0.value == nil) }
    }
    if let problem = namesProblem(spec, record) ?? spec.problem?(format.texts, fields) {
      report(.badFormat, name.span, problem.message, help: problem.help)
    }
    return (format, spec)
  }

  /// Fields that a format never has under their names, or only of another type.
  private func namesProblem(_ spec: FormatSpec, _ record: RecordType?) -> (message: String, help: String)? {
    let known = spec.names.known
    for field in record?.fields ?? [] {
      if let found = known.first(where: { $0.name == field.wire }) {
        if found.canBe(field.type) { continue }
        return (
          "field `\(field.name)` of `\(spec.name)` is \(found.type), not \(field.type)", "write `\(field.name): \(found.type)`, or String"
        )
      }
      guard case .only = spec.names else { continue }
      let near = nearest(to: field.wire, in: known.map(\.name))
      let all = "its fields are \(known.map(\.name).joined(separator: ", "))"
      return (
        "`\(spec.name)` has no field `\(field.wire)`",
        near.map { "did you mean `\($0)`? A field of another name is `\(field.name): … as \"\($0)\"`" }
          ?? "\(all); a field of another name is `\(field.name): … as \"\(known[0].name)\"`"
      )
    }
    return nil
  }

  /// An option that is true where it stands alone, as in `csv(header)`.
  private func isFlag(_ syntax: ExprSyntax) -> Bool { if case .name = syntax.kind { true } else { false } }

  private func value(of option: Option.Kind, _ argument: ArgumentSyntax, _ label: Name, _ format: Name) -> Literal? {
    let span = argument.value.span
    switch option {
    case .flag:
      if argument.label == nil { return .bool(true) }
      if case .literal(.bool(let value)) = argument.value.kind { return .bool(value) }
      report(.badFormat, span, "`\(label.text)` is true or false", help: "write `\(format.text)(\(label.text))`")
    case .oneOf(let names):
      if case .name(let word) = argument.value.kind, names.contains(word) { return .string(word) }
      report(.badFormat, span, "`\(label.text)` is one of \(names.joined(separator: ", "))", help: "write `\(label.text): \(names[0])`")
    case .text, .character:
      if case .string(let syntax) = argument.value.kind, let text = syntax.plain {
        if case .character = option, text.utf8.count != 1 || text == "\n" || text == "\r" {
          report(.badFormat, span, "`\(label.text)` is one ASCII character", help: "write `\(label.text): \";\"`")
          return nil
        }
        return .string(text)
      }
      report(.badFormat, span, "`\(label.text)` is a text", help: "write `\(label.text): \"…\"`")
    case .pattern:
      if case .literal(.regex(let text)) = argument.value.kind {
        let checked = pattern(Expr(.literal(.string(text)), .string), argument.value, span)
        if case .literal(let value) = checked.kind, checked.type != .erroneous { return value }
        return nil
      }
      report(.badFormat, span, "the pattern is written r\"…\"", help: "write `decode regex(r\"(?<name>…)\") as T`")
    }
    return nil
  }

  func decode(
    _ name: Name, _ arguments: [ArgumentSyntax], _ syntax: TypeSyntax?, _ step: StepSyntax, _ flow: inout Flow, _ pipeline: PipelineContext
  ) -> [Step] {
    if let syntax, case .name(let word) = syntax.kind, formats[name.text] == nil, formats[word] != nil, types[name.text] != nil {
      let whole = name.span.joined(syntax.span)
      let text = "\(word) as \(name.text)"
      report(
        .badFormat, whole, "the format comes first, and then the type", help: "write `decode \(text)`",
        fix: Fix("write `\(text)`", .certain, [Edit(whole, text)]))
      use(type: name.text, at: name.span)
      (flow.type, flow.carried) = (resolve(named: name.text).plain, nil)
      return []
    }
    let declared = syntax.map { resolve($0) }
    let found = format(name, arguments, for: .decode, of: declared?.plain.record)
    let before = flow
    flow.carried = nil
    flow.forgetEvent()
    (flow.isWhole, flow.isCuttable) = (false, false)
    let fixed: Type? =
      switch found?.1.decodes {
      case .string: .string
      case .bytes: .bytes
      default: nil
      }
    let type = declared ?? fixed ?? .erroneous
    flow.type = type.plain
    guard let (format, spec) = found else { return [] }
    if fixed == nil, syntax == nil {
      report(.badFormat, step.span, "`decode \(name.text)` needs the type of what comes out", help: "write `decode \(name.text) as T`")
      return []
    }
    if fixed != nil, let syntax { report(.badFormat, syntax.span, "`decode \(name.text)` gives \(flow.type)", help: "remove `as …`") }
    guard before.type == .bytes || before.type == .string || before.type == .erroneous else {
      report(
        .wrongStep, step.span, "`decode` takes Bytes or String, the event here is \(before.type)",
        help: before.type.record?.fields.first { $0.type.wrapped == .json }.map {
          "a part gets its type by `|> map to_string(.\($0.name)) |> \(step.span.text)`"
        } ?? "it is decoded already: remove this step")
      return []
    }
    // Without a type of its own, the format has one, which is neither of records nor holds a secret.
    switch spec.decodes {
    case .records: checkFlat(type.plain, syntax!.span, name.text)
    case .nested: checkRecord(type.plain, syntax!.span, name.text)
    default: break
    }
    if case .bool(true)? = format.options["strict"], type.plain.isOpen {
      report(.badFormat, step.span, "`strict` refuses the fields that `...` takes", help: "leave one of them out")
    }
    if type.holdsSecret { report(.secret, syntax!.span, "events hold no secrets", help: "use String in the type of an event") }
    if spec.framing == .only, !before.isWhole, before.type != .erroneous {
      report(
        .badFormat, step.span, "`decode \(name.text)` splits whole files; each event here is one line already",
        help: "remove this step, or read with `file.bytes(…)`")
    }
    if !before.isWhole, !before.isCuttable, before.type != .erroneous, case .bool(true)? = format.options["header"] {
      report(
        .badFormat, step.span, "a header is read from a file, by the first step; each event here is one record",
        help:
          "read with `file.lines(…)` or `file.bytes(…)` and decode first, or leave `header` out: columns come in the order of the type's fields"
      )
    }
    pipeline.canFail = true
    let checks = checks(of: type, at: Expr(.it, type.plain), path: "")
    return [
      Step(
        name: step.label?.text ?? "decode \(name.text)",
        kind: .plain(.decode(format, type.plain, checks: checks, framed: before.isWhole && spec.framing != .none)), output: type.plain,
        place: place(step.span))
    ]
  }

  /// Formats of texts fill records of scalars.
  private func checkFlat(_ type: Type, _ span: Span, _ format: String) {
    guard let record = checkRecord(type, span, format) else { return }
    let nested = record.fields.filter { field in
      switch field.type.wrapped {
      case .list, .map, .record: true
      default: false
      }
    }
    guard let first = nested.first else { return }
    report(
      .badFormat, span,
      nested.count == 1
        ? "`\(format)` cannot hold field `\(first.name)` of type \(first.type)"
        : "`\(format)` cannot hold the fields \(nested.map { "`\($0.name)`" }.joined(separator: ", "))",
      help: "use scalars, or String and convert it later")
  }

  @discardableResult private func checkRecord(_ type: Type, _ span: Span, _ format: String) -> RecordType? {
    if type.record == nil, type != .erroneous {
      report(.badFormat, span, "`\(format)` gives records, not \(type)", help: "declare a record type with a field for each value")
    }
    guard let record = type.record, type.isOpen else { return type.record }
    let name = record.rest.map { record.fields[$0].name } ?? "rest"
    report(
      .badFormat, span, "`\(format)` has no place for what `...\(name)` holds",
      help: "write `drop \(name)` before it, or keep it as a text: `set { \(name): to_string(.\(name)) }`")
    return nil
  }

  /// `encode json`, or of a part alone: `encode json(.payload)`. What comes after may still ask for the whole event.
  func encode(
    _ name: Name, _ arguments: [ArgumentSyntax], _ step: StepSyntax, _ flow: inout Flow, _ pipeline: PipelineContext
  ) -> [Step] {
    var arguments = arguments
    var part: Expr?
    if let first = arguments.first, first.label == nil, !isFlag(first.value) {
      arguments.removeFirst()
      let value = infer(first.value, scope(flow))
      pipeline.note(value)
      part = value
    }
    let before = part?.type ?? flow.type
    var found = format(name, arguments, for: .encode, of: before.record)
    // An error route has no meta: its events are failures, whose payload is to be read by people.
    if flow.meta == nil, let (format, spec) = found, format.options["readable"] == nil,
      spec.options.contains(where: { $0.name == "readable" })
    {
      found = (Format(name: format.name, options: format.options.merging(["readable": .bool(true)]) { $1 }), spec)
    }
    flow.carried = flow.type
    flow.type = .bytes
    flow.forgetEvent()
    guard let (format, spec) = found, before != .erroneous else { return [] }
    if before.holdsSecret { report(.secret, step.span, "a secret is never encoded", help: "drop the field first") }
    switch spec.encodes {
    case .records:
      checkFlat(before, step.span, name.text)
      if case .bool(true)? = format.options["header"], let record = before.record {
        flow.header = spec.headerLine?(record.fields.map(\.wire), format.texts)
      }
    case .text:
      if before != .string, before != .bytes {
        report(
          .wrongStep, step.span, "`encode \(name.text)` takes String or Bytes, the event here is \(before)",
          help: "make text of it first: `|> map \"…\"`, or use `encode json`")
      }
    default:
      if before == .bytes {
        report(.wrongStep, step.span, "this is encoded already: the event here is Bytes", help: "remove this step, or decode it first")
      }
    }
    return [
      Step(
        name: step.label?.text ?? "encode \(name.text)", kind: .plain(.encode(format, part: part)), output: .bytes, place: place(step.span))
    ]
  }
}
