import Glibc

/// Offsets of time zones, read from the system's zoneinfo (`TZDIR`, else /usr/share/zoneinfo) and kept.
struct Zones {
  private var known: [String: ZoneFile] = [:]
  private let folder: String

  init(folder: String? = nil) { self.folder = folder ?? getenv("TZDIR").map { String(cString: $0) } ?? "/usr/share/zoneinfo" }

  private mutating func file(_ zone: Text) throws(EventFailure) -> ZoneFile {
    let name = zone.string
    if let file = known[name] { return file }
    // Names that are none are not kept: there are any number of them.
    guard let file = load(name) else { throw EventFailure("there is no time zone \(Shape.excerpt(zone, quoted: true))") }
    known[name] = file
    return file
  }

  /// Seconds east of UTC.
  mutating func offset(_ zone: Text, at t: Timestamp) throws(EventFailure) -> Int64 {
    if zone == Text("UTC") { return 0 }
    return try file(zone).offset(at: Fn.floorDivide(t.micros, 1_000_000))
  }

  /// Seconds east of UTC at a local time in seconds; the earlier instant where there are two, the offset before where
  /// there is none.
  mutating func offset(_ zone: Text, local: Int64) throws(EventFailure) -> Int64 {
    if zone == Text("UTC") { return 0 }
    let file = try file(zone)
    let before = file.offset(at: local - 86_400)
    let after = file.offset(at: local + 86_400)
    for offset in [before, after] where file.offset(at: local - offset) == offset { return offset }
    return before
  }

  /// A name is never a path out of the folder, and a file has one name.
  private func load(_ name: String) -> ZoneFile? {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    let isName = parts.allSatisfy { part in
      !part.isEmpty
        && part.utf8.allSatisfy { ($0 | 0x20 >= 97 && $0 | 0x20 <= 122) || ($0 >= 48 && $0 <= 57) || $0 == 95 || $0 == 45 || $0 == 43 }
    }
    guard isName, name.utf8.count <= 100 else { return nil }
    return (try? readWholeFile("\(folder)/\(name)", limit: 1 << 20)).flatMap(ZoneFile.init)
  }
}

/// A file of RFC 9636 (TZif): transitions, and a rule for the time after the last of them.
struct ZoneFile {
  /// Offsets in seconds east of UTC, each from a second since 1970 on.
  private var table: [(from: Int64, offset: Int64)]
  private var rule: ZoneRule?

  /// Nil if it is not such a file. Files that count leap seconds are none here: times do not count them.
  init?(_ bytes: [UInt8]) {
    guard let header = Header(bytes, 0), header.version >= UInt8(ascii: "2") else {
      guard let header = Header(bytes, 0), let table = header.table(bytes, wide: 4) else { return nil }
      self.table = table
      return
    }
    guard let second = Header(bytes, header.size(4)), let table = second.table(bytes, wide: 8) else { return nil }
    self.table = table
    // The footer is a rule between two line feeds; an empty one says nothing.
    let footer = bytes[min(bytes.count, second.start + second.size(8))...]
    guard footer.first == 0x0A, let end = footer.dropFirst().firstIndex(of: 0x0A) else { return nil }
    let text = Array(footer[(footer.startIndex + 1)..<end])
    if text.isEmpty { return }
    guard let rule = ZoneRule(text) else { return nil }
    self.rule = rule
  }

  func offset(at seconds: Int64) -> Int64 {
    if let rule, table.count == 1 || seconds >= table[table.count - 1].from { return rule.offset(at: seconds) }
    var (low, high) = (0, table.count - 1)
    while low < high {
      let middle = (low + high + 1) / 2
      if table[middle].from <= seconds { low = middle } else { high = middle - 1 }
    }
    return table[low].offset
  }

  private struct Header {
    let start: Int
    let version: UInt8
    private let counts: [Int]

    init?(_ bytes: [UInt8], _ start: Int) {
      guard start + 44 <= bytes.count, bytes[start..<start + 4].elementsEqual("TZif".utf8) else { return nil }
      self.start = start
      version = bytes[start + 4]
      counts = (0..<6).map { Int(ZoneFile.number(bytes, start + 20 + 4 * $0, 4)) }
      guard counts.allSatisfy({ (0...1 << 16).contains($0) }) else { return nil }
    }

    private var leaps: Int { counts[2] }
    private var times: Int { counts[3] }
    private var types: Int { counts[4] }

    /// Bytes of the header and its data, whose times have so many bytes.
    func size(_ wide: Int) -> Int { 44 + times * (wide + 1) + types * 6 + counts[5] + leaps * (wide + 4) + counts[1] + counts[0] }

    /// Before the first transition the first type holds.
    func table(_ bytes: [UInt8], wide: Int) -> [(from: Int64, offset: Int64)]? {
      guard leaps == 0, types > 0, start + size(wide) <= bytes.count else { return nil }
      let indices = start + 44 + times * wide
      func offset(_ type: Int) -> Int64 { ZoneFile.number(bytes, indices + times + type * 6, 4) }
      var table = [(from: Int64.min, offset: offset(0))]
      for i in 0..<times {
        let type = Int(bytes[indices + i])
        guard type < types else { return nil }
        table.append((ZoneFile.number(bytes, start + 44 + i * wide, wide), offset(type)))
      }
      return table
    }
  }

  /// A number with the highest byte first, and with a sign.
  private static func number(_ bytes: [UInt8], _ at: Int, _ size: Int) -> Int64 {
    bytes[at..<at + size].reduce(Int64(bytes[at] >> 7) * -1) { $0 << 8 | Int64($1) }
  }
}
