#if PostgreSQL
import PumpConnectorKit

/// Names and texts as SQL writes them, whatever they hold.
enum SQL {
  /// The forms that values have as text, set by `SET` or `SET LOCAL`.
  static func settings(_ set: String) -> String {
    [
      "timezone = 'UTC'", "datestyle = ISO", "intervalstyle = iso_8601", "bytea_output = hex", "extra_float_digits = 1", "array_nulls = on",
    ].map { "\(set) \($0)" }.joined(separator: "; ")
  }

  static func quoted(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"").replacing("\0", with: "") + "\"" }
  static func literal(_ text: String) -> String {
    let body = text.replacing("\0", with: "").replacing("'", with: "''")
    return body.contains("\\") ? " E'" + body.replacing("\\", with: "\\\\") + "'" : "'" + body + "'"
  }
  /// An array of texts in the server's text form.
  static func array(_ texts: [String]) -> String {
    "{" + texts.map { "\"\($0.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\"" }.joined(separator: ",") + "}"
  }
  /// `orders`, or `schema.orders`.
  static func table(_ name: String) -> String { name.split(separator: ".", maxSplits: 1).map { quoted(String($0)) }.joined(separator: ".") }
}

extension SQL {
  /// `:name` becomes `$1`, and the names are listed, each once. What stands in texts, quoted names, comments and bodies is left as
  /// it is, as is `::type`; a name does not begin with a digit, so that `[1:2]` is a slice.
  static func numbered(_ sql: String) -> (sql: String, names: [String]) {
    let text = Array(sql.utf8)
    var out: [UInt8] = []
    var names: [String] = []
    var i = 0
    while i < text.count {
      if let end = endOfPassage(text, i) {
        out += text[i..<end]
        i = end
      } else if text[i] == UInt8(ascii: ":"), i + 1 < text.count, text[i + 1] == UInt8(ascii: ":") {
        out += text[i...(i + 1)]
        i += 2
      } else if text[i] == UInt8(ascii: ":"), i + 1 < text.count, isName(text[i + 1]), !isDigit(text[i + 1]) {
        let end = text[(i + 1)...].firstIndex { !isName($0) } ?? text.count
        let name = String(decoding: text[(i + 1)..<end], as: UTF8.self)
        if !names.contains(name) { names.append(name) }
        out += Array("$\(names.firstIndex(of: name)! + 1)".utf8)
        i = end
      } else if isName(text[i]) {
        // A word whole, so that a dollar or a letter E in it begins nothing; the E of a text is left to its quote.
        let end = text[i...].firstIndex { !isName($0) && $0 != UInt8(ascii: "$") } ?? text.count
        let isEscape = end == i + 1 && text[i] | 0x20 == UInt8(ascii: "e") && end < text.count && text[end] == UInt8(ascii: "'")
        let stop = isEscape ? endOfText(text, end, UInt8(ascii: "'"), escapes: true) : end
        out += text[i..<stop]
        i = stop
      } else {
        out.append(text[i])
        i += 1
      }
    }
    return (String(decoding: out, as: UTF8.self), names)
  }

  /// Where a quoted text or name, a comment or a dollar-quoted body that begins here ends; nil if none does.
  private static func endOfPassage(_ text: [UInt8], _ i: Int) -> Int? {
    switch text[i] {
    case UInt8(ascii: "'"), UInt8(ascii: "\""): return endOfText(text, i, text[i], escapes: false)
    case UInt8(ascii: "-") where i + 1 < text.count && text[i + 1] == text[i]:
      return text[i...].firstIndex { $0 == 0x0A || $0 == 0x0D } ?? text.count
    case UInt8(ascii: "/") where i + 1 < text.count && text[i + 1] == UInt8(ascii: "*"):
      // They nest.
      var depth = 0
      var j = i
      while j + 1 < text.count {
        if text[j] == UInt8(ascii: "/"), text[j + 1] == UInt8(ascii: "*") {
          (depth, j) = (depth + 1, j + 2)
        } else if text[j] == UInt8(ascii: "*"), text[j + 1] == UInt8(ascii: "/") {
          (depth, j) = (depth - 1, j + 2)
          if depth == 0 { return j }
        } else {
          j += 1
        }
      }
      return text.count
    case UInt8(ascii: "$"):
      guard let close = text[(i + 1)...].firstIndex(where: { !isName($0) }), text[close] == UInt8(ascii: "$"),
        close == i + 1 || !isDigit(text[i + 1])
      else { return nil }
      let tag = text[i...close]
      var j = close + 1
      while j + tag.count <= text.count {
        if text[j..<(j + tag.count)].elementsEqual(tag) { return j + tag.count }
        j += 1
      }
      return text.count
    default: return nil
    }
  }

  /// Two quotes are one of the text.
  private static func endOfText(_ text: [UInt8], _ start: Int, _ quote: UInt8, escapes: Bool) -> Int {
    var i = start + 1
    while i < text.count {
      if escapes, text[i] == 0x5C {
        i += 2
      } else if text[i] != quote {
        i += 1
      } else if i + 1 < text.count, text[i + 1] == quote {
        i += 2
      } else {
        return i + 1
      }
    }
    return text.count
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
  private static func isName(_ byte: UInt8) -> Bool {
    byte == 0x5F || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A) || isDigit(byte) || byte >= 0x80
  }
}
#endif
