import Glibc

/// Elements of a list in the column of its elements.
@frozen public struct Slice: Sendable {
  public var start: Int32
  public var count: Int32
  public init(_ start: Int, _ count: Int) {
    self.start = Int32(truncatingIfNeeded: start)
    self.count = Int32(truncatingIfNeeded: count)
  }
}

/// A value of a column as a key of sets.
public struct ColumnRow: Hashable {
  public let column: Column
  public let row: Int
  public init(_ column: Column, _ row: Int) {
    self.column = column
    self.row = row
  }
  public static func == (a: Self, b: Self) -> Bool { Column.equal(a.column, a.row, b.column, b.row) }
  public func hash(into hasher: inout Hasher) { column.hash(row, into: &hasher) }
}

/// Values of one type for many events, side by side. Texts are slices whose bytes the batch owns.
public final class Column {
  public let shape: Shape
  public internal(set) var count = 0
  public private(set) var capacity = 0
  public private(set) var base: UnsafeMutableRawPointer
  /// One byte for each value, 0 for null; nil if the type has no null.
  public private(set) var valid: UnsafeMutablePointer<UInt8>?
  /// Fields of a record, or the elements of lists and entries of maps.
  public let children: [Column]
  private let stride: Int

  // `base` and `valid` are this object's own, always of `capacity` values. Nobody keeps them past a call that makes room.

  public init(_ shape: Shape) {
    self.shape = shape
    stride = shape.stride
    base = .allocate(byteCount: 16, alignment: 16)
    if shape.isOptional { valid = .allocate(capacity: 1) }
    children = shape.kind == .record ? shape.fields.map { Column($0.shape) } : shape.element.map { [Column($0)] } ?? []
  }

  /// A record or list over columns that others fill.
  public init(_ shape: Shape, sharing children: [Column]) {
    self.shape = shape
    stride = shape.stride
    base = .allocate(byteCount: 16, alignment: 16)
    if shape.isOptional { valid = .allocate(capacity: 1) }
    self.children = children
  }

  deinit {
    base.deallocate()
    valid?.deallocate()
  }

  /// Forgets all values; memory is kept.
  public func clear() {
    count = 0
    for child in children { child.clear() }
  }

  @inline(__always)
  public func ensure(_ size: Int) {
    if size > capacity { grow(size) }
  }

