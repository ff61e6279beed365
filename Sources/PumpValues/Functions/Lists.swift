/// A value that writes itself as JSON: what `to_json`, `to_string` and the writers of generated records call.
public protocol JSONWritable {
  func write(json: inout ByteBuffer)
}

extension Int64: JSONWritable { @inlinable public func write(json: inout ByteBuffer) { json.json(self) } }
extension Double: JSONWritable { @inlinable public func write(json: inout ByteBuffer) { json.json(self) } }
extension Bool: JSONWritable { @inlinable public func write(json: inout ByteBuffer) { json.json(self) } }
extension Decimal: JSONWritable { @inlinable public func write(json: inout ByteBuffer) { json.json(self) } }
extension Text: JSONWritable { @inlinable public func write(json: inout ByteBuffer) { json.json(self) } }
extension Blob: JSONWritable { @inlinable public func write(json: inout ByteBuffer) { json.json(self) } }
extension Json: JSONWritable { @inlinable public func write(json: inout ByteBuffer) { json.json(self) } }
extension Timestamp: JSONWritable { @inlinable public func write(json: inout ByteBuffer) { json.json(self) } }
extension Day: JSONWritable { @inlinable public func write(json: inout ByteBuffer) { json.json(self) } }
extension Duration: JSONWritable { @inlinable public func write(json: inout ByteBuffer) { json.json(self) } }
extension Size: JSONWritable { @inlinable public func write(json: inout ByteBuffer) { json.json(self) } }
extension Uuid: JSONWritable { @inlinable public func write(json: inout ByteBuffer) { json.json(self) } }
extension Optional: JSONWritable where Wrapped: JSONWritable {
  @inlinable public func write(json: inout ByteBuffer) { if let self { self.write(json: &json) } else { json.raw("null") } }
}
extension List: JSONWritable where Element: JSONWritable {
  @inlinable public func write(json: inout ByteBuffer) {
    json.byte(UInt8(ascii: "["))
    for i in 0..<count {
      if i > 0 { json.byte(UInt8(ascii: ",")) }
      self[i].write(json: &json)
    }
    json.byte(UInt8(ascii: "]"))
  }
}
extension Map: JSONWritable where Value: JSONWritable {
  @inlinable public func write(json: inout ByteBuffer) {
    json.byte(UInt8(ascii: "{"))
    for i in 0..<entries.count {
      if i > 0 { json.byte(UInt8(ascii: ",")) }
      json.quoted(entries[i].key)
      json.byte(UInt8(ascii: ":"))
      entries[i].value.write(json: &json)
    }
    json.byte(UInt8(ascii: "}"))
  }
}

extension Fn {
  @inlinable public static func map<T, U>(_ list: List<T>, _ c: Context, _ f: (T) throws(EventFailure) -> U) throws(EventFailure) -> List<U>
  {
    var result = ListBuilder<U>(c.arena)
    for i in 0..<list.count { result.append(try f(list[i])) }
    return result.list
  }
  @inlinable public static func filter<T>(_ list: List<T>, _ c: Context, _ f: (T) throws(EventFailure) -> Bool) throws(EventFailure)
    -> List<T>
  {
    var result = ListBuilder<T>(c.arena)
    for i in 0..<list.count where try f(list[i]) { result.append(list[i]) }
    return result.list
  }
  @inlinable public static func any<T>(_ list: List<T>, _ c: Context, _ f: (T) throws(EventFailure) -> Bool) throws(EventFailure) -> Bool {
    try count(list, c, f) > 0
  }
  @inlinable public static func all<T>(_ list: List<T>, _ c: Context, _ f: (T) throws(EventFailure) -> Bool) throws(EventFailure) -> Bool {
    try count(list, c, f) == Int64(list.count)
  }
  @inlinable public static func count<T>(_ list: List<T>, _ c: Context, _ f: (T) throws(EventFailure) -> Bool) throws(EventFailure) -> Int64
  {
    var result: Int64 = 0
    for i in 0..<list.count where try f(list[i]) { result += 1 }
    return result
  }
  @inlinable public static func sum(_ list: List<Int64>, _ c: Context) throws(EventFailure) -> Int64 {
    var total: Int64 = 0
    for i in 0..<list.count { total = try add(total, list[i], c) }
    return total
  }
  @inlinable public static func sum(_ list: List<Double>, _ c: Context) throws(EventFailure) -> Double {
    var total = 0.0
    for i in 0..<list.count { total = try add(total, list[i], c) }
    return total
  }
  @inlinable public static func sum(_ list: List<Decimal>, _ c: Context) throws(EventFailure) -> Decimal {
    var total = Decimal(0)
    for i in 0..<list.count { total = try add(total, list[i], c) }
    return total
  }
  @inlinable public static func sum<T>(_ list: List<T>, _ c: Context, _ f: (T) throws(EventFailure) -> Int64) throws(EventFailure) -> Int64
  { try sum(map(list, c, f), c) }
  @inlinable public static func sum<T>(_ list: List<T>, _ c: Context, _ f: (T) throws(EventFailure) -> Double) throws(EventFailure)
    -> Double
  { try sum(map(list, c, f), c) }
  @inlinable public static func sum<T>(_ list: List<T>, _ c: Context, _ f: (T) throws(EventFailure) -> Decimal) throws(EventFailure)
    -> Decimal
  { try sum(map(list, c, f), c) }
  public static func average(_ list: List<Double>, _ c: Context) throws(EventFailure) -> Double? {
    list.count == 0 ? nil : try divide(sum(list, c), Double(list.count), c)
  }
  public static func average(_ list: List<Decimal>, _ c: Context) throws(EventFailure) -> Decimal? {
    list.count == 0 ? nil : try divide(sum(list, c), Decimal(Int64(list.count)), c)
  }
  @inlinable public static func average<T>(_ list: List<T>, _ c: Context, _ f: (T) throws(EventFailure) -> Double) throws(EventFailure)
    -> Double?
  { try average(map(list, c, f), c) }
  @inlinable public static func average<T>(_ list: List<T>, _ c: Context, _ f: (T) throws(EventFailure) -> Decimal) throws(EventFailure)
    -> Decimal?
  { try average(map(list, c, f), c) }

