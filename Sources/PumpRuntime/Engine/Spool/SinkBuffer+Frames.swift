/// Events of a sink as frames of its spool: what its event is known by, its arguments and its record, each after its length. Values are
/// JSON, in which each is what it was; bytes are as they are.
extension SinkBuffer {
  /// Writes one row.
  func writeFrame(_ row: Int, _ out: inout ByteBuffer) {
    Self.part(&out) { out in
      // Rows of one event are told apart by their numbers.
      if let origin = origin(row) { out.text("\(origin)\n\(number(row))") }
    }
    for column in each { Self.part(&out) { $0.json(column, row, JSONOptions()) } }
    Self.part(&out) { out in
      if let records { out.json(records, row, JSONOptions()) } else { out.raw(event(row)) }
    }
  }

  private static func part(_ out: inout ByteBuffer, _ body: (inout ByteBuffer) -> Void) {
    let start = out.count
    for _ in 0..<4 { out.byte(0) }
    body(&out)
    UnsafeMutableRawPointer(mutating: out.base + start).storeBytes(of: UInt32(out.count - start - 4), as: UInt32.self)
  }

  /// Fills an empty buffer with the rows of frames; its texts live as long as the arena.
  func read(_ frames: [[UInt8]], _ arena: Arena) throws(RunFailure) {
    var origins: [String] = []
    for (row, frame) in frames.enumerated() {
      let text = frame.withUnsafeBufferPointer { arena.copy($0) }
      var place = 0
      func next() throws(RunFailure) -> Text {
        guard place + 4 <= text.count else { throw Self.unreadable }
        let length = Int(UnsafeRawPointer(text.base + place).loadUnaligned(as: UInt32.self))
        guard place + 4 + length <= text.count else { throw Self.unreadable }
        defer { place += 4 + length }
        // What is read as JSON has an end of its own behind it.
        return arena.copy(text.slice(place + 4, length))
      }
      origins.append(try next().string)
      for column in each {
        guard column.shape.read(try next(), into: column, row, arena, JSONOptions()) else { throw Self.unreadable }
      }
      let value = try next()
      if let records {
        guard records.shape.read(value, into: records, row, arena, JSONOptions()) else { throw Self.unreadable }
        self.origins.append(Int32(row))
      } else {
        bytes.raw(value)
        end(row)
      }
    }
    batchOrigin = origins.contains { !$0.isEmpty } ? { origins[$0] } : nil
  }

  private static let unreadable = RunFailure(
    "the spool holds events of another version of this program; run that until it has sent them, or remove the spool to lose them")
}
