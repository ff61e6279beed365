extension Fn {
  public static func parseJson(_ text: Text, _ c: Context) throws(EventFailure) -> Json {
    // A text may lie in the middle of other memory; a copy has what the reader needs after it.
    let copy = c.arena.copy(text)
    var reader = JSONReader(copy, c.arena)
    do throws(Malformed) {
      let value = try reader.jsonValue()
      try reader.finish()
      return value
    } catch {
      throw EventFailure(Shape.json.explain(copy, JSONOptions()))
    }
  }
  public static func parseJson(_ bytes: Blob, _ c: Context) throws(EventFailure) -> Json { try parseJson(bytes.text, c) }
  public static func toJson<T: JSONWritable>(_ value: T, _ c: Context) -> Json { Json(makeText(c.arena) { value.write(json: &$0) }) }

  public static func jsonType(_ json: Json, _ c: Context) -> Text {
    switch json.text[0] {
    case UInt8(ascii: "n"): Text("null")
    case UInt8(ascii: "t"), UInt8(ascii: "f"): Text("bool")
    case 0x22: Text("string")
    case UInt8(ascii: "["): Text("array")
    case UInt8(ascii: "{"): Text("object")
    default: Text("number")
    }
  }

  /// Calls the body with each member's key and value; false if it is not an object. Valid JSON cannot be malformed.
  package static func members(_ json: Json, _ c: Context, _ body: (Text, Json) -> Void) -> Bool {
    guard json.text[0] == UInt8(ascii: "{") else { return false }
    var reader = JSONReader(json.text, c.arena)
    _ = try? {
      if try reader.object() {
        repeat {
          let key = try reader.key()
          body(key, try reader.jsonValue())
        } while try reader.moreMembers()
      }
    }()
    return true
  }

  package static func elements(_ json: Json, _ c: Context, _ body: (Json) -> Void) -> Bool {
    guard json.text[0] == UInt8(ascii: "[") else { return false }
    var reader = JSONReader(json.text, c.arena)
    _ = try? { if try reader.array() { repeat { body(try reader.jsonValue()) } while try reader.moreElements() } }()
    return true
  }

  /// `json.key`: the member, or null where the object lacks it; fails for anything but an object.
  public static func jsonMember(_ json: Json, _ key: Text, _ c: Context) throws(EventFailure) -> Json {
    var found = Json.null
    guard members(json, c, { if $0 == key { found = $1 } }) else {
      throw EventFailure("\(Shape.excerpt(json.text)) is no object with a field \(Shape.excerpt(key, quoted: true))")
    }
    return found
  }

  public static func jsonElement(_ json: Json, _ index: Int64, _ c: Context) throws(EventFailure) -> Json {
    var found: Json?
    var count: Int64 = 0
    let isArray = elements(json, c) {
      if count == index { found = $0 }
      count += 1
    }
    guard isArray else { throw EventFailure("\(Shape.excerpt(json.text)) is no array") }
    guard let found else { throw EventFailure("index \(index) lies outside an array of \(count)") }
    return found
  }

  public static func jsonGet(_ json: Json, _ path: Text, _ c: Context) -> Json? {
    var value = json
    for step in path.string.split(whereSeparator: { $0 == "." || $0 == "[" || $0 == "]" }) {
      var found: Json?
      if value.text[0] == UInt8(ascii: "["), let index = Int(step) {
        var count = 0
        _ = elements(value, c) {
          if count == index { found = $0 }
          count += 1
        }
      } else {
        let key = c.arena.copy(String(step))
        _ = members(value, c) { if $0 == key { found = $1 } }
      }
      guard let next = found else { return nil }
      value = next
    }
    return value
  }

  public static func jsonKeys(_ json: Json, _ c: Context) throws(EventFailure) -> List<Text> {
    var keys = ListBuilder<Text>(c.arena)
    guard members(json, c, { key, _ in keys.append(key) }) else { throw EventFailure("\(Shape.excerpt(json.text)) is no object") }
    return keys.list
  }

  public static func jsonItems(_ json: Json, _ c: Context) throws(EventFailure) -> List<Json> {
    var items = ListBuilder<Json>(c.arena)
    guard elements(json, c, { items.append($0) }) else { throw EventFailure("\(Shape.excerpt(json.text)) is no array") }
    return items.list
  }

  /// The object with a member set; it keeps its place where it had one.
  public static func jsonWith(_ json: Json, _ key: Text, _ value: Json, _ c: Context) throws(EventFailure) -> Json {
    try rebuilt(json, c) { out, add in
      var written = false
      _ = members(json, c) { name, old in
        add(&out, name, name == key ? value : old)
        written = written || name == key
      }
      if !written { add(&out, key, value) }
    }
  }

  public static func jsonWithout(_ json: Json, _ key: Text, _ c: Context) throws(EventFailure) -> Json {
    try rebuilt(json, c) { out, add in _ = members(json, c) { if $0 != key { add(&out, $0, $1) } } }
  }

  /// The object without some members.
  public static func jsonRest(_ json: Json, _ names: List<Text>, _ c: Context) throws(EventFailure) -> Json {
    var isAny = false
    guard members(json, c, { key, _ in isAny = isAny || names.elements.contains(key) }) else {
      throw EventFailure("\(Shape.excerpt(json.text)) is no object")
    }
    guard isAny else { return json }
    return try rebuilt(json, c) { out, add in _ = members(json, c) { if !names.elements.contains($0) { add(&out, $0, $1) } } }
  }

  public static func merge(_ a: Json, _ b: Json, _ c: Context) throws(EventFailure) -> Json {
    // The last value of each key of the second, by its number in `order`.
    var places: [Text: Int] = [:]
    var order: [(key: Text, value: Json)] = []
    guard
      members(
        b, c,
        { key, value in
          if let place = places[key] {
            order[place].value = value
          } else {
            places[key] = order.count
            order.append((key, value))
          }
        })
    else { throw EventFailure("\(Shape.excerpt(b.text)) is no object") }
    return try rebuilt(a, c) { out, add in
      var written = [Bool](repeating: false, count: order.count)
      _ = members(a, c) { key, value in
        if let place = places[key] {
          add(&out, key, order[place].value)
          written[place] = true
        } else {
          add(&out, key, value)
        }
      }
      for (place, member) in order.enumerated() where !written[place] { add(&out, member.key, member.value) }
    }
  }

  private static func rebuilt(_ json: Json, _ c: Context, _ body: (inout ByteBuffer, (inout ByteBuffer, Text, Json) -> Void) -> Void)
    throws(EventFailure) -> Json
  {
    guard json.text[0] == UInt8(ascii: "{") else { throw EventFailure("\(Shape.excerpt(json.text)) is no object") }
    return Json(
      makeText(c.arena) { out in
        out.byte(UInt8(ascii: "{"))
        body(&out) { out, key, value in
          if out.count > 1 { out.byte(UInt8(ascii: ",")) }
          out.quoted(key)
          out.byte(UInt8(ascii: ":"))
          out.raw(value.text)
        }
        out.byte(UInt8(ascii: "}"))
      })
  }

  // MARK: Registration

  @inlinable public static func register<T: FunctionRegistry>(json t: inout T) {
    t.add("parse_json") { (x: Text, c) throws(EventFailure) in try Fn.parseJson(x, c) }
    t.add("parse_json") { (x: Blob, c) throws(EventFailure) in try Fn.parseJson(x, c) }
    t.add("json_type") { (x: Json, c) in Fn.jsonType(x, c) }
    t.add("json_get") { (x: Json, p: Text, c) -> Json? in Fn.jsonGet(x, p, c) }
    t.add("json_keys") { (x: Json, c) throws(EventFailure) in try Fn.jsonKeys(x, c) }
    t.add("json_items") { (x: Json, c) throws(EventFailure) in try Fn.jsonItems(x, c) }
    t.add("json_member") { (x: Json, k: Text, c) throws(EventFailure) in try Fn.jsonMember(x, k, c) }
    t.add("json_element") { (x: Json, i: Int64, c) throws(EventFailure) in try Fn.jsonElement(x, i, c) }
    t.add("json_with") { (x: Json, k: Text, v: Json, c) throws(EventFailure) in try Fn.jsonWith(x, k, v, c) }
    t.add("json_without") { (x: Json, k: Text, c) throws(EventFailure) in try Fn.jsonWithout(x, k, c) }
    t.add("json_rest") { (x: Json, n: List<Text>, c) throws(EventFailure) in try Fn.jsonRest(x, n, c) }
    t.add("merge") { (a: Json, b: Json, c) throws(EventFailure) in try Fn.merge(a, b, c) }
  }
}
