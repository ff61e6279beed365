/// Microseconds since 1970-01-01T00:00:00Z.
@frozen public struct Timestamp: Hashable, Comparable, Sendable {
  public var micros: Int64
  @inlinable public init(_ micros: Int64) { self.micros = micros }
  @inlinable public static func < (a: Self, b: Self) -> Bool { a.micros < b.micros }
  /// The years 1 to 9999, as RFC 3339 can write them.
  @inlinable public static var range: ClosedRange<Int64> { Calendar.timestamps }
  /// As JSON has it, without the quotes.
  package var text: String {
    var out = ByteBuffer(capacity: 64)
    defer { out.release() }
    write(json: &out)
    return String(out.string.dropFirst().dropLast())
  }
}

/// Days since 1970-01-01; `Date` in the language.
@frozen public struct Day: Hashable, Comparable, Sendable {
  public var days: Int64
  @inlinable public init(_ days: Int64) { self.days = days }
  @inlinable public static func < (a: Self, b: Self) -> Bool { a.days < b.days }
  /// The years 1 to 9999.
  @inlinable public static var range: ClosedRange<Int64> { -719_162...2_932_896 }
}

/// Microseconds.
@frozen public struct Duration: Hashable, Comparable, Sendable {
  public var micros: Int64
  @inlinable public init(_ micros: Int64) { self.micros = micros }
  @inlinable public static func < (a: Self, b: Self) -> Bool { a.micros < b.micros }
}

/// A number of bytes.
@frozen public struct Size: Hashable, Comparable, Sendable {
  public var bytes: Int64
  @inlinable public init(_ bytes: Int64) { self.bytes = bytes }
  @inlinable public static func < (a: Self, b: Self) -> Bool { a.bytes < b.bytes }
}

@frozen public struct Uuid: Hashable, Sendable {
  public var high: UInt64
  public var low: UInt64
  @inlinable public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Reads the 36 characters in either case.
  public init?(_ text: Text) {
    guard text.count == 36 else { return nil }
    var high: UInt64 = 0
    var low: UInt64 = 0
    var digits = 0
    for i in 0..<36 {
      if i == 8 || i == 13 || i == 18 || i == 23 {
        guard text[i] == UInt8(ascii: "-") else { return nil }
        continue
      }
      guard let digit = hexValue(text[i]) else { return nil }
      if digits < 16 { high = high << 4 | UInt64(digit) } else { low = low << 4 | UInt64(digit) }
      digits += 1
    }
    self.init(high: high, low: low)
  }
}

/// `Bytes` in the language: a slice that need not be text.
@frozen public struct Blob: Hashable, Sendable {
  public var text: Text
  @inlinable @inline(__always) public init(_ text: Text) { self.text = text }
}

/// Valid JSON without white space between its tokens.
@frozen public struct Json: Hashable, Sendable {
  public var text: Text
  @inlinable public init(_ text: Text) { self.text = text }
  public static let null = Json(Text("null"))
  public static let emptyObject = Json(Text("{}"))
}

/// Elements in an arena.
/// Nobody writes to them once the list is made; it lives as long as its arena, as a `Text` does.
@frozen public struct List<Element>: @unchecked Sendable {
  public var base: UnsafePointer<Element>
  public var count: Int

  @inlinable public init(_ base: UnsafePointer<Element>, _ count: Int) {
    self.base = base
    self.count = count
  }
  @inlinable public init() {
    // Some address that is aligned for all elements, and never read.
    base = UnsafePointer(bitPattern: 16)!
    count = 0
  }
  @inlinable public subscript(i: Int) -> Element { base[i] }
  @inlinable public var elements: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: base, count: count) }

  /// A copy in an arena.
  @inlinable public init(_ elements: some Collection<Element>, _ arena: Arena) {
    let target = arena.allocate(elements.count * MemoryLayout<Element>.stride).assumingMemoryBound(to: Element.self)
    var place = target
    for element in elements {
      place.initialize(to: element)
      place += 1
    }
    self.init(UnsafePointer(target), elements.count)
  }
}

