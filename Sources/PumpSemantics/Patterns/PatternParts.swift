/// A pattern's text, cut where it refers to others: `%{ip}` or, as a group of that name, `%{ip:client}`.
struct PatternParts {
  enum Part {
    /// As regular expressions have it.
    case text(String)
    case reference(name: String, group: String?, Range<Int>)
    /// `%{` and a letter, and then no reference.
    case malformed(Range<Int>)
  }
  private(set) var parts: [Part] = []

  private let bytes: [UInt8]
  private var i = 0
  private var plain: [UInt8] = []

  /// Ranges are of bytes of the text.
  init(_ text: String) {
    bytes = Array(text.utf8)
    while i < bytes.count { step() }
    flush()
  }

  private func at(_ word: StaticString, _ place: Int) -> Bool {
    let count = word.utf8CodeUnitCount
    return place + count <= bytes.count && (0..<count).allSatisfy { bytes[place + $0] == word.utf8Start[$0] }
  }
  private mutating func copy(_ count: Int) {
    plain += bytes[i..<min(i + count, bytes.count)]
    i += count
  }
  private mutating func flush() {
    if !plain.isEmpty { parts.append(.text(String(decoding: plain, as: UTF8.self))) }
    plain = []
  }

  private mutating func step() {
    if at("\\%{", i) {
      // The text, which regular expressions write the other way round.
      plain += Array(#"%\{"#.utf8)
      i += 3
    } else if at("\\", i) {
      copy(2)
    } else if at("[", i) {
      characterClass()
    } else if at("%{", i), i + 2 < bytes.count, Self.isLetter(bytes[i + 2]) {
      reference()
    } else {
      copy(1)
    }
  }

  /// In a class there are no references.
  private mutating func characterClass() {
    copy(at("[^", i) ? 2 : 1)
    if at("]", i) { copy(1) }
    while i < bytes.count, !at("]", i) {
      if at("[:", i), let end = (i + 2..<bytes.count).first(where: { at(":]", $0) }) {
        copy(end + 2 - i)
      } else {
        copy(at("\\", i) ? 2 : 1)
      }
    }
    if i < bytes.count { copy(1) }
  }

  private mutating func reference() {
    flush()
    let start = i
    i += 2
    let name = word()
    var group: String?
    if at(":", i) {
      i += 1
      group = word()
    }
    guard at("}", i), group != "" else { return parts.append(.malformed(start..<min(i, bytes.count))) }
    i += 1
    parts.append(.reference(name: name, group: group, start + 2..<start + 2 + name.utf8.count))
  }

  private mutating func word() -> String {
    let start = i
    while i < bytes.count, Self.isLetter(bytes[i]) || bytes[i] == 0x5F || i > start && bytes[i] &- 48 < 10 { i += 1 }
    return String(decoding: bytes[start..<i], as: UTF8.self)
  }

  private static func isLetter(_ byte: UInt8) -> Bool { byte | 0x20 >= 97 && byte | 0x20 <= 122 }
}