  @inlinable public static func length<T>(_ list: List<T>, _ c: Context) -> Int64 { Int64(list.count) }
  @inlinable public static func first<T>(_ list: List<T>, _ c: Context) -> T? { list.count > 0 ? list[0] : nil }
  @inlinable public static func last<T>(_ list: List<T>, _ c: Context) -> T? { list.count > 0 ? list[list.count - 1] : nil }
  @inlinable public static func get<T>(_ list: List<T>, _ index: Int64, _ c: Context) -> T? {
    index >= 0 && index < Int64(list.count) ? list[Int(index)] : nil
  }
  // Of a list of what may be null, an element that is null and one that is not there are one null.
  @inlinable public static func first<T>(_ list: List<T?>, _ c: Context) -> T? { list.count > 0 ? list[0] : nil }
  @inlinable public static func last<T>(_ list: List<T?>, _ c: Context) -> T? { list.count > 0 ? list[list.count - 1] : nil }
  @inlinable public static func get<T>(_ list: List<T?>, _ index: Int64, _ c: Context) -> T? {
    index >= 0 && index < Int64(list.count) ? list[Int(index)] : nil
  }
  @inlinable public static func get<T>(_ map: Map<T?>, _ key: Text, _ c: Context) -> T? { map[key] ?? nil }
  @inlinable public static func element<T>(_ list: List<T>, _ index: Int64, _ c: Context) throws(EventFailure) -> T {
    guard index >= 0, index < Int64(list.count) else { throw EventFailure("index \(index) lies outside a list of \(list.count)") }
    return list[Int(index)]
  }
  @inlinable static func bound<T>(_ count: Int64, _ list: List<T>) -> Int { Int(Swift.max(0, Swift.min(count, Int64(list.count)))) }
  @inlinable public static func take<T>(_ list: List<T>, _ count: Int64, _ c: Context) -> List<T> { List(list.base, bound(count, list)) }
  @inlinable public static func skip<T>(_ list: List<T>, _ count: Int64, _ c: Context) -> List<T> {
    let skipped = bound(count, list)
    return List(list.base + skipped, list.count - skipped)
  }
  @inlinable public static func concat<T>(_ a: List<T>, _ b: List<T>, _ c: Context) -> List<T> {
    List(Array(a.elements) + Array(b.elements), c.arena)
  }
  @inlinable public static func contains<T: Equatable>(_ list: List<T>, _ element: T, _ c: Context) -> Bool {
    list.elements.contains(element)
  }
  @inlinable public static func indexOf<T: Equatable>(_ list: List<T>, _ element: T, _ c: Context) -> Int64? {
    list.elements.firstIndex(of: element).map { Int64($0) }
  }
  @inlinable public static func distinct<T: Hashable>(_ list: List<T>, _ c: Context) -> List<T> {
    var result = ListBuilder<T>(c.arena)
    var seen = Set<T>(minimumCapacity: list.count)
    for i in 0..<list.count where seen.insert(list[i]).inserted { result.append(list[i]) }
    return result.list
  }
  @inlinable public static func sort<T: Comparable>(_ list: List<T>, _ c: Context) -> List<T> { List(list.elements.sorted(), c.arena) }
  @inlinable public static func sortBy<T, K: Comparable>(_ list: List<T>, _ c: Context, _ f: (T) throws(EventFailure) -> K)
    throws(EventFailure) -> List<T>
  {
    var keys: [(K, Int)] = []
    for i in 0..<list.count { keys.append((try f(list[i]), i)) }
    keys.sort { $0.0 < $1.0 || (!($1.0 < $0.0) && $0.1 < $1.1) }
    return List(keys.map { list[$0.1] }, c.arena)
  }
  @inlinable public static func flatten<T>(_ list: List<List<T>>, _ c: Context) -> List<T> {
    var result = ListBuilder<T>(c.arena)
    for inner in list.elements { for element in inner.elements { result.append(element) } }
    return result.list
  }
  @inlinable public static func compact<T>(_ list: List<T?>, _ c: Context) -> List<T> { List(list.elements.compactMap { $0 }, c.arena) }
  @inlinable public static func reverse<T>(_ list: List<T>, _ c: Context) -> List<T> { List(Array(list.elements.reversed()), c.arena) }
  public static func range(_ from: Int64, _ to: Int64, _ c: Context) throws(EventFailure) -> List<Int64> {
    guard to > from else { return List() }
    guard to.subtractingReportingOverflow(from).partialValue <= 1_000_000, to.subtractingReportingOverflow(from).overflow == false else {
      throw EventFailure("the range has more than a million numbers")
    }
    return List(Array(from..<to), c.arena)
  }
  @inlinable public static func isEmpty<T>(_ list: List<T>, _ c: Context) -> Bool { list.count == 0 }
  @inlinable public static func isEmpty(_ text: Text, _ c: Context) -> Bool { text.isEmpty }
  @inlinable public static func isEmpty<T>(_ map: Map<T>, _ c: Context) -> Bool { map.entries.count == 0 }

