/// A value that reads itself from JSON: scalars here, records and enums in generated programs.
public protocol JSONReadable {
  init(from json: inout JSONReader) throws(Malformed)
  /// Stands in a record until the field is read.
  static var nothing: Self { get }
}

extension Int64: JSONReadable {
  @inlinable @inline(__always) public init(from json: inout JSONReader) throws(Malformed) { self = try json.int() }
  @inlinable public static var nothing: Int64 { 0 }
}
extension Double: JSONReadable {
  @inlinable @inline(__always) public init(from json: inout JSONReader) throws(Malformed) { self = try json.double() }
  @inlinable public static var nothing: Double { 0 }
}
extension Bool: JSONReadable {
  @inlinable @inline(__always) public init(from json: inout JSONReader) throws(Malformed) { self = try json.bool() }
  @inlinable public static var nothing: Bool { false }
}
extension Decimal: JSONReadable {
  @inlinable @inline(__always) public init(from json: inout JSONReader) throws(Malformed) { self = try json.decimal() }
  @inlinable public static var nothing: Decimal { Decimal(0) }
}
extension Text: JSONReadable {
  @inlinable @inline(__always) public init(from json: inout JSONReader) throws(Malformed) { self = try json.string() }
  @inlinable public static var nothing: Text { Text() }
}
extension Blob: JSONReadable {
  @inlinable public init(from json: inout JSONReader) throws(Malformed) { self = try json.blob() }
  @inlinable public static var nothing: Blob { Blob(.nothing) }
}
extension Json: JSONReadable {
  @inlinable public init(from json: inout JSONReader) throws(Malformed) { self = try json.jsonValue() }
  @inlinable public static var nothing: Json { .null }
}
extension Timestamp: JSONReadable {
  @inlinable public init(from json: inout JSONReader) throws(Malformed) { self = try json.timestamp(json.time) }
  @inlinable public static var nothing: Timestamp { Timestamp(0) }
}
extension Day: JSONReadable {
  @inlinable public init(from json: inout JSONReader) throws(Malformed) { self = try json.day() }
  @inlinable public static var nothing: Day { Day(0) }
}
extension Duration: JSONReadable {
  @inlinable public init(from json: inout JSONReader) throws(Malformed) { self = try json.duration() }
  @inlinable public static var nothing: Duration { Duration(0) }
}
extension Size: JSONReadable {
  @inlinable public init(from json: inout JSONReader) throws(Malformed) { self = try json.size() }
  @inlinable public static var nothing: Size { Size(0) }
}
extension Uuid: JSONReadable {
  @inlinable public init(from json: inout JSONReader) throws(Malformed) { self = try json.uuid() }
  @inlinable public static var nothing: Uuid { Uuid(high: 0, low: 0) }
}

extension Optional: JSONReadable where Wrapped: JSONReadable {
  @inlinable @inline(__always) public init(from json: inout JSONReader) throws(Malformed) {
    if try json.null() { self = nil } else { self = try Wrapped(from: &json) }
  }
  @inlinable public static var nothing: Wrapped? { nil }
}

extension List: JSONReadable where Element: JSONReadable {
  @inlinable public init(from json: inout JSONReader) throws(Malformed) {
    var builder = ListBuilder<Element>(json.arena)
    if try json.array() { repeat { builder.append(try Element(from: &json)) } while try json.moreElements() }
    self = builder.list
  }
  @inlinable public static var nothing: List { List() }
}

extension Map: JSONReadable where Value: JSONReadable {
  @inlinable public init(from json: inout JSONReader) throws(Malformed) {
    var builder = ListBuilder<Entry<Value>>(json.arena)
    var places = KeyPlaces()
    if try json.object() {
      repeat {
        let key = try json.key()
        let value = try Value(from: &json)
        // Of equal keys the last counts, at the place of the first.
        if let place = places.place(of: key, among: builder.list.count, { builder.list[$0].key }) {
          if json.strict { throw Malformed() }
          builder.replace(place, Entry(key, value))
        } else {
          builder.append(Entry(key, value))
        }
      } while try json.moreMembers()
    }
    self.init(builder.list)
  }
  @inlinable public static var nothing: Map { Map() }
}

/// One JSON text as a value; of a text that is none, the failure says why. A byte order mark before it is ignored.
@inlinable @inline(__always)
public func decodeJSON<T: JSONReadable>(
  _ type: T.Type, _ text: Text, _ c: Context, _ options: JSONOptions, _ shape: @autoclosure () -> Shape
) throws(EventFailure) -> T {
  var json = JSONReader(text.base.pointee == 0xEF ? text.unmarked : text, c.arena, strict: options.strict)
  json.time = options.time
  do throws(Malformed) {
    let value = try T(from: &json)
    try json.finish()
    return value
  } catch {
    throw explained(text, options, shape())
  }
}

@usableFromInline @inline(never)
func explained(_ text: Text, _ options: JSONOptions, _ shape: Shape) -> EventFailure { EventFailure(shape.explain(text, options)) }

/// An event that was encoded, as bytes of the batch.
public func encoded(_ c: Context, _ body: (inout ByteBuffer) -> Void) -> Text { makeText(c.arena, body) }

extension Fn {
  /// The event fails, where a value of the type would stand.
  public static func fail<T>(_ type: T.Type, _ reason: Text) throws(EventFailure) -> T { throw EventFailure(reason.string) }

  /// The number of the case that a text names.
  public static func enumCase(_ text: Text, _ shape: Shape) throws(EventFailure) -> Int64 {
    guard let index = shape.wires.firstIndex(of: text) else {
      throw EventFailure("\(Shape.excerpt(text, quoted: true)) is no case of \(shape.name): \(shape.caseNames)")
    }
    return Int64(index)
  }

  /// A failure becomes null.
  @inlinable public static func attempt<T>(_ body: () throws(EventFailure) -> T) -> T? {
    do throws(EventFailure) { return try body() } catch { return nil }
  }
  @inlinable public static func attempt<T>(optional body: () throws(EventFailure) -> T?) -> T? {
    do throws(EventFailure) { return try body() } catch { return nil }
  }
}