  private func grow(_ size: Int) {
    let wanted = max(size, capacity * 2, 64)
    let larger = UnsafeMutableRawPointer.allocate(byteCount: max(16, wanted * stride), alignment: 16)
    memcpy(larger, base, capacity * stride)
    base.deallocate()
    base = larger
    if let old = valid {
      let flags = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted)
      memcpy(flags, old, capacity)
      old.deallocate()
      valid = flags
    }
    capacity = wanted
  }

  // `T` is the type by which the shape's kind is stored, of `stride` bytes: nothing else was ever written to the memory.

  @inline(__always)
  public func pointer<T>(_ type: T.Type) -> UnsafeMutablePointer<T> { base.assumingMemoryBound(to: type) }

  @inline(__always)
  public func get<T>(_ type: T.Type, _ row: Int) -> T { base.assumingMemoryBound(to: type)[row] }

  /// Writes a value; the column grows to hold it.
  @inline(__always)
  public func set<T>(_ value: T, _ row: Int) {
    ensure(row + 1)
    base.assumingMemoryBound(to: T.self)[row] = value
    if let valid { valid[row] = 1 }
    if row >= count { count = row + 1 }
  }

  @inline(__always)
  public func isNull(_ row: Int) -> Bool { if let valid { valid[row] == 0 } else { false } }

  public func setNull(_ row: Int) {
    ensure(row + 1)
    // Only a type that has null gets one, and that has the flags.
    valid![row] = 0
    if shape.kind == .record {
      for child in children { child.setNothing(row) }
    } else if stride > 0 {
      memset(base + row * stride, 0, stride)
    }
    if row >= count { count = row + 1 }
  }

  /// Some value, where another one's absence makes this one unread.
  public func setNothing(_ row: Int) {
    ensure(row + 1)
    if valid != nil { return setNull(row) }
    if shape.kind == .record { for child in children { child.setNothing(row) } } else { memset(base + row * stride, 0, stride) }
    if row >= count { count = row + 1 }
  }

  /// Marks a record as present; its fields are written on their own.
  public func setPresent(_ row: Int) {
    ensure(row + 1)
    if let valid { valid[row] = 1 }
    if row >= count { count = row + 1 }
  }

  /// Copies a value of another column of this shape, or of its optional or plain form; its texts too, where an arena is
  /// given, so that it outlives the other column.
  public func copy(_ row: Int, from other: Column, _ source: Int, into arena: Arena? = nil) {
    if other.isNull(source) { return valid == nil ? setNothing(row) : setNull(row) }
    switch shape.kind {
    case .record:
      setPresent(row)
      for (child, from) in zip(children, other.children) { child.copy(row, from: from, source, into: arena) }
    case .list, .map:
      let slice = other.get(Slice.self, source)
      let start = children[0].count
      for i in 0..<Int(slice.count) { children[0].copy(start + i, from: other.children[0], Int(slice.start) + i, into: arena) }
      set(Slice(start, Int(slice.count)), row)
    default:
      ensure(row + 1)
      memcpy(base + row * stride, other.base + source * stride, stride)
      if let arena, shape.kind == .string || shape.kind == .bytes || shape.kind == .json {
        pointer(Text.self)[row] = arena.copy(pointer(Text.self)[row])
      }
      if let valid { valid[row] = 1 }
      if row >= count { count = row + 1 }
    }
  }

  /// Copies the values of some rows to the same rows.
  public func take(_ rows: UnsafeBufferPointer<Int32>, from other: Column) {
    if other.valid != nil || stride == 0 || shape.kind == .list || shape.kind == .map {
      for row in rows { copy(Int(row), from: other, Int(row)) }
      return
    }
    guard let last = rows.max() else { return }
    ensure(Int(last) + 1)
    func move<T>(_ type: T.Type) {
      let target = pointer(type)
      let source = other.pointer(type)
      for row in rows { target[Int(row)] = source[Int(row)] }
    }
    switch stride {
    case 1: move(UInt8.self)
    case 8: move(Int64.self)
    case 16: move(Text.self)
    default: move(Decimal.self)
    }
    if let valid { for row in rows { valid[Int(row)] = 1 } }
    count = max(count, Int(last) + 1)
  }

  /// Whether two values are equal, at every depth; null equals null.
  public static func equal(_ a: Column, _ i: Int, _ b: Column, _ j: Int) -> Bool {
    if a.isNull(i) || b.isNull(j) { return a.isNull(i) && b.isNull(j) }
    switch a.shape.kind {
    case .bool: return a.get(Bool.self, i) == b.get(Bool.self, j)
    case .float: return a.get(Double.self, i) == b.get(Double.self, j)
    case .decimal: return a.get(Decimal.self, i) == b.get(Decimal.self, j)
    case .string, .bytes, .json: return a.get(Text.self, i) == b.get(Text.self, j)
    case .uuid: return a.get(Uuid.self, i) == b.get(Uuid.self, j)
    case .record: return a.children.indices.allSatisfy { equal(a.children[$0], i, b.children[$0], j) }
    case .list:
      let (x, y) = (a.get(Slice.self, i), b.get(Slice.self, j))
      return x.count == y.count
        && (0..<Int(x.count)).allSatisfy { equal(a.children[0], Int(x.start) + $0, b.children[0], Int(y.start) + $0) }
    case .map:
      let (x, y) = (a.get(Slice.self, i), b.get(Slice.self, j))
      guard x.count == y.count else { return false }
      let keys = b.children[0].children[0]
      func key(_ place: Int) -> Text { keys.get(Text.self, Int(y.start) + place) }
      var places = KeyPlaces()
      for place in 0..<Int(y.count) { _ = places.place(of: key(place), among: place, key) }
      return (0..<Int(x.count)).allSatisfy { entry in
        let wanted = a.children[0].children[0].get(Text.self, Int(x.start) + entry)
        guard let other = places.find(wanted, among: Int(y.count), key) else { return false }
        return equal(a.children[0].children[1], Int(x.start) + entry, b.children[0].children[1], Int(y.start) + other)
      }
    default: return a.get(Int64.self, i) == b.get(Int64.self, j)
    }
  }

  /// Feeds a value to a hasher: equal values alike.
  public func hash(_ row: Int, into hasher: inout Hasher) {
    if isNull(row) { return hasher.combine(0 as UInt8) }
    switch shape.kind {
    case .bool: hasher.combine(get(Bool.self, row))
    case .float: hasher.combine(get(Double.self, row))
    case .decimal: hasher.combine(get(Decimal.self, row))
    case .string, .bytes, .json: hasher.combine(get(Text.self, row))
    case .uuid: hasher.combine(get(Uuid.self, row))
    case .record: for child in children { child.hash(row, into: &hasher) }
    case .list:
      let slice = get(Slice.self, row)
      hasher.combine(slice.count)
      for place in 0..<Int(slice.count) { children[0].hash(Int(slice.start) + place, into: &hasher) }
    case .map:
      // Equal maps may have their entries in another order.
      let slice = get(Slice.self, row)
      var sum = 0
      for place in 0..<Int(slice.count) {
        var part = Hasher()
        children[0].hash(Int(slice.start) + place, into: &part)
        sum &+= part.finalize()
      }
      hasher.combine(sum)
    default: hasher.combine(get(Int64.self, row))
    }
  }

  /// The entry of a map with a key: its row among the entries.
  public func find(_ key: Text, _ row: Int) -> Int? {
    let slice = get(Slice.self, row)
    for entry in (Int(slice.start)..<Int(slice.start + slice.count)).reversed() where children[0].children[0].get(Text.self, entry) == key {
      return entry
    }
    return nil
  }

  /// Copies the values of the chosen rows, in their order, to the rows 0, 1, ….
  public func gather(_ rows: UnsafeBufferPointer<Int32>, from other: Column) {
    switch shape.kind {
    case .record, .list, .map: for (index, row) in rows.enumerated() { copy(index, from: other, Int(row)) }
    default:
      ensure(rows.count)
      func move<T>(_ type: T.Type) {
        let target = pointer(type)
        let source = other.pointer(type)
        for (index, row) in rows.enumerated() { target[index] = source[Int(row)] }
      }
      switch stride {
      case 1: move(UInt8.self)
      case 8: move(Int64.self)
      case 16: move(Text.self)
      default: move(Decimal.self)
      }
      if let valid {
        if let from = other.valid {
          for (index, row) in rows.enumerated() { valid[index] = from[Int(row)] }
        } else {
          memset(valid, 1, rows.count)
        }
      }
      count = rows.count
    }
  }
}

