/// What a lookup finds in a test.
final class TestLookup: Lookup {
  private let rows: [(text: String, value: TestValue)]
  /// Where a row has its key: a member, or one of a member.
  private let path: [String]
  private let shape: Shape

  init(_ given: TestSpec.Rows?, _ spec: EndpointSpec) {
    shape = spec.shape!
    path = (given?.key ?? "").split(separator: ".").map(String.init)
    let rows = given?.rows ?? "[]"
    let context = Context()
    var list: [(String, TestValue)] = []
    if let json = try? Fn.parseJson(context.arena.copy(rows), context) {
      // What stands in valid JSON is valid.
      _ = Fn.elements(json, context) { list.append(($0.text.string, TestValue($0.text.string)!)) }
    }
    self.rows = list
  }

  func find(_ keys: Column, _ selection: UnsafeBufferPointer<Int32>, into result: Column, _ context: Context) throws(EventFailure) {
    for row in selection {
      var out = ByteBuffer(capacity: 64)
      out.json(keys, Int(row), JSONOptions())
      let key = TestValue(out.string)
      out.release()
      let found = rows.first { $0.value.member(path[...]) == key }
      guard let found else {
        result.setNull(Int(row))
        continue
      }
      let text = context.arena.copy(found.text)
      guard shape.read(text, into: result, Int(row), context.arena, JSONOptions()) else {
        throw EventFailure("given lookup: \(shape.explain(text, JSONOptions()))")
      }
    }
  }
}
