/// A place in a line of a log, which is read from its start.
struct LogCursor {
  let text: Text
  var i = 0

  init(_ text: Text) { self.text = text }

  var isAtEnd: Bool { i >= text.count }
  var rest: Text { text.slice(i, text.count - i) }
  func at(_ byte: UInt8) -> Bool { i < text.count && text[i] == byte }

  mutating func take(_ byte: UInt8) -> Bool {
    guard at(byte) else { return false }
    i += 1
    return true
  }

  /// What stands before the next of these bytes, or to the end; the byte itself is left.
  mutating func upTo(_ isEnd: (UInt8) -> Bool) -> Text {
    let start = i
    while i < text.count, !isEnd(text[i]) { i += 1 }
    return text.slice(start, i - start)
  }

  /// What stands before the next blank, which is taken; nil if nothing does.
  mutating func word() -> Text? {
    let word = upTo { $0 == 0x20 }
    _ = take(0x20)
    return word.isEmpty ? nil : word
  }

  /// What stands in quotes here, which are taken; nil if there are none.
  mutating func quoted() -> Text? {
    guard at(UInt8(ascii: "\"")), let end = text.closingQuote(i) else { return nil }
    defer { i = end + 1 }
    return text.slice(i + 1, end - i - 1)
  }

  /// Up to so many digits; nil if there is none.
  mutating func digits(_ most: Int) -> Int64? {
    let start = i
    var value: Int64 = 0
    while i < text.count, i - start < most, text[i] &- 48 < 10 {
      value = value * 10 + Int64(text[i] - 48)
      i += 1
    }
    return i > start ? value : nil
  }

  func expected(_ what: String) -> String {
    "expected \(what) at byte \(i), found \(isAtEnd ? "the end" : Shape.excerpt(rest, quoted: true))"
  }
}
