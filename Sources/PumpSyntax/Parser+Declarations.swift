extension Parser {
  mutating func parseFile() -> FileSyntax {
    var file = FileSyntax(source: source)
    if atLanguage { file.language = language() }
    while !at(.end) {
      if let item = item() {
        file.items.append(item)
        if !at(.end), !atTopLevel {
          if token.afterNewline { _ = self.item() } else { unexpected("a new line") }
          skipToTopLevel()
        }
      } else {
        skipToTopLevel()
      }
    }
    return file
  }

  private static let foreignForms = [
    "def": "functions are written `fn name(x: Int) -> Int = x + 1`", "func": "functions are written `fn name(x: Int) -> Int = x + 1`",
    "function": "functions are written `fn name(x: Int) -> Int = x + 1`", "let": "a value of the configuration is a key of `config`",
    "const": "a value of the configuration is a key of `config`", "var": "a value of the configuration is a key of `config`",
    "select": "a program is declared: `pipeline name { source … |> … |> sink … }`", "struct": "records are written `type Name { id: Int }`",
    "class": "records are written `type Name { id: Int }`", "record": "records are written `type Name { id: Int }`",
    "input": "a pipeline begins with its source: `pipeline name { source … |> sink … }`",
    "source": "a source stands in a pipeline: `pipeline name { source … |> sink … }`",
    "sources": "a source stands in a pipeline: `pipeline name { source … |> sink … }`",
    "use": "files are taken in by `import \"types.pump\"`", "include": "files are taken in by `import \"types.pump\"`",
  ]

  private mutating func skipToTopLevel() {
    while !at(.end), !atTopLevel { advance() }
  }

  /// `language 1`: the version of the language that the program is written in.
  private mutating func language() -> Span {
    let start = span
    advance()
    let (number, place) = (text, span)
    advance()
    switch Int(number) {
    case languageVersion?: break
    case 0?: report(.newerLanguage, place, "there is no language 0", help: "write `language \(languageVersion)`")
    default:
      report(
        .newerLanguage, place, "language \(excerpt(number)) needs pumpc \(excerpt(number)).0 or newer",
        help: "this is pumpc of language \(languageVersion): take a newer one")
    }
    if !at(.end), !atTopLevel, !token.afterNewline { unexpected("a new line") }
    return start.joined(place)
  }

  private mutating func item() -> ItemSyntax? {
    let docs = tokenDocs
    let start = span
    if atLanguage {
      report(.unexpected, span, "`language` stands before all else in its file", help: "move it to the first line")
      advance()
      advance()
      return nil
    }
    guard at(.identifier), Self.topLevelWords.contains(text) else {
      let word = text
      let help: String
      if at(.identifier), let near = nearest(to: word, in: Self.topLevelWords) {
        help = "did you mean `\(near)`?"
        report(.unknownForm, span, "`\(excerpt(word))` begins no top-level form", help: help, fix: Fix(renaming: span, word, to: near))
      } else {
        report(
          .unknownForm, span, "`\(excerpt(word))` begins no top-level form",
          help: Self.foreignForms[word] ?? (word == "language" ? "write `language \(languageVersion)`, in the first line" : nil)
            ?? "a file holds import, config, connection, type, enum, fn, pattern, stage, stream, pipeline, test and connector, each at column 1"
        )
      }
      advance()
      return nil
    }
    let keyword = text
    advance()
    switch keyword {
    case "import": return importItem(start)
    case "config": return config(docs, start)
    case "connection": return connection(docs, start)
    case "type":
      guard let name = name("a type's name"), nameThenEqual(name) else { return nil }
      let type = lastSpan.text == "=" ? type() : recordType()
      return .type(TypeDeclaration(name: name, docs: docs, type: type, span: start.joined(lastSpan)))
    case "enum":
      guard let name = name("an enum's name") else { return nil }
      return .enumeration(EnumSyntax(name: name, docs: docs, cases: enumCases(), span: start.joined(lastSpan)))
    case "fn": return function(docs, start)
    case "pattern": return pattern(docs, start)
    case "stage": return stage(docs, start)
    case "stream": return pipeline(docs, start, isStream: true)
    case "pipeline": return pipeline(docs, start)
    case "test": return test(start)
    default: return connector(docs, start)
    }
  }

  /// After `type NAME`: an `=`, consumed, or an opening brace.
  private mutating func nameThenEqual(_ name: Name) -> Bool {
    if take(.equal) || at(.leftBrace) { return true }
    unexpected("`=` or `{` after the type's name", help: "`type \(name.text) = Int` names a type, `type \(name.text) { … }` a record")
    return false
  }

  private mutating func importItem(_ start: Span) -> ItemSyntax? {
    let swift = take(word: "swift")
    guard at(.string) else {
      unexpected("a path as a string", help: "imports are written `import \"types.pump\"`")
      return nil
    }
    let path = string()
    return swift ? .importSwift(path, start.joined(lastSpan)) : .importFile(path, start.joined(lastSpan))
  }

  private mutating func config(_ docs: String?, _ start: Span) -> ItemSyntax? {
    guard let name = name("a section's name") else { return nil }
    let keys = fields("the section's keys")
    let end = Span(source, max(0, lastSpan.end - 1)..<max(0, lastSpan.end - 1))
    return .config(ConfigSyntax(name: name, docs: docs, keys: keys, span: start.joined(lastSpan), end: end))
  }

  private mutating func connection(_ docs: String?, _ start: Span) -> ItemSyntax? {
    guard let name = name("a connection's id") else { return nil }
    guard expect(.colon, "`:` and the connection's kind", help: "connections are written `connection \(name.text): SQLite { … }`") else {
      return nil
    }
    guard let kind = self.name("a connection's kind") else { return nil }
    let body = at(.leftBrace) ? settings() : []
    return .connection(ConnectionSyntax(name: name, docs: docs, kind: kind, settings: body, span: start.joined(lastSpan)))
  }

  /// `{ name = value, name { … }, "quoted.name" = value }`.
  mutating func settings() -> [SettingSyntax] {
    var result: [SettingSyntax] = []
    braced("the settings") { parser in
      guard let setting = parser.setting() else { return false }
      result.append(setting)
      return true
    }
    return result
  }

  mutating func setting() -> SettingSyntax? {
    let start = span
    let name: Name
    if at(.string) {
      let literal = string()
      guard let plain = literal.plain else {
        report(.unexpected, literal.span, "a setting's name cannot be computed", help: "write the name as plain text")
        return nil
      }
      name = Name(text: plain, span: literal.span)
    } else {
      guard let word = anyWord("a setting's name") else { return nil }
      name = word
    }
    if at(.leftBrace) {
      return SettingSyntax(name: name, value: .block(settings()), span: start.joined(lastSpan))
    }
    guard expect(.equal, "`=` and the setting's value", help: "settings are written `\(name.text) = value`") else { return nil }
    return SettingSyntax(name: name, value: .expression(expression()), span: start.joined(lastSpan))
  }

  private mutating func pattern(_ docs: String?, _ start: Span) -> ItemSyntax? {
    guard let name = name("a pattern's name") else { return nil }
    let help = "patterns are written `pattern \(name.text) = r\"…\"`"
    guard expect(.equal, "`=` and the pattern", help: help) else { return nil }
    guard at(.raw) else {
      unexpected("the pattern as r\"…\"", help: help)
      return nil
    }
    let (literal, text) = (span, rawText(text))
    advance()
    return .pattern(PatternSyntax(name: name, docs: docs, text: text, literal: literal, span: start.joined(literal)))
  }

  private mutating func function(_ docs: String?, _ start: Span) -> ItemSyntax? {
    guard let name = name("a function's name") else { return nil }
    let parameters = parameters()
    guard
      expect(
        .returns, "`->` and the type of the result", help: "functions are written `fn \(name.text)(x: Decimal) -> Decimal = x * 1.21`")
    else { return nil }
    let result = type()
    guard expect(.equal, "`=` and the function's value") else { return nil }
    let body = expression()
    return .function(
      FunctionSyntax(name: name, docs: docs, parameters: parameters, result: result, body: body, span: start.joined(lastSpan)))
  }

  /// `(name: [each] Type = default, …)`.
  mutating func parameters() -> [FieldSyntax] {
    var result: [FieldSyntax] = []
    guard expect(.leftParen, "`(` before the parameters") else { return [] }
    newlines(false) { parser in
      while !parser.at(.rightParen), !parser.at(.end), !parser.atTopLevel {
        let before = parser.index
        if let field = parser.field() { result.append(field) }
        if parser.index == before || !parser.take(.comma) { break }
      }
    }
    expect(.rightParen, "`)` after the parameters")
    return result
  }

  private mutating func connector(_ docs: String?, _ start: Span) -> ItemSyntax? {
    guard let name = name("a connector's name") else { return nil }
    guard take(word: "in") else {
      unexpected(
        "`in` and the Swift module that implements it", help: "connectors are written `connector \(name.text) in \(name.text)Kit { … }`")
      return nil
    }
    guard let module = self.name("a module's name") else { return nil }
    var settings: [FieldSyntax] = []
    var endpoints: [ConnectorSyntax.Endpoint] = []
    braced("the connector's settings and endpoints") { parser in
      let docs = parser.tokenDocs
      if parser.at(.identifier), let role = ConnectorSyntax.Role(rawValue: parser.text), parser.next.kind == .identifier {
        parser.advance()
        guard let endpoint = parser.endpoint(role, docs) else { return false }
        endpoints.append(endpoint)
      } else {
        guard let field = parser.field() else { return false }
        settings.append(field)
      }
      return true
    }
    return .connector(
      ConnectorSyntax(name: name, docs: docs, module: module, settings: settings, endpoints: endpoints, span: start.joined(lastSpan)))
  }

  private mutating func endpoint(_ role: ConnectorSyntax.Role, _ docs: String?) -> ConnectorSyntax.Endpoint? {
    guard let name = anyWord("an endpoint's name") else { return nil }
    let parameters = parameters()
    guard expect(.colon, "`:` and the type of the events") else { return nil }
    let type = type()
    var meta: [FieldSyntax] = []
    var abilities: [Name] = []
    if take(word: "with") { meta = fields("the meta fields") }
    if take(word: "can") {
      repeat {
        guard let ability = anyWord("an ability") else { break }
        abilities.append(ability)
      } while take(.comma)
    }
    return .init(role: role, docs: docs, name: name, parameters: parameters, type: type, meta: meta, abilities: abilities)
  }

  // MARK: Types

  /// As `make` for expressions.
  mutating func makeType(_ kind: TypeSyntax.Kind, from start: Span) -> TypeSyntax {
    TypeSyntax(kind: kind, span: start.joined(lastSpan))
  }

  mutating func type() -> TypeSyntax {
    nested { $0.parseType() } ?? TypeSyntax(kind: .erroneous, span: span)
  }

  private mutating func parseType() -> TypeSyntax {
    let start = span
    var result: TypeSyntax
    if take(.leftBracket) {
      let element = type()
      if take(.colon) {
        if case .name("String") = element.kind {
        } else {
          report(.unexpected, element.span, "a map's keys are of type String", help: "write `[String: T]`")
        }
        result = makeType(.map(type()), from: start)
      } else {
        result = makeType(.list(element), from: start)
      }
      expect(.rightBracket, "`]` after the type")
      result = makeType(result.kind, from: start)
    } else if at(.leftBrace) {
      result = recordType()
    } else if at(word: "enum"), next.kind == .leftBrace {
      advance()
      result = makeType(.enumeration(enumCases()), from: start)
    } else if let name = name("a type") {
      result = makeType(.name(name.text), from: start)
      if at(.less) || at(.leftBracket), !token.afterNewline { return foreignGeneric(name, from: start) }
    } else {
      return TypeSyntax(kind: .erroneous, span: start)
    }
    while continues, at(.question) {
      advance()
      result = makeType(.optional(result), from: start)
    }
    if continues, take(word: "where") {
      equalsEndsValue = true
      result = makeType(.refined(result, expression()), from: start)
      equalsEndsValue = false
    }
    return result
  }

  /// `List<Int>`, `Optional[Int]`.
  private mutating func foreignGeneric(_ name: Name, from start: Span) -> TypeSyntax {
    advance()
    var arguments = [type()]
    while take(.comma) { arguments.append(type()) }
    if at(.greater) || at(.rightBracket) { advance() }
    let inner = arguments.last!.span.text
    let text =
      switch name.text.lowercased() {
      case "optional", "option", "maybe", "nullable": "\(inner)?"
      case "map", "dict", "dictionary", "hashmap", "record": "[String: \(inner)]"
      default: "[\(inner)]"
      }
    let whole = start.joined(lastSpan)
    report(
      .unexpected, whole, "`\(whole.text)` is no type", help: "write `\(text)`", fix: Fix("write `\(text)`", .certain, [Edit(whole, text)]))
    return TypeSyntax(kind: .erroneous, span: whole)
  }

  private mutating func recordType() -> TypeSyntax {
    let start = span
    return makeType(.record(fields("the record's fields", mayBeOpen: true)), from: start)
  }

  private mutating func fields(_ what: String, mayBeOpen: Bool = false) -> [FieldSyntax] {
    var result: [FieldSyntax] = []
    braced(what) { parser in
      guard let field = mayBeOpen && parser.at(.spread) ? parser.rest() : parser.field() else { return false }
      result.append(field)
      return true
    }
    return result
  }

  /// A name that is no word, where a word is due: the field has it on the wire.
  private mutating func quotedField() -> Name? {
    guard let name = fieldName("a field's name") else { return nil }
    let word = String(
      name.text.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }.drop { $0 == "_" || $0.isNumber })
    report(
      .unexpected, name.span, "the name of a type's field is a word",
      help: "write `\(word.isEmpty ? "name" : word): … as \(name.span.text)`, which is its name on the wire")
    return name
  }

  /// `...name: Json`.
  private mutating func rest() -> FieldSyntax? {
    let docs = tokenDocs
    advance()
    guard let name = anyWord("a name for what the type does not name") else { return nil }
    guard expect(.colon, "`:` and `Json`", help: "what a type does not name is kept by `...rest: Json`") else { return nil }
    return FieldSyntax(docs: docs, name: name, type: type(), wire: nil, value: nil, isRest: true)
  }

  /// `name: [each] Type [as "wire"] [= default]`.
  mutating func field() -> FieldSyntax? {
    let docs = tokenDocs
    guard let name = at(.string) && next.kind == .colon ? quotedField() : anyWord("a field's name") else { return nil }
    guard expect(.colon, "`:` and the type of `\(name.text)`") else { return nil }
    let isEach = at(word: "each") && [.identifier, .leftBracket, .leftBrace].contains(next.kind) && !next.afterNewline
    if isEach { advance() }
    let type = type()
    var wire: StringSyntax?
    if continues, take(word: "as") {
      if at(.string) { wire = string() } else { unexpected("the field's name on the wire as a string") }
    }
    let value = continues && take(.equal) ? expression() : nil
    return FieldSyntax(docs: docs, name: name, type: type, wire: wire, value: value, isEach: isEach)
  }

  private mutating func enumCases() -> [CaseSyntax] {
    var result: [CaseSyntax] = []
    braced("the enum's cases") { parser in
      guard let name = parser.anyWord("a case") else { return false }
      var wire: StringSyntax?
      if parser.take(word: "as") {
        if parser.at(.string) { wire = parser.string() } else { parser.unexpected("the case's name on the wire as a string") }
      }
      result.append(CaseSyntax(name: name, wire: wire))
      return true
    }
    return result
  }
}
