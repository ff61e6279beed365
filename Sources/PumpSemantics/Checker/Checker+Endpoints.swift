import PumpPlan
import PumpSyntax

extension Checker {
  // MARK: Sources and sinks

  /// What an endpoint's names mean.
  typealias Found = (interface: Interface, endpoint: Interface.Endpoint, connection: String?)

  /// Finds what `target.endpoint` means in a role.
  func find(_ syntax: EndpointSyntax, _ role: ConnectorSyntax.Role) -> Found? {
    let interface: Interface
    var connection: String?
    if let declared = connections[syntax.target.text] {
      symbols.use(.connection, syntax.target.text, at: syntax.target.span)
      guard let found = connectors[declared.kind.text] else { return nil }
      interface = found
      connection = syntax.target.text
    } else if let direct = connectors[syntax.target.text], !direct.needsConnection {
      interface = direct
    } else if let kind = connectors[syntax.target.text] {
      let id = connections.values.first { $0.kind.text == kind.name }?.name.text
      report(
        .unknownConnection, syntax.target.span, "`\(kind.name)` is a kind of connection, not a connection",
        help: id.map { "use the one that is declared: `\($0)`" }
          ?? "declare one: `connection \(kind.name.lowercased()): \(kind.name) { … }`")
      return nil
    } else {
      let known = Array(connections.keys) + connectors.values.filter { !$0.needsConnection }.map(\.name)
      reportUnknown(
        .unknownConnection, syntax.target, "connection", among: known,
        otherwise: "declare it: `connection \(syntax.target.text): SQLite { … }`")
      return nil
    }
    var names: [String] { interface.endpoints.filter { $0.role == role }.map(\.name) }
    guard let name = syntax.endpoint else {
      report(
        .unknownEndpoint, syntax.target.span, "`\(syntax.target.text)` alone is no \(role.rawValue)",
        help: names.first.map { "write `\(syntax.target.text).\($0)(…)`" })
      return nil
    }
    guard let endpoint = interface.endpoint(role, name.text) else {
      if let other = interface.endpoints.first(where: { $0.name == name.text }) {
        report(
          .unknownEndpoint, name.span, "`\(interface.name).\(name.text)` is a \(other.role.rawValue), not a \(role.rawValue)",
          help: names.isEmpty
            ? "\(interface.name) has no \(role.rawValue)" : "\(interface.name) has the \(role.rawValue)s \(names.joined(separator: ", "))")
      } else {
        let having = connectors.values.filter { $0.endpoint(role, name.text) != nil }.map(\.name).sorted()
        let others = having.isEmpty ? "" : having.joined(separator: " and ") + (having.count == 1 ? " has" : " have")
        reportUnknown(
          .unknownEndpoint, name, "\(role.rawValue) of \(interface.name)", among: names,
          otherwise: names.isEmpty
            ? "\(interface.name) has no \(role.rawValue)"
            : others.isEmpty ? nil : "it has \(names.joined(separator: ", ")); \(others) `\(name.text)`")
      }
      return nil
    }
    // What answers a request is a step of its own, which knows whether somebody waits.
    if endpoint.isReply, !name.span.range.isEmpty {
      report(.badReply, syntax.span, "an answer is no sink", help: "write `|> reply`")
      return nil
    }
    return (interface, endpoint, connection)
  }

