import PumpPlan
import PumpSyntax

extension Checker {
  /// A lookup adds a field, which is null where nothing is found: to a record, or to an object of Json.
  func lookup(
    _ syntax: EndpointSyntax, _ name: Name, _ typeSyntax: TypeSyntax, _ step: StepSyntax, _ flow: inout Flow, _ pipeline: PipelineContext
  ) -> [Step] {
    let type = resolve(typeSyntax).plain
    guard flow.type.record != nil || flow.type == .json else {
      needsRecord("lookup", step.span, flow)
      return []
    }
    guard let found = find(syntax, .lookup) else {
      flow.type = .erroneous
      return []
    }
    guard fits(type, found.endpoint, typeSyntax.span, syntax) else { return [] }
    if type.record == nil, type != .json, type != .erroneous {
      report(.wrongStep, typeSyntax.span, "a lookup gives a record, not \(type)", help: "declare a type with the columns that are wanted")
      return []
    }
    guard isFree(name, among: MadeField.all(of: Expr(.it, flow.type))) else { return [] }
    let title = step.label?.text ?? "lookup \(syntax.name)"
    func make(_ kind: Step.Kind, _ output: Type) -> Step { Step(name: title, kind: kind, output: output, place: place(step.span)) }
    func map(_ value: Expr) -> Step { make(.plain(.map(value)), value.type) }

    let before = room(for: name, in: flow.type)
    let record = before?.type ?? flow.type
    // The arguments read the event, which Json has put into a field.
    let event = flow.type == .json ? Expr(.field(Expr(.it, record), 0), .json) : Expr(.it, record)
    let checked = endpoint(
      syntax, found, type: type, event: event, record: flow.type.record, meta: flow.meta, locals: flow.locals, pipeline)
    pipeline.canFail = true
    pipeline.varies.append((step.span, "lookup"))
    if found.connection != nil { waits("a lookup", step.span, pipeline) }
    reportKey(of: checked, syntax)
    let output = Type.record(RecordType(fields: record.record!.fields + [Field(name.text, type.asOptional)]))
    var steps = before.map { [map($0)] } ?? []
    steps.append(make(.lookup(checked, field: name.text), output))
    if flow.type == .json {
      let fields = MadeField.all(of: Expr(.it, output))
      let key = Expr(.literal(.string(name.text)), .string)
      steps.append(map(Expr(.call("json_with", [fields[0].value, key, Self.json(fields[1].value)]), .json)))
    } else {
      flow.type = output
    }
    flow.carried = nil
    return steps
  }

  /// The event as a record to which a field of this name can be added, where it is not one yet.
  private func room(for name: Name, in type: Type) -> Expr? {
    var fields = MadeField.all(of: Expr(.it, type))
    if type == .json { return makeRecord([MadeField("event of \(name.text)", Expr(.it, .json))]) }
    guard let rest = type.record!.rest, fields[rest].lacks!.insert(name.text).inserted else { return nil }
    fields[rest].value = Self.object(fields[rest].value, without: [name.text])
    return makeRecord(fields)
  }

  /// A key is found in a column of its own type.
  private func reportKey(of lookup: TypedEndpoint, _ syntax: EndpointSyntax) {
    guard let column = lookup.spec.keyColumn, let place = lookup.spec.argument("key"),
      let field = lookup.spec.type.record?.fields.first(where: { $0.wire == column })
    else { return }
    let (key, wanted) = (lookup.each[place].type.wrapped, field.type.plain.wrapped)
    func kind(_ type: Type) -> String {
      switch type {
      case .int, .decimal, .float: "number"
      case .string, .enumeration, .uuid: "text"
      default: "\(type)"
      }
    }
    guard kind(key) != kind(wanted), key != .erroneous, wanted != .erroneous, key != .json, wanted != .json else { return }
    let value = syntax.arguments.first { $0.label?.text == "key" }?.value
    let text = value?.span.text ?? "…"
    report(
      .lookupKey, value?.span ?? syntax.span, "the key is \(key), `\(field.name)`, by which it is found, is \(wanted)",
      help: FunctionSpec.byName["to_\("\(wanted)".lowercased())"] == nil
        ? "give a \(wanted), or declare `\(field.name): \(key)`"
        : "write `to_\("\(wanted)".lowercased())(\(text))`, or declare `\(field.name): \(key)`")
  }
}

extension EndpointSpec {
  /// The column or field in which a lookup finds its key, where the spec names it.
  var keyColumn: String? {
    for name in ["column", "field"] { if case .literal(.string(let column))? = setting(name)?.value { return column } }
    return nil
  }
}
