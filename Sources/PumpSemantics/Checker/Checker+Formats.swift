import PumpPlan
import PumpSyntax

extension Checker {
  /// What each format takes in parentheses; `flag` may stand alone.
  enum Option { case flag, text, character, names, oneOf([String]), pattern }

  static let decodeOptions: [String: [String: Option]] = [
    "json": ["strict": .flag, "time": .oneOf(["rfc3339", "epoch_s", "epoch_ms"])],
    "csv": ["header": .flag, "separator": .character, "quote": .character, "null": .text],
    "lines": [:], "text": [:],
    "kv": ["separator": .character, "assign": .character],
    "regex": ["pattern": .pattern],
  ]
  static let encodeOptions: [String: [String: Option]] = [
    "json": ["omit_null": .flag, "time": .oneOf(["rfc3339", "epoch_s", "epoch_ms"])],
    "csv": ["header": .flag, "separator": .character, "quote": .character, "null": .text],
    "lines": [:], "text": [:],
    "kv": ["separator": .character, "assign": .character],
  ]

  private func format(_ name: Name, _ arguments: [ArgumentSyntax], _ table: [String: [String: Option]], _ verb: String) -> Format? {
    guard let options = table[name.text] else {
      if verb == "encode", name.text == "regex" {
        report(.badFormat, name.span, "`regex` only decodes", help: "write the text with `map \"…\\(.x)…\"` and `encode text`")
      } else {
        reportUnknown(.badFormat, name, "format", among: table.keys)
      }
      return nil
    }
    var result: [String: Literal] = [:]
    for argument in arguments {
      var label = argument.label
      if label == nil, case .name(let flag) = argument.value.kind { label = Name(text: flag, span: argument.value.span) }
      if label == nil, options["pattern"] != nil { label = Name(text: "pattern", span: argument.value.span) }
      guard let label else {
        report(
          .badFormat, argument.value.span, "the options of `\(name.text)` have names",
          help: "options are \(options.keys.sorted().joined(separator: ", "))")
        continue
      }
      guard let option = options[label.text] else {
        reportUnknown(.badFormat, label, "option of `\(name.text)`", among: options.keys)
        continue
      }
      if let value = value(of: option, argument, label, name) { result[label.text] = value }
    }
    if options["pattern"] != nil, result["pattern"] == nil {
      report(.badFormat, name.span, "`decode regex` needs a pattern", help: "write `decode regex(r\"(?<name>…)\") as T`")
    }
    return Format(name: name.text, options: result)
  }

