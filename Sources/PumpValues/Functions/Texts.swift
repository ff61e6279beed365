import Glibc

extension Fn {
  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (byte >= 9 && byte <= 13) }

  /// ASCII in place, anything else by Unicode's rules.
  private static func cased(_ text: Text, _ c: Context, _ range: ClosedRange<UInt8>, _ full: (String) -> String) -> Text {
    var ascii = true
    var changes = false
    for byte in text.bytes {
      if byte >= 0x80 { ascii = false }
      if range.contains(byte) { changes = true }
    }
    guard ascii else { return c.arena.copy(full(text.string)) }
    guard changes else { return text }
    var copy = c.arena.build(text.count) { out in
      for i in 0..<text.count { out[i] = range.contains(text[i]) ? text[i] ^ 0x20 : text[i] }
      return text.count
    }
    copy.flags = text.flags
    return copy
  }
  public static func upper(_ text: Text, _ c: Context) -> Text { cased(text, c, 97...122) { $0.uppercased() } }
  public static func lower(_ text: Text, _ c: Context) -> Text { cased(text, c, 65...90) { $0.lowercased() } }
  public static func capitalize(_ text: Text, _ c: Context) -> Text {
    let string = text.string
    return c.arena.copy(string.prefix(1).uppercased() + string.dropFirst())
  }
  public static func trimStart(_ text: Text, _ c: Context) -> Text {
    var start = 0
    while start < text.count, isSpace(text[start]) { start += 1 }
    return text.slice(start, text.count - start)
  }
  public static func trimEnd(_ text: Text, _ c: Context) -> Text {
    var end = text.count
    while end > 0, isSpace(text[end - 1]) { end -= 1 }
    return text.slice(0, end)
  }
  public static func trim(_ text: Text, _ c: Context) -> Text { trimEnd(trimStart(text, c), c) }
  public static func length(_ text: Text, _ c: Context) -> Int64 {
    var count: Int64 = 0
    for byte in text.bytes where byte & 0xC0 != 0x80 { count += 1 }
    return count
  }
  public static func length(_ bytes: Blob, _ c: Context) -> Int64 { Int64(bytes.text.count) }

  static func place(of part: Text, in text: Text, from start: Int = 0) -> Int? {
    guard start <= text.count else { return nil }
    if part.isEmpty { return start }
    var from = start
    // Bytes that comparisons which failed may have read: a part that is long and often almost there is left to `kmp`.
    var spent = 0
    while from + part.count <= text.count, let found = memchr(text.base + from, Int32(part[0]), text.count - part.count - from + 1) {
      let place = UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - text.base
      if memcmp(text.base + place, part.base, part.count) == 0 { return place }
      from = place + 1
      spent += part.count
      if spent > 16 * (from - start + part.count) { return kmp(part, in: text, from: from) }
    }
    return nil
  }

  /// Knuth, Morris and Pratt's search, which is linear whatever the two texts are.
  private static func kmp(_ part: Text, in text: Text, from start: Int) -> Int? {
    // For each beginning of the part, how long its longest end is that is a beginning too.
    var borders = [Int](repeating: 0, count: part.count)
    var length = 0
    for i in 1..<part.count {
      while length > 0, part[i] != part[length] { length = borders[length - 1] }
      if part[i] == part[length] { length += 1 }
      borders[i] = length
    }
    length = 0
    for i in start..<text.count {
      while length > 0, text[i] != part[length] { length = borders[length - 1] }
      if text[i] == part[length] { length += 1 }
      if length == part.count { return i + 1 - part.count }
    }
    return nil
  }
  public static func contains(_ text: Text, _ part: Text, _ c: Context) -> Bool { place(of: part, in: text) != nil }
  public static func startsWith(_ text: Text, _ prefix: Text, _ c: Context) -> Bool {
    text.count >= prefix.count && memcmp(text.base, prefix.base, prefix.count) == 0
  }
  public static func endsWith(_ text: Text, _ suffix: Text, _ c: Context) -> Bool {
    text.count >= suffix.count && memcmp(text.end - suffix.count, suffix.base, suffix.count) == 0
  }
  /// Functions whose result can be much longer than their arguments make at most so many bytes.
  static let longest = 16 << 20
  static func tooLong() -> EventFailure { EventFailure("the text would be longer than 16 MiB") }

  public static func replace(_ text: Text, _ old: Text, _ new: Text, _ c: Context) throws(EventFailure) -> Text {
    if old.isEmpty { return text }
    guard place(of: old, in: text) != nil else { return text }
    var fits = true
    let result = makeText(c.arena) { out in
      var start = 0
      while fits, let found = place(of: old, in: text, from: start) {
        out.raw(text.slice(start, found - start))
        out.raw(new)
        start = found + old.count
        fits = out.count <= longest || new.count <= old.count
      }
      out.raw(text.slice(start, text.count - start))
    }
    guard fits else { throw tooLong() }
    return result
  }
  public static func split(_ text: Text, _ separator: Text, _ c: Context) -> List<Text> {
    var pieces = ListBuilder<Text>(c.arena)
    var start = 0
    while !separator.isEmpty, let found = place(of: separator, in: text, from: start) {
      pieces.append(text.slice(start, found - start))
      start = found + separator.count
    }
    pieces.append(text.slice(start, text.count - start))
    return pieces.list
  }
  public static func characters(_ text: Text, _ c: Context) -> List<Text> {
    var scalars = ListBuilder<Text>(c.arena)
    var start = 0
    while start < text.count {
      let end = offset(text, 1, from: start)
      scalars.append(text.slice(start, end - start))
      start = end
    }
    return scalars.list
  }
  public static func join(_ list: List<Text>, _ separator: Text, _ c: Context) throws(EventFailure) -> Text {
    guard list.count < 2 || separator.count <= longest / (list.count - 1) else { throw tooLong() }
    return makeText(c.arena) { out in
      for (index, piece) in list.elements.enumerated() {
        if index > 0 { out.raw(separator) }
        out.raw(piece)
      }
    }
  }
  /// The byte offset of a scalar, at most the text's end.
  private static func offset(_ text: Text, _ scalars: Int64, from start: Int = 0) -> Int {
    var i = start
    var left = scalars
    while i < text.count, left > 0 {
      i += 1
      while i < text.count, text[i] & 0xC0 == 0x80 { i += 1 }
      left -= 1
    }
    return i
  }
  public static func substring(_ text: Text, _ start: Int64, _ count: Int64, _ c: Context) -> Text {
    guard count > 0 else { return text.slice(0, 0) }
    let from = offset(text, start)
    // A negative start leaves out what lies before the text.
    let length = start < 0 && count < Int64.max ? count + start : count
    return text.slice(from, offset(text, length, from: from) - from)
  }
  public static func truncate(_ text: Text, _ length: Int64, _ c: Context) -> Text { substring(text, 0, length, c) }
  public static func indexOf(_ text: Text, _ part: Text, _ c: Context) -> Int64? {
    place(of: part, in: text).map { length(text.slice(0, $0), c) }
  }
  private static func padding(_ text: Text, _ width: Int64, _ fill: Text, _ c: Context) -> (Text, Text) {
    let present = length(text, c)
    guard width > present, present < 1 << 20, !fill.isEmpty else { return (text, Text()) }
    let missing = Swift.min(width, 1 << 20) - present
    let unit = length(fill, c)
    let filled = makeText(c.arena) { out in
      for _ in 0..<(missing / unit) { out.raw(fill) }
      out.raw(substring(fill, 0, missing % unit, c))
    }
    return (text, filled)
  }
  private static func both(_ a: Text, _ b: Text, _ c: Context) -> Text {
    if a.isEmpty { return b }
    if b.isEmpty { return a }
    return c.arena.build(a.count + b.count) { out in
      memcpy(out, a.base, a.count)
      memcpy(out + a.count, b.base, b.count)
      return a.count + b.count
    }
  }
  public static func padStart(_ text: Text, _ width: Int64, _ fill: Text, _ c: Context) -> Text {
    let (text, filled) = padding(text, width, fill, c)
    return both(filled, text, c)
  }
  public static func padEnd(_ text: Text, _ width: Int64, _ fill: Text, _ c: Context) -> Text {
    let (text, filled) = padding(text, width, fill, c)
    return both(text, filled, c)
  }
  public static func `repeat`(_ text: Text, _ times: Int64, _ c: Context) throws(EventFailure) -> Text {
    guard times > 0, !text.isEmpty else { return Text() }
    guard Int64(text.count) <= Int64(longest) / times else { throw tooLong() }
    return makeText(c.arena) { out in for _ in 0..<times { out.raw(text) } }
  }
  public static func reverse(_ text: Text, _ c: Context) -> Text {
    c.arena.copy(String(String.UnicodeScalarView(text.string.unicodeScalars.reversed())))
  }
  public static func lines(_ text: Text, _ c: Context) -> List<Text> {
    var pieces = ListBuilder<Text>(c.arena)
    var start = 0
    while start < text.count {
      let found = place(of: Text("\n"), in: text, from: start) ?? text.count
      let end = found > start && text[found - 1] == 13 ? found - 1 : found
      pieces.append(text.slice(start, end - start))
      start = found + 1
    }
    return pieces.list
  }
  public static func words(_ text: Text, _ c: Context) -> List<Text> {
    var pieces = ListBuilder<Text>(c.arena)
    var i = 0
    while i < text.count {
      while i < text.count, isSpace(text[i]) { i += 1 }
      let start = i
      while i < text.count, !isSpace(text[i]) { i += 1 }
      if i > start { pieces.append(text.slice(start, i - start)) }
    }
    return pieces.list
  }
  public static func before(_ text: Text, _ separator: Text, _ c: Context) -> Text {
    place(of: separator, in: text).map { text.slice(0, $0) } ?? text
  }
  public static func after(_ text: Text, _ separator: Text, _ c: Context) -> Text {
    place(of: separator, in: text).map { text.slice($0 + separator.count, text.count - $0 - separator.count) } ?? Text()
  }
  public static func isBlank(_ text: Text, _ c: Context) -> Bool { text.bytes.allSatisfy(isSpace) }
  public static func isAscii(_ text: Text, _ c: Context) -> Bool { text.bytes.allSatisfy { $0 < 0x80 } }

  /// A value as `\( )` writes it: texts as they are, anything else as JSON without quotes.
  public static func toString(_ value: Text, _ c: Context) -> Text { value }
  public static func toString(_ value: Int64, _ c: Context) -> Text { makeNumber(c.arena, upTo: 24) { $0.int(value) } }
  public static func toString(_ value: Double, _ c: Context) -> Text { makeText(c.arena) { $0.double(value) } }
  public static func toString(_ value: Decimal, _ c: Context) -> Text { makeNumber(c.arena, upTo: 48) { $0.decimal(value) } }
  public static func toString(_ value: Bool, _ c: Context) -> Text { value ? Text("true") : Text("false") }
  public static func toString(_ value: Timestamp, _ c: Context) -> Text { makeText(c.arena) { $0.timestamp(value) } }
  public static func toString(_ value: Day, _ c: Context) -> Text { makeText(c.arena) { $0.day(value) } }
  public static func toString(_ value: Duration, _ c: Context) -> Text { makeText(c.arena) { $0.duration(value) } }
  public static func toString(_ value: Size, _ c: Context) -> Text { makeNumber(c.arena, upTo: 24) { $0.int(value.bytes) } }
  public static func toString(_ value: Uuid, _ c: Context) -> Text { makeText(c.arena) { $0.uuid(value) } }
  public static func toString(_ value: Blob, _ c: Context) -> Text { makeText(c.arena) { $0.base64(value.text) } }
  /// A JSON string gives its text, any other Json its JSON.
  public static func toString(_ value: Json, _ c: Context) -> Text {
    guard value.text.count > 0, value.text[0] == 0x22 else { return value.text }
    var reader = JSONReader(value.text, c.arena)
    return (try? reader.string()) ?? value.text
  }
  /// Lists, records, enums and what may be null, as JSON; what is a string there is written without quotes.
  public static func toString<T: JSONWritable>(_ value: T, _ c: Context) -> Text {
    toString(Json(makeText(c.arena) { value.write(json: &$0) }), c)
  }

  @inlinable public static func concatenate(_ parts: Text..., c: Context) -> Text {
    var size = 0
    var safe = true
    for part in parts {
      size += part.count
      safe = safe && part.jsonSafe
    }
    let target = c.arena.allocate(size).assumingMemoryBound(to: UInt8.self)
    var place = target
    for part in parts {
      memcpy(place, part.base, part.count)
      place += part.count
    }
    return Text(target, size, jsonSafe: safe)
  }

  // MARK: Registration

  @inlinable public static func register<T: FunctionRegistry>(texts t: inout T) {
    t.add("upper") { (x: Text, c) in Fn.upper(x, c) }
    t.add("lower") { (x: Text, c) in Fn.lower(x, c) }
    t.add("capitalize") { (x: Text, c) in Fn.capitalize(x, c) }
    t.add("trim") { (x: Text, c) in Fn.trim(x, c) }
    t.add("trim_start") { (x: Text, c) in Fn.trimStart(x, c) }
    t.add("trim_end") { (x: Text, c) in Fn.trimEnd(x, c) }
    t.add("length") { (x: Text, c) in Fn.length(x, c) }
    t.add("length") { (x: Blob, c) in Fn.length(x, c) }
    t.add("contains") { (a: Text, b: Text, c) in Fn.contains(a, b, c) }
    t.add("starts_with") { (a: Text, b: Text, c) in Fn.startsWith(a, b, c) }
    t.add("ends_with") { (a: Text, b: Text, c) in Fn.endsWith(a, b, c) }
    t.add("replace") { (a: Text, b: Text, d: Text, c) throws(EventFailure) in try Fn.replace(a, b, d, c) }
    t.add("characters") { (a: Text, c) in Fn.characters(a, c) }
    t.add("split") { (a: Text, b: Text, c) in Fn.split(a, b, c) }
    t.add("join") { (a: List<Text>, b: Text, c) throws(EventFailure) in try Fn.join(a, b, c) }
    t.add("substring") { (a: Text, b: Int64, d: Int64, c) in Fn.substring(a, b, d, c) }
    t.add("truncate") { (a: Text, b: Int64, c) in Fn.truncate(a, b, c) }
    t.add("index_of") { (a: Text, b: Text, c) -> Int64? in Fn.indexOf(a, b, c) }
    t.add("pad_start") { (a: Text, b: Int64, d: Text, c) in Fn.padStart(a, b, d, c) }
    t.add("pad_end") { (a: Text, b: Int64, d: Text, c) in Fn.padEnd(a, b, d, c) }
    t.add("repeat") { (a: Text, b: Int64, c) throws(EventFailure) in try Fn.repeat(a, b, c) }
    t.add("reverse") { (a: Text, c) in Fn.reverse(a, c) }
    t.add("lines") { (a: Text, c) in Fn.lines(a, c) }
    t.add("words") { (a: Text, c) in Fn.words(a, c) }
    t.add("before") { (a: Text, b: Text, c) in Fn.before(a, b, c) }
    t.add("after") { (a: Text, b: Text, c) in Fn.after(a, b, c) }
    t.add("is_blank") { (a: Text, c) in Fn.isBlank(a, c) }
    t.add("is_ascii") { (a: Text, c) in Fn.isAscii(a, c) }
    t.add("is_empty") { (a: Text, c) in Fn.isEmpty(a, c) }
    t.add("to_string") { (a: Text, c) in Fn.toString(a, c) }
    t.add("to_string") { (a: Int64, c) in Fn.toString(a, c) }
    t.add("to_string") { (a: Double, c) in Fn.toString(a, c) }
    t.add("to_string") { (a: Decimal, c) in Fn.toString(a, c) }
    t.add("to_string") { (a: Bool, c) in Fn.toString(a, c) }
    t.add("to_string") { (a: Timestamp, c) in Fn.toString(a, c) }
    t.add("to_string") { (a: Day, c) in Fn.toString(a, c) }
    t.add("to_string") { (a: Duration, c) in Fn.toString(a, c) }
    t.add("to_string") { (a: Size, c) in Fn.toString(a, c) }
    t.add("to_string") { (a: Uuid, c) in Fn.toString(a, c) }
    t.add("to_string") { (a: Blob, c) in Fn.toString(a, c) }
    t.add("to_string") { (a: Json, c) in Fn.toString(a, c) }
  }
}