  @inlinable public static func length<T>(_ map: Map<T>, _ c: Context) -> Int64 { Int64(map.entries.count) }
  @inlinable public static func get<T>(_ map: Map<T>, _ key: Text, _ c: Context) -> T? { map[key] }
  @inlinable public static func hasKey<T>(_ map: Map<T>, _ key: Text, _ c: Context) -> Bool { map[key] != nil }
  @inlinable public static func keys<T>(_ map: Map<T>, _ c: Context) -> List<Text> { List(map.entries.elements.map(\.key), c.arena) }
  @inlinable public static func values<T>(_ map: Map<T>, _ c: Context) -> List<T> { List(map.entries.elements.map(\.value), c.arena) }
  @inlinable public static func without<T>(_ map: Map<T>, _ key: Text, _ c: Context) -> Map<T> {
    Map(List(map.entries.elements.filter { $0.key != key }, c.arena))
  }
  @inlinable public static func merge<T>(_ a: Map<T>, _ b: Map<T>, _ c: Context) throws(EventFailure) -> Map<T> {
    var entries = Array(a.entries.elements)
    var places = KeyPlaces()
    for i in 0..<entries.count { _ = places.place(of: entries[i].key, among: i) { entries[$0].key } }
    for entry in b.entries.elements {
      if let place = places.place(of: entry.key, among: entries.count, { entries[$0].key }) {
        entries[place].value = entry.value
      } else {
        entries.append(entry)
      }
    }
    return Map(List(entries, c.arena))
  }

  // MARK: Registration

  @inlinable public static func register<T: FunctionRegistry>(lists t: inout T) {
    ordered(Int64.self, &t)
    ordered(Decimal.self, &t)
    ordered(Double.self, &t)
    ordered(Timestamp.self, &t)
    t.add("sort") { (a: List<Text>, c) in Fn.sort(a, c) }
    t.add("sum") { (x: List<Int64>, c) throws(EventFailure) in try Fn.sum(x, c) }
    t.add("sum") { (x: List<Double>, c) throws(EventFailure) in try Fn.sum(x, c) }
    t.add("sum") { (x: List<Decimal>, c) throws(EventFailure) in try Fn.sum(x, c) }
    t.add("average") { (x: List<Double>, c) throws(EventFailure) -> Double? in try Fn.average(x, c) }
    t.add("average") { (x: List<Decimal>, c) throws(EventFailure) -> Decimal? in try Fn.average(x, c) }
    t.add("range") { (a: Int64, b: Int64, c) throws(EventFailure) in try Fn.range(a, b, c) }
  }

  /// What is there for each type that has an order.
  @inlinable static func ordered<V: Comparable & ColumnValue, T: FunctionRegistry>(_ type: V.Type, _ t: inout T) {
    t.add("min") { (a: V, b: V, c) in Fn.min(a, b, c) }
    t.add("max") { (a: V, b: V, c) in Fn.max(a, b, c) }
    t.add("min") { (a: List<V>, c) -> V? in Fn.min(a, c) }
    t.add("max") { (a: List<V>, c) -> V? in Fn.max(a, c) }
    t.add("sort") { (a: List<V>, c) in Fn.sort(a, c) }
  }
}
