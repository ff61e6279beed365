import Glibc

/// `file.csv` and `file.json` as tables: read once at start-up, found by the text of one column.
final class FileLookup: Lookup {
  private let rows: Column
  private var index: [String: Int] = [:]
  private let context = Context()
  /// A table is meant to fit memory.
  private static let limit = 256 << 20

  init(_ context: EndpointContext) throws(RunFailure) {
    let path: String
    let keyName: String
    if context.spec.name == "csv" {
      let arguments = FileCsvLookupArguments(context.settings)
      (path, keyName) = (arguments.path, arguments.column)
    } else {
      let arguments = FileJsonLookupArguments(context.settings)
      (path, keyName) = (arguments.path, arguments.column)
    }
    // The compiler lets no lookup be without a type.
    let wanted = context.spec.shape!
    // The key's column is read besides those that the type asks for.
    let keyShape = Shape.record("Key", [.init("key", .json, wire: keyName)])
    rows = Column(wanted)
    let bytes: [UInt8]
    do throws(FileProblem) { bytes = try readWholeFile(path, limit: Self.limit) } catch { throw RunFailure(error.message) }
    let text = bytes.withUnsafeBufferPointer { self.context.arena.copy($0) }
    let name = Shape.clean(path)
    if context.spec.name == "csv" {
      try loadCSV(text, wanted, keyName, name)
    } else {
      try loadJSON(text, wanted, keyShape, name)
    }
  }

  private func loadCSV(_ text: Text, _ shape: Shape, _ keyName: String, _ path: String) throws(RunFailure) {
    let keyShape = Shape.record("Key", [.init("key", .string, wire: keyName)])
    let keys = Formats.make("csv", keyShape, ["header": "true"])
    let format = Formats.make("csv", shape, ["header": "true"])
    let keyColumn = Column(keyShape)
    var row = -1
    do throws(EventFailure) {
      // CSV with a header has records.
      try keys.framing!.forEach(text, header: { for part in [keys, format] { part.begin($0) } }) { (record) throws(EventFailure) in
        row += 1
        if let problem = keys.read(record, into: keyColumn, row, context) ?? format.read(record, into: rows, row, context) {
          throw EventFailure(problem)
        }
        index[keyColumn.children[0].get(Text.self, row).string] = row
      }
    } catch {
      throw RunFailure("lookup table \(path)\(row < 0 ? "" : ", record \(row + 1)"): \(error.message)")
    }
  }

  private func loadJSON(_ text: Text, _ shape: Shape, _ keyShape: Shape, _ path: String) throws(RunFailure) {
    var items: [Text] = []
    let start = Fn.trimStart(text.beginsWithMark ? text.withoutMark : text, context)
    let isArray = start.count > 0 && start[0] == UInt8(ascii: "[")
    if isArray {
      let whole: Json
      do throws(EventFailure) { whole = try Fn.parseJson(start, context) } catch {
        throw RunFailure("lookup table \(path): \(error.message)")
      }
      _ = Fn.elements(whole, context) { items.append($0.text) }
    } else {
      try! Framing.lines.forEach(text) { items.append($0) }
    }
    let keyColumn = Column(keyShape)
    for (row, item) in items.enumerated() {
      guard shape.read(item, into: rows, row, context.arena, JSONOptions()),
        keyShape.read(item, into: keyColumn, row, context.arena, JSONOptions())
      else {
        let form = isArray ? "" : "; an array of records, or one record a line, is expected"
        throw RunFailure("lookup table \(path), record \(row + 1): \(shape.explain(item, JSONOptions()))\(form)")
      }
      index[Fn.toString(Json(keyColumn.children[0].get(Text.self, row)), context).string] = row
    }
  }

  func find(_ keys: Column, _ selection: UnsafeBufferPointer<Int32>, into result: Column, _ c: Context) throws(EventFailure) {
    var out = ByteBuffer(capacity: 64)
    defer { out.release() }
    for row in selection {
      out.count = 0
      if !keys.isNull(Int(row)) { Fields.write(keys, Int(row), &out) }
      if !keys.isNull(Int(row)), let found = index[out.string] {
        result.copy(Int(row), from: rows, found)
      } else {
        result.setNull(Int(row))
      }
    }
  }
}