  /// Checks arguments and settings; `event` is what per-event arguments read, `record` what field names mean.
  func endpoint(
    _ syntax: EndpointSyntax, _ found: Found, type: Type, event: Expr?, record: RecordType?, meta: RecordType?, locals: [String: Expr],
    header: String? = nil, declared: Type? = nil, _ pipeline: PipelineContext
  ) -> TypedEndpoint {
    var fixed: [Setting] = []
    fixed.reserveCapacity(16)
    var each: [(field: Field, value: Expr)] = []
    let parameters = found.endpoint.parameters
    let places = found.endpoint.places
    var given = [ExprSyntax?](repeating: nil, count: parameters.count)
    var next = 0
    for argument in syntax.arguments {
      if let label = argument.label {
        guard let place = parameters.firstIndex(where: { $0.name == label.text }) else {
          reportUnknown(
            .badArguments, label, "argument of `\(syntax.target.text).\(found.endpoint.name)`", among: parameters.map(\.name),
            otherwise: stepSetting(label.text, argument.value))
          continue
        }
        if given[place] != nil { report(.badArguments, label.span, "`\(label.text)` is given twice", help: "remove one of them") }
        given[place] = argument.value
      } else if next < places.count {
        given[places[next]] = argument.value
        next += 1
      } else {
        report(
          .badArguments, argument.value.span,
          "`\(found.endpoint.name)` takes \(parameters.count) argument\(parameters.count == 1 ? "" : "s")",
          help: "it takes (\(parameters.map { "\($0.name): \($0.described)" }.joined(separator: ", ")))")
      }
    }
    for (parameter, value) in zip(parameters, given) {
      guard let value else {
        if parameter.name == "header", let header {
          fixed.append(
            Setting(name: "header", type: .string.asOptional, value: .literal(.string(header)), docs: parameter.docs))
          continue
        }
        if parameter.isEach {
          if parameter.value == nil {
            missing(parameter, syntax)
            // Whoever reads the arguments by their places finds one here.
            each.append((Field(parameter.name, .erroneous), Self.erroneous))
          } else if case .value(let type) = parameter.kind, let said = said(parameter, meta, type) {
            pipeline.note(said)
            each.append((Field(parameter.name, said.type), said))
          }
          continue
        }
        switch parameter.kind {
        case .value, .fields:
          if parameter.value == nil { missing(parameter, syntax) }
          fixed.append(parameter.unset)
        case .field, .record: missing(parameter, syntax)
        }
        continue
      }
      switch parameter.kind {
      case .field, .fields:
        if type == .json, found.endpoint.role == .source {
          report(
            .badArguments, value.span, "no field of Json is known to be there, and to be of one type",
            help: "declare `type T { id: Int, ...rest: Json }`, and read `as T`")
        }
        let names = fieldNames(value, record, parameter, of: found.endpoint.role)
        fixed.append(
          Setting(
            name: parameter.name, type: .list(.string),
            value: .list(names.map { .literal(.string($0)) }), docs: parameter.docs))
      case .record: break
      case .value(let type):
        var scope = parameter.isEach ? Scope() : settingScope
        scope.locals = locals
        if parameter.isEach {
          scope.event = event
          scope.meta = meta
          var checked = type == .null ? infer(value, scope) : infer(value, scope, expecting: type)
          if type != .null, let converted = convert(checked, to: type) {
            checked = converted
          } else if type == .bytes || type == .bytes.asOptional, checked.type == .string {
            checked = Expr(.call("to_bytes", [checked]), .bytes)
          } else if type != .null {
            mismatch(checked, type, value, "`\(parameter.name)`")
          }
          pipeline.note(checked)
          each.append((Field(parameter.name, checked.type), parameter.isPath ? checked.asPath : checked))
        } else {
          var setting = check(setting: value, parameter.unset, scope)
          if case .literal(.regex(let text)) = value.kind {
            let checked = pattern(Expr(.literal(.string(text)), .string), value, value.span)
            if case .literal(let whole) = checked.kind, checked.type != .erroneous { setting = .literal(whole) }
          }
          fixed.append(parameter.setting(type, setting))
        }
      }
    }
    if let declared, found.endpoint.abilities.contains("refine") {
      let limits = SettingValue.literal(.string(limits(of: declared)))
      fixed.append(Setting(name: Interface.refinement.name, type: .json, value: limits, docs: Interface.refinement.docs))
    }
    fixed += check(settings: syntax.settings, Interface.stepSettings(found.endpoint.role), "this \(found.endpoint.role.rawValue)")
    let label = pipeline.name(syntax, found.endpoint.role, self)
    let spec = EndpointSpec(
      connection: found.connection, connector: found.interface.name, name: found.endpoint.name, label: label, settings: fixed,
      each: each.map(\.field), type: type, target: target(found.endpoint, each), takesDocuments: found.endpoint.takesDocuments,
      meta: found.endpoint.meta,
      abilities: found.endpoint.abilities,
      // What needs no connection is never down.
      whenDown: found.endpoint.role == .sink && found.connection != nil ? pipeline.whenDown : nil, place: place(syntax.span))
    return TypedEndpoint(spec: spec, each: each.map(\.value), span: syntax.span)
  }

