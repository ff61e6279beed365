/// Members of an object that its record does not name, while the object is read.
public struct RestMembers {
  /// Each with its key, as the text has it.
  private var members: [Text] = []

  public init() {}

  /// Reads the value of a member whose key, at `start`, was read.
  public mutating func take(_ json: inout JSONReader, from start: UnsafePointer<UInt8>) throws(Malformed) {
    try json.skip()
    members.append(Text(start, json.p - start))
  }

  /// The members as an object, without white space between tokens.
  public func json(_ arena: Arena) -> Json {
    if members.isEmpty { return .emptyObject }
    let whole = makeText(arena) { out in
      for (index, member) in members.enumerated() {
        out.byte(UInt8(ascii: index == 0 ? "{" : ","))
        out.raw(member)
      }
      out.byte(UInt8(ascii: "}"))
    }
    return Json(hasSpace(whole) ? minified(whole, arena) : whole)
  }
}

extension ByteBuffer {
  /// Writes the members of an object into another, whose own stand before them.
  public mutating func members(of object: Json, areFirst: Bool) {
    guard object.text.count > 2, object.text[0] == UInt8(ascii: "{") else { return }
    if !areFirst { byte(UInt8(ascii: ",")) }
    raw(object.text.base + 1, object.text.count - 2)
  }
}
