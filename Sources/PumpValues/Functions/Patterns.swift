/// Functions of texts and regular expressions.
extension Fn {
  public static func matches(_ text: Text, _ pattern: Text, _ c: Context) throws(EventFailure) -> Bool {
    try c.regex(pattern).matches(text)
  }
  public static func find(_ text: Text, _ pattern: Text, _ c: Context) throws(EventFailure) -> Text? {
    try c.regex(pattern).firstMatch(in: text)?.text(0, text)
  }
  public static func findAll(_ text: Text, _ pattern: Text, _ c: Context) throws(EventFailure) -> List<Text> {
    var found = ListBuilder<Text>(c.arena)
    try c.regex(pattern).forEachMatch(in: text) { (match) throws(EventFailure) in found.append(match.text(0, text)!) }
    return found.list
  }
  public static func capture(_ text: Text, _ pattern: Text, _ group: Int64, _ c: Context) throws(EventFailure) -> Text? {
    let regex = try c.regex(pattern)
    guard group >= 0, group < Int64(regex.groupCount) else { throw EventFailure("the pattern has no group \(group)") }
    return try regex.firstMatch(in: text)?.text(Int(group), text)
  }
  public static func replaceAll(_ text: Text, _ pattern: Text, _ with: Text, _ c: Context) throws(EventFailure) -> Text {
    let regex = try c.regex(pattern)
    var start = 0
    var out = ByteBuffer(capacity: text.count + 64)
    defer { out.release() }
    try regex.forEachMatch(in: text) { (match) throws(EventFailure) in
      let range = match.range(0)!
      out.raw(text.slice(start, range.lowerBound - start))
      var i = 0
      while i < with.count {
        if with[i] == UInt8(ascii: "$"), i + 1 < with.count, with[i + 1] &- 48 < 10 || with[i + 1] == UInt8(ascii: "$") {
          if with[i + 1] == UInt8(ascii: "$") {
            out.byte(with[i])
          } else if let group = match.text(Int(with[i + 1] - 48), text) {
            out.raw(group)
            // One pattern can name a long group many times.
            guard out.count <= longest else { throw tooLong() }
          }
          i += 2
        } else {
          out.byte(with[i])
          i += 1
        }
      }
      guard out.count <= longest else { throw tooLong() }
      start = range.upperBound
    }
    out.raw(text.slice(start, text.count - start))
    return c.arena.copy(out.bytes)
  }
  public static func splitBy(_ text: Text, _ pattern: Text, _ c: Context) throws(EventFailure) -> List<Text> {
    var pieces = ListBuilder<Text>(c.arena)
    var start = 0
    try c.regex(pattern).forEachMatch(in: text) { (match) throws(EventFailure) in
      let range = match.range(0)!
      pieces.append(text.slice(start, range.lowerBound - start))
      start = range.upperBound
    }
    pieces.append(text.slice(start, text.count - start))
    return pieces.list
  }

  // MARK: Registration

  @inlinable public static func register<T: FunctionRegistry>(patterns t: inout T) {
    t.add("matches") { (a: Text, b: Text, c) throws(EventFailure) in try Fn.matches(a, b, c) }
    t.add("find") { (a: Text, b: Text, c) throws(EventFailure) -> Text? in try Fn.find(a, b, c) }
    t.add("find_all") { (a: Text, b: Text, c) throws(EventFailure) in try Fn.findAll(a, b, c) }
    t.add("capture") { (a: Text, b: Text, d: Int64, c) throws(EventFailure) -> Text? in try Fn.capture(a, b, d, c) }
    t.add("replace_all") { (a: Text, b: Text, d: Text, c) throws(EventFailure) in try Fn.replaceAll(a, b, d, c) }
    t.add("split_by") { (a: Text, b: Text, c) throws(EventFailure) in try Fn.splitBy(a, b, c) }
  }
}
