/// What characters of a document stand for.
extension XMLReader {
  enum Kind { case characters, plain, attribute }

  /// What a part of the text stands for: references are what they name, line ends are line feeds, and in attributes blanks.
  func decoded(_ start: Int, _ end: Int, _ kind: Kind) throws(XMLProblem) -> Text {
    var isPlain = true
    for place in start..<end {
      switch text[place] {
      case 0x0D: isPlain = false
      case 0x09, 0x0A: if kind == .attribute { isPlain = false }
      case 0..<0x20: throw fail("a control character, which XML has not", at: place)
      case UInt8(ascii: "&"): if kind != .plain { isPlain = false }
      case UInt8(ascii: ">") where kind == .characters && place >= start + 2:
        if text[place - 1] == UInt8(ascii: "]"), text[place - 2] == UInt8(ascii: "]") { throw fail("`]]>` ends nothing here", at: place) }
      default: break
      }
    }
    if isPlain { return text.slice(start, end - start) }
    var problem: XMLProblem?
    let result = c.arena.build(end - start) { first in
      var out = first
      var place = start
      while place < end {
        let byte = text[place]
        if byte == UInt8(ascii: "&"), kind != .plain {
          guard let (scalar, next) = reference(place, end) else {
            problem = unknown(place, end)
            return 0
          }
          // No reference is shorter than the character's UTF-8.
          out = encodeUTF8(scalar, out)
          place = next
          continue
        }
        place += 1
        if byte == 0x0D, place < end, text[place] == 0x0A { continue }
        out.pointee = byte < 0x20 && kind == .attribute ? 0x20 : byte == 0x0D ? 0x0A : byte
        out += 1
      }
      return out - first
    }
    if let problem { throw problem }
    return result
  }

  private static let entities: [(name: Text, scalar: UInt32)] = [
    (Text("lt"), 0x3C), (Text("gt"), 0x3E), (Text("amp"), 0x26), (Text("quot"), 0x22), (Text("apos"), 0x27),
  ]

  /// The character of `&lt;`, `&#233;` or `&#xE9;`, and the place behind it.
  private func reference(_ start: Int, _ end: Int) -> (UInt32, Int)? {
    // The longest is `&#1114111;`, but zeros may stand before the digits.
    guard let length = text.slice(start, min(end - start, 32)).bytes.firstIndex(of: UInt8(ascii: ";")), length > 1 else { return nil }
    let name = text.slice(start + 1, length - 1)
    let next = start + length + 1
    guard name[0] == UInt8(ascii: "#") else { return Self.entities.first { $0.name == name }.map { ($0.scalar, next) } }
    let isHex = name.count > 1 && name[1] == UInt8(ascii: "x")
    let digits = name.slice(isHex ? 2 : 1, name.count - (isHex ? 2 : 1))
    var scalar: UInt32 = 0
    for byte in digits.bytes {
      guard let digit = hexValue(byte), isHex || digit < 10, scalar <= 0x10FFFF else { return nil }
      scalar = scalar * (isHex ? 16 : 10) + UInt32(digit)
    }
    switch scalar {
    case 0x09, 0x0A, 0x0D, 0x20...0xD7FF, 0xE000...0xFFFD, 0x10000...0x10FFFF: return digits.isEmpty ? nil : (scalar, next)
    default: return nil
    }
  }

  private func unknown(_ start: Int, _ end: Int) -> XMLProblem {
    let found = Shape.excerpt(text.slice(start, min(end - start, 12)), quoted: true)
    return fail("\(found) is none of `&lt;` `&gt;` `&amp;` `&quot;` `&apos;` and no character's number", at: start)
  }
}
