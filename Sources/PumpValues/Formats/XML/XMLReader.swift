/// Why a text is no XML, or not of the type that is expected.
struct XMLProblem: Error {
  private var path: String
  private let message: String
  /// The path is empty where the text as a whole is meant.
  init(_ path: String, _ message: String) { (self.path, self.message) = (path, message) }

  func inside(_ outer: String) -> XMLProblem { path.isEmpty ? self : XMLProblem(outer + path, message) }
  var description: String { path.isEmpty ? message : "\(path): \(message)" }
}

/// The start of an element. Names are without their prefixes, and declarations of namespaces are no attributes.
struct XMLTag {
  let name: Text
  var attributes: [(name: Text, value: Text)] = []
  /// It says that it is null, by XML Schema's `xsi:nil`.
  var saysNil = false
}

/// Reads XML 1.0 (fifth edition), one piece after another. It has no document types, so entities are the five and numbers, and
/// what is read is never longer than the text.
struct XMLReader {
  enum Piece {
    case open(XMLTag)
    case text(Text)
    case close
  }

  let text: Text
  let c: Context
  private var i = 0
  /// Whole names of the elements that are open.
  private var open: [Text] = []
  /// The element that was opened last is closed already: `<a/>`.
  private var isClosed = false
  private static let depthLimit = 512

  init(_ text: Text, _ c: Context) throws(XMLProblem) {
    self.text = text.unmarked
    self.c = c
    if let problem = Fields.notUTF8(text) { throw XMLProblem("", "not valid XML: \(problem)") }
  }

  func fail(_ message: String, at place: Int? = nil) -> XMLProblem {
    XMLProblem("", "not valid XML at byte \(place ?? i): \(message)")
  }
  private func expected(_ what: String) -> XMLProblem {
    fail("expected \(what), found \(i < text.count ? Shape.excerpt(text.slice(i, text.count - i), quoted: true) : "the end")")
  }
  private func at(_ word: StaticString) -> Bool {
    let word = Text(word)
    return text.count - i >= word.count && text.slice(i, word.count) == word
  }
  private mutating func take(_ word: StaticString) -> Bool {
    guard at(word) else { return false }
    i += word.utf8CodeUnitCount
    return true
  }
  private mutating func space() { while i < text.count, text[i].isXMLSpace { i += 1 } }

  // MARK: The document

  /// The start of the root element, behind what may stand before it.
  mutating func root() throws(XMLProblem) -> XMLTag {
    try declaration()
    try miscellany()
    guard at("<"), !at("</"), !at("<!") else { throw expected("an element") }
    return try tag()
  }

  mutating func finish() throws(XMLProblem) {
    try miscellany()
    guard i == text.count else { throw expected("the end") }
  }

  /// `<?xml version="1.0" encoding="UTF-8"?>`
  private mutating func declaration() throws(XMLProblem) {
    guard at("<?xml"), i + 5 < text.count, text[i + 5].isXMLSpace else { return }
    i += 5
    while true {
      space()
      if take("?>") { return }
      let (name, value) = try attribute()
      if name == Text("encoding"), !["utf-8", "us-ascii"].contains(value.string.lowercased()) {
        throw XMLProblem("", "the XML declaration says encoding \(Shape.excerpt(value, quoted: true)): only UTF-8 is read")
      }
    }
  }

  /// Comments, instructions and white space.
  private mutating func miscellany() throws(XMLProblem) {
    repeat {
      space()
      if at("<!DOCTYPE") { throw fail("a document type is refused: its entities could grow without end, or name files") }
    } while try comment()
  }

  /// Takes a comment or an instruction, if one stands here.
  private mutating func comment() throws(XMLProblem) -> Bool {
    let start = i
    if take("<!--") {
      try through("--", "the comment", from: start)
      guard take(">") else { throw fail("`--` stands within a comment") }
      return true
    }
    guard at("<?") else { return false }
    try through("?>", "the instruction", from: start)
    return true
  }

  private mutating func through(_ word: StaticString, _ what: String, from start: Int) throws(XMLProblem) {
    while i < text.count, !at(word) { i += 1 }
    guard take(word) else { throw fail("\(what) does not end", at: start) }
  }

  // MARK: Elements