  /// A first parameter `name` or `path` names what a sink writes to.
  private func target(_ endpoint: Interface.Endpoint, _ each: [(field: Field, value: Expr)]) -> TargetName? {
    guard endpoint.role == .sink, let first = endpoint.parameters.first, ["name", "path"].contains(first.name) else { return nil }
    guard first.isEach else { return .setting(first.name) }
    guard let value = each.first(where: { $0.field.name == first.name })?.value, case .string(let name)? = constant(value) else {
      return nil
    }
    return .constant(name)
  }

  /// What the source says of the event, for a parameter that takes it where nothing is given.
  private func said(_ parameter: Interface.Parameter, _ meta: RecordType?, _ type: Type) -> Expr? {
    guard let name = parameter.meta, let field = meta?.fields.first(where: { $0.name == name }) else { return nil }
    return convert(Expr(.meta(name), field.type), to: type)
  }

  private func missing(_ parameter: Interface.Parameter, _ syntax: EndpointSyntax) {
    // One that was misspelt is told as such.
    guard !syntax.arguments.contains(where: { $0.label.map { nearest(to: $0.text, in: [parameter.name]) != nil } ?? false }) else { return }
    report(
      .badArguments, syntax.span,
      "`\(syntax.target.text).\(syntax.endpoint?.text ?? "")` needs `\(parameter.name): \(parameter.described)`",
      help: parameter.docs?.split(separator: "\n").first.map(String.init))
  }

  private func fieldNames(
    _ value: ExprSyntax, _ record: RecordType?, _ parameter: Interface.Parameter, of role: ConnectorSyntax.Role
  ) -> [String] {
    var items = [value]
    if case .list(let list) = value.kind { items = list }
    return items.compactMap { item in
      let name: Name
      switch item.kind {
      case .name(let text): name = Name(text: text, span: item.span)
      case .field(let field): name = field
      default:
        report(.badArguments, item.span, "`\(parameter.name)` takes names of fields", help: "write `\(parameter.name): [id]`")
        return nil
      }
      guard let record else { return name.text }
      if let rest = record.rest, record.fields[rest].name == name.text {
        report(
          .nullableKey, item.span, "`\(name.text)` is what the type does not name, and no `\(parameter.name)`",
          help: "declare the field that is meant in the type")
        return nil
      }
      guard let index = record.index(of: name.text) else {
        reportUnknown(.unknownField, name, "field", among: record.fields.map(\.name))
        return nil
      }
      if record.fields[index].type.isOptional {
        let declaration = "declare it `\(name.text): \(record.fields[index].type.wrapped)`"
        report(
          .nullableKey, item.span, "`\(name.text)` may be null, and null neither equals nor follows anything in `\(parameter.name)`",
          help: role == .source
            ? "\(declaration); rows without it have no place" : "\(declaration), or `filter .\(name.text) != null` before")
      }
      return name.text
    }
  }

  func sink(_ syntax: EndpointSyntax, _ step: StepSyntax, _ flow: Flow, _ pipeline: PipelineContext) -> [Step] {
    if syntax.endpoint == nil, let target = pipelines[syntax.target.text] {
      symbols.use(.pipeline, syntax.target.text, at: syntax.target.span)
      feeds.append((pipeline.name, target.name.text, syntax.span))
      guard case .input(let typeSyntax) = target.origin else {
        if case .erroneous = target.origin { return [] }
        report(
          .notFeedable, syntax.span, "pipeline `\(target.name.text)` has a source of its own",
          help: "give it `input T` in place of its source", labels: [(target.name.span, "declared here")])
        return []
      }
      let type = resolve(typeSyntax).plain
      if flow.type != type, flow.type != .erroneous, type != .erroneous {
        report(
          .wrongStep, syntax.span, "pipeline `\(target.name.text)` takes \(type), the event here is \(flow.type)",
          help: "map it to that type first", labels: [(typeSyntax.span, "its input")])
        return []
      }
      if flow.timing.updating != nil {
        report(
          .updating, syntax.span, "an event here may replace an earlier one, which another pipeline does not follow",
          help: "end it in a sink by its key")
        return []
      }
      waits("another pipeline", syntax.span, pipeline)
      pipeline.feeds.append(target.name.text)
      return [
        Step(
          name: step.label?.text ?? "sink \(target.name.text)", kind: .feed(target.name.text), output: flow.type, place: place(syntax.span))
      ]
    }
    guard let found = find(syntax, .sink) else {
      for argument in syntax.arguments where flow.type != .erroneous {
        silenced += 1; _ = infer(argument.value, scope(flow)); silenced -= 1
      }
      return []
    }
    return choosing(syntax, found, step, flow, pipeline) ?? sink(syntax, found, step, flow, pipeline)
  }

