internal import CSQLite
import PumpConnectorKit

/// A prepared statement: values of columns go in, and rows come out.
final class Statement {
  let handle: OpaquePointer
  private var scratch = ByteBuffer(capacity: 256)
  /// Texts that were made for this row; bound memory must live until the statement has run.
  private let arena = Arena()

  init(_ handle: OpaquePointer) { self.handle = handle }
  deinit {
    sqlite3_finalize(handle)
    scratch.release()
  }

  /// Binds a value of a column.
  func bind(_ index: Int32, _ column: Column, _ row: Int) {
    if column.isNull(row) {
      sqlite3_bind_null(handle, index)
      return
    }
    switch column.shape.kind {
    case .bool: sqlite3_bind_int64(handle, index, column.get(Bool.self, row) ? 1 : 0)
    case .int, .size, .duration: sqlite3_bind_int64(handle, index, column.get(Int64.self, row))
    case .float: sqlite3_bind_double(handle, index, column.get(Double.self, row))
    case .string, .json: text(index, column.get(Text.self, row))
    case .bytes:
      let text = column.get(Text.self, row)
      _ = pump_bind_blob(handle, index, text.base, Int32(text.count))
    case .enumeration: text(index, column.shape.wires[Int(column.get(Int64.self, row))])
    default:
      scratch.count = 0
      switch column.shape.kind {
      case .decimal: scratch.decimal(column.get(Decimal.self, row))
      case .timestamp: scratch.timestamp(column.get(Timestamp.self, row))
      case .date: scratch.day(column.get(Day.self, row))
      case .uuid: scratch.uuid(column.get(Uuid.self, row))
      default: scratch.json(column, row, JSONOptions())
      }
      text(index, arena.copy(scratch.bytes))
    }
  }

  private func text(_ index: Int32, _ text: Text) {
    _ = text.base.withMemoryRebound(to: CChar.self, capacity: text.count) { pump_bind_text(handle, index, $0, Int32(text.count)) }
  }

  func reset() {
    sqlite3_reset(handle)
    arena.reset()
  }

  /// Reads a column of the current row into a column of the batch; false if it is not of the type, or would not be the
  /// same there.
  func read(_ index: Int32, _ column: Column, _ row: Int, _ c: Context) -> Bool {
    let kind = sqlite3_column_type(handle, index)
    if kind == SQLITE_NULL {
      guard column.shape.isOptional else { return false }
      column.setNull(row)
      return true
    }
    switch (column.shape.kind, kind) {
    case (.bool, SQLITE_INTEGER):
      let value = sqlite3_column_int64(handle, index)
      column.set(value != 0, row)
      return value == 0 || value == 1
    case (.int, SQLITE_INTEGER), (.size, SQLITE_INTEGER), (.duration, SQLITE_INTEGER):
      column.set(sqlite3_column_int64(handle, index), row)
      return true
    case (.int, _): return false
    case (.float, SQLITE_INTEGER):
      guard let value = Double(exactly: sqlite3_column_int64(handle, index)) else { return false }
      column.set(value, row)
      return true
    case (.float, SQLITE_FLOAT):
      let value = sqlite3_column_double(handle, index)
      column.set(value, row)
      return value.isFinite
    case (.bytes, SQLITE_BLOB), (.bytes, SQLITE_TEXT):
      let size = Int(sqlite3_column_bytes(handle, index))
      guard let blob = sqlite3_column_blob(handle, index) else { column.set(Text(), row); return true }
      column.set(c.arena.copy(UnsafeBufferPointer(start: blob.assumingMemoryBound(to: UInt8.self), count: size)), row)
      return true
    case (.bytes, _): return false
    // SQLite would write it with 15 digits.
    case (_, SQLITE_FLOAT):
      let value = sqlite3_column_double(handle, index)
      guard value.isFinite else { return false }
      scratch.count = 0
      scratch.double(value)
      return parse(c.arena.copy(scratch.bytes), column, row, c)
    case (.string, SQLITE_BLOB), (.json, SQLITE_BLOB), (_, SQLITE_TEXT), (_, SQLITE_INTEGER):
      guard let bytes = sqlite3_column_text(handle, index) else { return false }
      let size = Int(sqlite3_column_bytes(handle, index))
      return parse(c.arena.copy(UnsafeBufferPointer(start: bytes, count: size)), column, row, c)
    default: return false
    }
  }

  /// Lists, maps and records are JSON, as `bind` writes them; the text has a zero after it.
  private func parse(_ text: Text, _ column: Column, _ row: Int, _ c: Context) -> Bool {
    switch column.shape.kind {
    case .list, .map, .record:
      return column.shape.read(text, into: column, row, c.arena, JSONOptions())
    default: return column.parse(text, row, c)
    }
  }
}