  private func value(of option: Option, _ argument: ArgumentSyntax, _ label: Name, _ format: Name) -> Literal? {
    let span = argument.value.span
    switch option {
    case .flag:
      if argument.label == nil { return .bool(true) }
      if case .literal(.bool(let value)) = argument.value.kind { return .bool(value) }
      report(.badFormat, span, "`\(label.text)` is true or false", help: "write `\(format.text)(\(label.text))`")
    case .oneOf(let names):
      if case .name(let word) = argument.value.kind, names.contains(word) { return .string(word) }
      report(.badFormat, span, "`\(label.text)` is one of \(names.joined(separator: ", "))", help: "write `\(label.text): \(names[0])`")
    case .text, .character, .names:
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
        checkPattern(Expr(.literal(.string(text)), .string), span)
        return .string(text)
      }
      report(.badFormat, span, "the pattern is written r\"…\"", help: "write `decode regex(r\"(?<name>…)\") as T`")
    }
    return nil
  }

  func decode(
    _ name: Name, _ arguments: [ArgumentSyntax], _ syntax: TypeSyntax?, _ step: StepSyntax, _ flow: inout Flow, _ pipeline: PipelineContext
  ) -> [Step] {
    let format = format(name, arguments, Self.decodeOptions, "decode")
    let before = flow
    flow.carried = nil
    flow.isWhole = false
    let takesType = !["lines", "text"].contains(name.text)
    var type: Type
    if let syntax { type = resolve(syntax) } else { type = name.text == "text" ? .string : name.text == "lines" ? .bytes : .erroneous }
    flow.type = type.plain
    guard let format else { return [] }
    if takesType, syntax == nil {
      report(.badFormat, step.span, "`decode \(name.text)` needs the type of what comes out", help: "write `decode \(name.text) as T`")
      return []
    }
    if !takesType, let syntax { report(.badFormat, syntax.span, "`decode \(name.text)` gives \(flow.type)", help: "remove `as …`") }
    guard before.type == .bytes || before.type == .string || before.type == .erroneous else {
      report(
        .wrongStep, step.span, "`decode` takes Bytes or String, the event here is \(before.type)",
        help: "it is decoded already: remove this step")
      return []
    }
    if ["csv", "kv", "regex"].contains(name.text) { checkFlat(type.plain, syntax!.span, name.text) }
    if type.holdsSecret { report(.secret, syntax!.span, "events hold no secrets", help: "use String in the type of an event") }
    let framed = before.isWhole && (["csv", "lines"].contains(name.text))
    if name.text == "lines", !before.isWhole, before.type != .erroneous {
      report(
        .badFormat, step.span, "`decode lines` splits whole files; each event here is one line already",
        help: "remove this step, or read with `file.bytes(…)`")
    }
    if name.text == "csv", !before.isWhole, case .bool(true)? = format.options["header"] {
      report(
        .badFormat, step.span, "a header can be read from whole files only; each event here is one record",
        help: "read with `file.bytes(…)`, or leave `header` out: columns come in the order of the type's fields")
    }
    if name.text == "regex", case .string(let pattern)? = format.options["pattern"], let record = type.plain.record {
      for field in record.fields where !pattern.contains("(?<\(field.wire)>") && !field.type.isOptional && field.value == nil {
        report(
          .badFormat, step.span, "the pattern has no group `\(field.wire)`", help: "write `(?<\(field.wire)>…)`, or make the field optional"
        )
      }
    }
    pipeline.canFail = true
    let checks = checks(of: type, at: Expr(.it, type.plain), path: "")
    let place = place(step.span)
    return [
      Step(
        name: step.label?.text ?? "decode \(name.text)", kind: .decode(format, type.plain, checks: checks, framed: framed),
        output: type.plain, place: place)
    ]
  }

  /// Formats of texts fill records of scalars.
  private func checkFlat(_ type: Type, _ span: Span, _ format: String) {
    guard type != .erroneous else { return }
    guard let record = type.record else {
      report(.badFormat, span, "`\(format)` gives records, not \(type)", help: "declare a record type with a field for each value")
      return
    }
    for field in record.fields {
      switch field.type.wrapped {
      case .list, .map, .record:
        report(
          .badFormat, span, "`\(format)` cannot hold field `\(field.name)` of type \(field.type)",
          help: "use scalars, or String and convert it later")
      default: break
      }
    }
  }

  func encode(_ name: Name, _ arguments: [ArgumentSyntax], _ step: StepSyntax, _ flow: inout Flow) -> [Step] {
    let format = format(name, arguments, Self.encodeOptions, "encode")
    let before = flow.type
    flow.carried = before
    flow.type = .bytes
    guard let format, before != .erroneous else { return [] }
    if before.holdsSecret { report(.secret, step.span, "a secret is never encoded", help: "drop the field first") }
    switch name.text {
    case "csv", "kv":
      checkFlat(before, step.span, name.text)
      if name.text == "csv", case .bool(true)? = format.options["header"], let record = before.record {
        let separator = if case .string(let text)? = format.options["separator"] { text } else { "," }
        let quote = if case .string(let text)? = format.options["quote"] { text } else { "\"" }
        flow.header = record.fields.map { field in
          let needs = field.wire.contains { $0 == "\n" || $0 == "\r" || String($0) == separator || String($0) == quote }
          return needs
            ? quote + field.wire.split(separator: Character(quote), omittingEmptySubsequences: false).joined(separator: quote + quote)
              + quote : field.wire
        }.joined(separator: separator)
      }
    case "text", "lines":
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
    return [Step(name: step.label?.text ?? "encode \(name.text)", kind: .encode(format), output: .bytes, place: place(step.span))]
  }
}