  func sink(_ syntax: EndpointSyntax, _ found: Found, _ step: StepSyntax, _ flow: Flow, _ pipeline: PipelineContext) -> [Step] {
    if let type = syntax.type {
      report(.badArguments, type.span, "a sink takes no `as`: it has the type of its events", help: "remove `as …`")
    }
    var type = flow.type
    let name = step.label?.text ?? "sink \(syntax.name)"
    var steps: [Step] = []
    switch found.endpoint.events {
    case .bytes:
      if type == .string {
        type = .bytes
      } else if type != .bytes, type != .erroneous {
        report(
          .wrongStep, syntax.span, "`\(syntax.name)` takes Bytes, the event here is \(type)",
          help: "encode it first: `|> encode json |> sink …`")
      }
    case .record where type == .json && found.endpoint.isOpen:
      // What is no object fails here.
      steps.append(Step(name: name, kind: .plain(.map(Self.object(Expr(.it, .json)))), output: .json, place: place(syntax.span)))
      pipeline.canFail = true
    case .record where [.bytes, .string].contains(type) && mirrors(syntax, found.endpoint):
      type = .bytes
      pipeline.canFail = true
    case .record:
      if !fits(type, found.endpoint, syntax.span, syntax) {
        // That is told.
      } else if type.record == nil, type != .erroneous {
        let help = flow.carried?.record != nil ? "remove the `encode` before it" : "decode it first: `|> decode json as T`"
        report(.wrongStep, syntax.span, "`\(syntax.name)` takes records, the event here is \(type)", help: help)
      }
      if type.holdsSecret { report(.secret, syntax.span, "a secret goes into no sink", help: "drop the field first") }
      pipeline.canFail = true
    case .type(let wanted):
      if type != wanted, type != .erroneous {
        report(.wrongStep, syntax.span, "`\(syntax.name)` takes \(wanted), the event here is \(type)", help: nil)
      }
    }
    let event = flow.carried.map { Expr(.carried, $0) } ?? Expr(.it, flow.type)
    let checked = endpoint(
      syntax, found, type: type, event: event, record: (flow.carried ?? flow.type).record, meta: flow.meta, locals: flow.locals,
      header: flow.header, pipeline)
    pipeline.sinks.append(checked)
    if let keys = flow.timing.updating { checkUpdating(keys, into: checked, syntax) }
    steps.append(Step(name: name, kind: .sink(checked), output: flow.type, place: place(syntax.span)))
    return steps
  }

  /// Whether an endpoint of records takes or gives one that is open, or Json; if not, that is told.
  func fits(_ type: Type, _ endpoint: Interface.Endpoint, _ span: Span, _ syntax: EndpointSyntax) -> Bool {
    guard !endpoint.isOpen else { return true }
    if let rest = type.record?.rest {
      let name = type.record!.fields[rest].name
      report(
        .wrongStep, span, "`\(syntax.name)` knows all fields of its records, and `...\(name)` holds others",
        help: endpoint.role == .sink
          ? "write `drop \(name)` before it, or keep them as a text: `set { \(name): to_string(.\(name)) }`"
          : "declare a type with the columns that are wanted")
      return false
    }
    guard type == .json else { return true }
    report(
      .wrongStep, span, "`\(syntax.name)` \(endpoint.role == .sink ? "takes" : "gives") records, not Json",
      help: endpoint.role == .sink
        ? "give it a type: `|> map to_string(it) |> decode json as T`" : "declare a type with the columns that are wanted")
    return false
  }

  /// Whether a sink of records is told to apply events of changes, which are JSON of rows, as they are.
  private func mirrors(_ syntax: EndpointSyntax, _ endpoint: Interface.Endpoint) -> Bool {
    endpoint.abilities.contains("mirror")
      && syntax.arguments.contains { argument in
        guard argument.label?.text == "mode", case .name("mirror") = argument.value.kind else { return false }
        return true
      }
  }
}

extension Interface.Parameter {
  /// As a setting of the endpoint.
  fileprivate func setting(_ type: Type, _ value: SettingValue?) -> Setting {
    Setting(name: name, type: type, value: value, minimum: bounds.minimum, maximum: bounds.maximum, docs: docs)
  }
}