extension List: Equatable where Element: Equatable {
  @inlinable public static func == (a: Self, b: Self) -> Bool { a.elements.elementsEqual(b.elements) }
}

extension List: Hashable where Element: Hashable {
  @inlinable public func hash(into hasher: inout Hasher) {
    hasher.combine(count)
    for element in elements { hasher.combine(element) }
  }
}

/// Grows in an arena; what it outgrows is released with the batch.
@frozen public struct ListBuilder<Element> {
  @usableFromInline var base: UnsafeMutablePointer<Element>
  @usableFromInline var count = 0
  @usableFromInline var capacity = 0
  /// The batch's, which outlives what is built in it.
  @usableFromInline unowned(unsafe) let arena: Arena

  @inlinable public init(_ arena: Arena) {
    self.arena = arena
    // Never read or written: there is no room yet.
    base = UnsafeMutablePointer(bitPattern: 16)!
  }

  @inlinable public mutating func append(_ element: Element) {
    if count == capacity { grow() }
    (base + count).initialize(to: element)
    count += 1
  }

  @inlinable mutating func replace(_ place: Int, _ element: Element) { base[place] = element }

  @usableFromInline mutating func grow() {
    capacity = max(4, capacity * 2)
    let larger = arena.allocate(capacity * MemoryLayout<Element>.stride).assumingMemoryBound(to: Element.self)
    if count > 0 { larger.initialize(from: base, count: count) }
    base = larger
  }

  @inlinable public var list: List<Element> { List(UnsafePointer(base), count) }
}

@frozen public struct Entry<Value> {
  public var key: Text
  public var value: Value
  @inlinable public init(_ key: Text, _ value: Value) {
    self.key = key
    self.value = value
  }
}

extension Entry: Equatable where Value: Equatable {}

/// Keys and values in their order; of equal keys the last counts.
/// As a list, nobody writes to it once it is made.
@frozen public struct Map<Value>: @unchecked Sendable {
  public var entries: List<Entry<Value>>
  @inlinable public init(_ entries: List<Entry<Value>>) { self.entries = entries }
  @inlinable public init() { entries = List() }
  @inlinable public subscript(key: Text) -> Value? {
    for entry in entries.elements.reversed() where entry.key == key { return entry.value }
    return nil
  }
}

extension Map: Equatable where Value: Equatable {
  @inlinable public static func == (a: Self, b: Self) -> Bool {
    guard a.entries.count == b.entries.count else { return false }
    var places = KeyPlaces()
    for i in 0..<b.entries.count { _ = places.place(of: b.entries[i].key, among: i) { b.entries[$0].key } }
    return a.entries.elements.allSatisfy { entry in
      guard let place = places.find(entry.key, among: b.entries.count, { b.entries[$0].key }) else { return false }
      return b.entries[place].value == entry.value
    }
  }
}

extension Map: Hashable where Value: Hashable {
  /// Equal maps may have their entries in another order.
  @inlinable public func hash(into hasher: inout Hasher) {
    var sum = 0
    for entry in entries.elements {
      var part = Hasher()
      part.combine(entry.key)
      part.combine(entry.value)
      sum &+= part.finalize()
    }
    hasher.combine(sum)
  }
}

/// Where the keys of a map stand: few are compared one by one, more are found by their hashes, so that maps of any size
/// are read, merged and compared in linear time. Keys are given in their order.
public struct KeyPlaces {
  @usableFromInline static let few = 16
  @usableFromInline var known: [Text: Int] = [:]

  @inlinable public init() {}

  /// The place of a key among so many that were given; nil if it is a new one, which is given with that.
  @inlinable public mutating func place(of key: Text, among count: Int, _ keyAt: (Int) -> Text) -> Int? {
    if count < Self.few { return find(key, among: count, keyAt) }
    if known.isEmpty { for i in 0..<count { known[keyAt(i)] = i } }
    if let place = known[key] { return place }
    known[key] = count
    return nil
  }

  @inlinable public func find(_ key: Text, among count: Int, _ keyAt: (Int) -> Text) -> Int? {
    if !known.isEmpty { return known[key] }
    for i in 0..<count where keyAt(i) == key { return i }
    return nil
  }
}