/// A Swift value that columns hold: scalars, lists, maps, optionals, and the records of generated programs.
public protocol ColumnValue {
  /// The value at a row; lists are built in the arena.
  static func read(_ column: Column, _ row: Int, _ arena: Arena) -> Self
  func write(_ column: Column, _ row: Int)
}

extension ColumnValue {
  @inlinable public static func read(_ column: Column, _ row: Int, _ arena: Arena) -> Self {
    column.base.assumingMemoryBound(to: Self.self)[row]
  }
  @inlinable public func write(_ column: Column, _ row: Int) { column.set(self, row) }
}

extension Bool: ColumnValue {}
extension Int64: ColumnValue {}
extension Double: ColumnValue {}
extension Decimal: ColumnValue {}
extension Text: ColumnValue {}
extension Blob: ColumnValue {}
extension Json: ColumnValue {}
extension Timestamp: ColumnValue {}
extension Day: ColumnValue {}
extension Duration: ColumnValue {}
extension Size: ColumnValue {}
extension Uuid: ColumnValue {}

extension Optional: ColumnValue where Wrapped: ColumnValue {
  public static func read(_ column: Column, _ row: Int, _ arena: Arena) -> Wrapped? {
    column.isNull(row) ? nil : Wrapped.read(column, row, arena)
  }
  public func write(_ column: Column, _ row: Int) { if let self { self.write(column, row) } else { column.setNull(row) } }
}

extension List: ColumnValue where Element: ColumnValue {
  public static func read(_ column: Column, _ row: Int, _ arena: Arena) -> List<Element> {
    let slice = column.get(Slice.self, row)
    var builder = ListBuilder<Element>(arena)
    for i in 0..<Int(slice.count) { builder.append(Element.read(column.children[0], Int(slice.start) + i, arena)) }
    return builder.list
  }
  public func write(_ column: Column, _ row: Int) {
    let child = column.children[0]
    let start = child.count
    for i in 0..<count { self[i].write(child, start + i) }
    column.set(Slice(start, count), row)
  }
}

extension Entry: ColumnValue where Value: ColumnValue {
  public static func read(_ column: Column, _ row: Int, _ arena: Arena) -> Entry<Value> {
    Entry(Text.read(column.children[0], row, arena), Value.read(column.children[1], row, arena))
  }
  public func write(_ column: Column, _ row: Int) {
    column.setPresent(row)
    key.write(column.children[0], row)
    value.write(column.children[1], row)
  }
}

extension Map: ColumnValue where Value: ColumnValue {
  public static func read(_ column: Column, _ row: Int, _ arena: Arena) -> Map<Value> { Map(List<Entry<Value>>.read(column, row, arena)) }
  public func write(_ column: Column, _ row: Int) { entries.write(column, row) }
}
