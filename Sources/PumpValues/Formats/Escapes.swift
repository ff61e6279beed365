/// What a backslash and the character after it stand for in a format. A backslash before any other character stands for
/// itself, as RFC 5424 6.3.3 has it: logs hold paths of Windows and patterns, and none is worth losing a line.
struct Escapes: Sendable {
  private let plain: [UInt8: UInt8]
  /// `\x1B`, one byte.
  private let hasHex: Bool
  /// `\u00E9`, or two of a surrogate pair, as JSON writes them.
  private let hasUnicode: Bool
  static let backslash = UInt8(ascii: "\\")

  /// Pairs of characters: the first behind the backslash, the second what is meant, such as `n\n`.
  init(_ pairs: [String], hex: Bool = false, unicode: Bool = false) {
    plain = Dictionary(uniqueKeysWithValues: pairs.map { (Array($0.utf8)[0], Array($0.utf8)[1]) })
    (hasHex, hasUnicode) = (hex, unicode)
  }

  /// In one pass, so that of `\\n` the `n` is not escaped; a slice as it is where nothing is escaped.
  func text(_ text: Text, _ c: Context) -> Text {
    guard text.bytes.contains(Self.backslash) else { return text }
    return c.arena.build(text.count) { start in
      var out = start
      var i = 0
      while i < text.count {
        if text[i] == Self.backslash, i + 1 < text.count, let end = escape(text, i + 1, &out, c) {
          i = end
          continue
        }
        out.pointee = text[i]
        out += 1
        i += 1
      }
      return out - start
    }
  }

  /// Writes what an escape stands for, from behind its backslash, and returns the place after it; nil if it is none.
  private func escape(_ text: Text, _ i: Int, _ out: inout UnsafeMutablePointer<UInt8>, _ c: Context) -> Int? {
    if let byte = plain[text[i]] {
      out.pointee = byte
      out += 1
      return i + 1
    }
    if hasHex, text[i] == UInt8(ascii: "x"), i + 2 < text.count, let high = hexValue(text[i + 1]), let low = hexValue(text[i + 2]) {
      out.pointee = high << 4 | low
      out += 1
      return i + 3
    }
    guard hasUnicode, text[i] == UInt8(ascii: "u") else { return nil }
    var reader = JSONReader(text, c.arena)
    reader.p = text.base + i + 1
    guard let scalar = try? reader.unicodeEscape(text.end) else { return nil }
    out = encodeUTF8(scalar, out)
    return reader.p - text.base
  }
}
