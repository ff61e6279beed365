/// STRUCTURED-DATA of RFC 5424 6.3: `[origin ip="192.0.2.1" ip="192.0.2.129"][meta sequenceId="7"]`.
struct StructuredData {
  private struct Parameter {
    let name: Text
    var values: [Text]
  }
  private struct Element {
    let name: Text
    var parameters: [Parameter] = []
  }
  private var elements: [Element] = []
  private var places = KeyPlaces()
  private static let escapes = Escapes(["\"\"", "\\\\", "]]"])

  /// Reads from its first bracket to behind its last; what is wrong is returned. Of elements of one name the last counts.
  mutating func read(_ line: inout LogCursor) -> String? {
    while line.take(UInt8(ascii: "[")) {
      var element = Element(
        name: line.upTo { $0 <= 0x20 || $0 == UInt8(ascii: "]") || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "=") })
      if element.name.isEmpty { return line.expected("the name of an element of structured data") }
      var names = KeyPlaces()
      while line.take(0x20) {
        while line.take(0x20) {}
        if line.at(UInt8(ascii: "]")) { break }
        let name = line.upTo { $0 <= 0x20 || $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: "]") || $0 == UInt8(ascii: "\"") }
        guard !name.isEmpty, line.take(UInt8(ascii: "=")), let value = line.quoted() else {
          return line.expected("a parameter such as `name=\"value\"`")
        }
        if let place = names.place(of: name, among: element.parameters.count, { element.parameters[$0].name }) {
          element.parameters[place].values.append(value)
        } else {
          element.parameters.append(Parameter(name: name, values: [value]))
        }
      }
      guard line.take(UInt8(ascii: "]")) else { return line.expected("`]`, or a blank and a parameter") }
      if let place = places.place(of: element.name, among: elements.count, { elements[$0].name }) {
        elements[place] = element
      } else {
        elements.append(element)
      }
    }
    return line.isAtEnd || line.at(0x20) ? nil : line.expected("a blank, or `[`")
  }

  func json(_ c: Context) -> Text {
    makeText(c.arena) { out in
      func list<T>(_ items: [T], _ open: Character, _ close: Character, _ write: (T) -> Void) {
        out.byte(open.asciiValue!)
        for (index, item) in items.enumerated() {
          if index > 0 { out.byte(UInt8(ascii: ",")) }
          write(item)
        }
        out.byte(close.asciiValue!)
      }
      func key(_ name: Text) {
        out.quoted(name)
        out.byte(UInt8(ascii: ":"))
      }
      list(elements, "{", "}") { element in
        key(element.name)
        list(element.parameters, "{", "}") { parameter in
          key(parameter.name)
          let values = parameter.values.map { Self.escapes.text($0, c) }
          if values.count == 1 { out.quoted(values[0]) } else { list(values, "[", "]") { out.quoted($0) } }
        }
      }
    }
  }
}