  /// What comes next in the element that is open.
  mutating func next() throws(XMLProblem) -> Piece {
    if isClosed {
      isClosed = false
      open.removeLast()
      return .close
    }
    while i < text.count {
      let start = i
      guard at("<") else {
        while i < text.count, !at("<") { i += 1 }
        return .text(try decoded(start, i, .characters))
      }
      if try comment() { continue }
      if take("<![CDATA[") {
        try through("]]>", "the CDATA section", from: start)
        return .text(try decoded(start + 9, i - 3, .plain))
      }
      if at("</") {
        try close()
        return .close
      }
      if at("<!") { throw fail("a declaration stands in an element") }
      return .open(try tag())
    }
    throw fail("`<\(Shape.excerpt(open.last ?? Text()))>` is not closed")
  }

  /// Passes over the element that was opened last.
  mutating func skip() throws(XMLProblem) {
    let depth = open.count
    while open.count >= depth { _ = try next() }
  }

  /// Nothing is in the element whose tag was read, or it says so.
  func isNil(_ tag: XMLTag) -> Bool { tag.saysNil || tag.attributes.isEmpty && (isClosed || at("</")) }

  private mutating func close() throws(XMLProblem) {
    let start = i
    i += 2
    let name = try name()
    space()
    guard name == open.last else {
      throw fail("`</\(Shape.excerpt(name))>` does not close `<\(Shape.excerpt(open.last ?? Text()))>`", at: start)
    }
    guard take(">") else { throw expected("`>`") }
    open.removeLast()
  }

  private mutating func tag() throws(XMLProblem) -> XMLTag {
    guard open.count < Self.depthLimit else { throw fail("more than \(Self.depthLimit) elements stand in each other") }
    i += 1
    let whole = try name()
    open.append(whole)
    var tag = XMLTag(name: whole.withoutPrefix)
    var names: [Text] = []
    var places = KeyPlaces()
    while true {
      let start = i
      space()
      if take(">") { return tag }
      if take("/>") {
        isClosed = true
        return tag
      }
      guard i > start else { throw expected("a blank, `>` or `/>`") }
      let place = i
      let (name, value) = try attribute()
      guard places.place(of: name, among: names.count, { names[$0] }) == nil else {
        throw fail("attribute \(Shape.excerpt(name, quoted: true)) stands twice", at: place)
      }
      names.append(name)
      let own = name.withoutPrefix
      let hasPrefix = own.count < name.count
      if name == Text("xmlns") || hasPrefix && name.slice(0, min(6, name.count)) == Text("xmlns:") { continue }
      if hasPrefix, own == Text("nil") {
        tag.saysNil = value == Text("true") || value == Text("1")
      } else {
        tag.attributes.append((own, value))
      }
    }
  }

  private mutating func attribute() throws(XMLProblem) -> (name: Text, value: Text) {
    let name = try name()
    space()
    guard take("=") else { throw expected("`=`") }
    space()
    guard at("\"") || at("'") else { throw expected("a value in quotes") }
    let start = i + 1
    let quote = text[i]
    i = start
    while i < text.count, text[i] != quote {
      if text[i] == UInt8(ascii: "<") { throw fail("`<` stands in an attribute") }
      i += 1
    }
    guard i < text.count else { throw fail("attribute \(Shape.excerpt(name, quoted: true)) has no closing quote", at: start - 1) }
    i += 1
    return (name, try decoded(start, i - 1, .attribute))
  }

  /// Letters, `_`, and all that is not ASCII; behind the first also digits, `-` and `.`. A colon ends a prefix.
  private mutating func name() throws(XMLProblem) -> Text {
    let start = i
    while i < text.count {
      let byte = text[i]
      let isLetter = byte | 0x20 >= 97 && byte | 0x20 <= 122 || byte == UInt8(ascii: "_") || byte >= 0x80
      let mayFollow = byte &- 48 < 10 || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: ":")
      guard isLetter || mayFollow && i > start else { break }
      i += 1
    }
    guard i > start, text[i - 1] != UInt8(ascii: ":") else { throw expected("a name") }
    return text.slice(start, i - start)
  }
}

extension UInt8 {
  var isXMLSpace: Bool { self == 0x20 || self == 0x09 || self == 0x0A || self == 0x0D }
}

extension Text {
  /// Without white space around it.
  var withoutXMLSpace: Text {
    var (start, end) = (0, count)
    while start < end, self[start].isXMLSpace { start += 1 }
    while end > start, self[end - 1].isXMLSpace { end -= 1 }
    return slice(start, end - start)
  }

  /// A name without the prefix of its namespace.
  fileprivate var withoutPrefix: Text {
    guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")) else { return self }
    return slice(colon + 1, count - colon - 1)
  }
}
