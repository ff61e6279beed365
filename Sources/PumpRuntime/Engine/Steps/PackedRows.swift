import Glibc

/// Events that a step keeps, as bytes: the event, and what the source said of it.
struct PackedRows {
  private let event: RowCodec?
  private let columns: [RowCodec]
  private let scratch: Column?
  /// Which of the columns of the step's buffer are kept besides the event.
  private let kept: Range<Int>

  /// Of a step's events, with their meta.
  init(_ spec: StateSpec) { self.init(spec.event, spec.each, spec.each.count - spec.meta..<spec.each.count) }

  /// Of events of a type, with some of these columns.
  init(_ type: Type?, _ each: [Field], _ kept: Range<Int>) {
    let shape = type.map { Shape.of($0) }
    event = shape.map { RowCodec($0) }
    scratch = shape.map { Column($0) }
    self.kept = kept
    columns = each[kept].map { RowCodec(Shape.of($0.type)) }
  }

  func pack(_ input: SinkBuffer, _ row: Int, into buffer: inout ByteBuffer) {
    func part(_ codec: RowCodec, _ column: Column) {
      // Its length stands before it.
      let start = buffer.count
      for _ in 0..<4 { buffer.byte(0) }
      codec.pack(column, row, into: &buffer)
      var length = UInt32(truncatingIfNeeded: buffer.count - start - 4)
      memcpy(buffer.base + start, &length, 4)
    }
    if let event { part(event, input.records!) }
    for (codec, place) in zip(columns, kept) { part(codec, input.each[place]) }
  }

  private func parts(_ bytes: UnsafeBufferPointer<UInt8>, _ body: (Int, UnsafeBufferPointer<UInt8>) -> Void) {
    var (start, number) = (0, 0)
    while start + 4 <= bytes.count {
      var length: UInt32 = 0
      memcpy(&length, bytes.baseAddress! + start, 4)
      let end = start + 4 + Int(length)
      guard end <= bytes.count else { return }
      body(number, UnsafeBufferPointer(rebasing: bytes[start + 4..<end]))
      (start, number) = (end, number + 1)
    }
  }

  /// Fills the emitter's row with the event as it came, but for fields that the step adds at its end.
  func unpack(_ bytes: UnsafeBufferPointer<UInt8>, into emitter: Emitter) {
    let (row, records, meta) = (emitter.row, emitter.records, emitter.meta)
    parts(bytes) { number, part in
      guard let event, let scratch, number == 0 else {
        _ = columns[number - (event == nil ? 0 : 1)].unpack(part, into: meta[number - (event == nil ? 0 : 1)], row, emitter.arena)
        return
      }
      scratch.clear()
      _ = event.unpack(part, into: scratch, 0, emitter.arena)
      if case .record = scratch.shape.kind {
        records.setPresent(row)
        for (child, from) in zip(records.children, scratch.children) { child.copy(row, from: from, 0) }
      } else {
        records.copy(row, from: scratch, 0)
      }
    }
  }

  /// The event alone, into a column of its own type.
  func unpack(event bytes: UnsafeBufferPointer<UInt8>, into column: Column, _ row: Int, _ arena: Arena) {
    parts(bytes) { number, part in if number == 0 { _ = event?.unpack(part, into: column, row, arena) } }
  }

  /// The columns that are kept, into others.
  func unpack(columns bytes: UnsafeBufferPointer<UInt8>, into targets: [Column], _ row: Int, _ arena: Arena) {
    parts(bytes) { number, part in
      let place = number - (event == nil ? 0 : 1)
      if place >= 0 { _ = columns[place].unpack(part, into: targets[place], row, arena) }
    }
  }
}

/// An event that is kept: its bytes behind a head of its own, in memory that `free` gives back, and the one after it of its key.
struct Kept {
  struct Head {
    var next: UnsafeMutableRawPointer?
    var time: Int64
    var order: Int64
    var count: Int
    /// Whether something was found for it.
    var isMatched = false
  }
  let base: UnsafeMutablePointer<Head>

  init(_ bytes: UnsafeBufferPointer<UInt8>, _ time: Int64, _ order: Int64) {
    // Without memory there is nothing to go on with.
    let memory = malloc(MemoryLayout<Head>.size + bytes.count)!
    base = memory.bindMemory(to: Head.self, capacity: 1)
    base.initialize(to: Head(next: nil, time: time, order: order, count: bytes.count))
    if bytes.count > 0 { memcpy(memory + MemoryLayout<Head>.size, bytes.baseAddress!, bytes.count) }
  }

  /// From a word of a state; nil of 0.
  init?(_ word: UInt64) {
    guard let pointer = UnsafeMutableRawPointer(bitPattern: UInt(word)) else { return nil }
    base = pointer.assumingMemoryBound(to: Head.self)
  }

  var word: UInt64 { UInt64(UInt(bitPattern: base)) }
  var time: Int64 { base.pointee.time }
  var order: Int64 { base.pointee.order }
  var size: Int { MemoryLayout<Head>.size + base.pointee.count }
  var bytes: UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(
      start: (UnsafeRawPointer(base) + MemoryLayout<Head>.size).assumingMemoryBound(to: UInt8.self), count: base.pointee.count)
  }
  var next: Kept? {
    get { base.pointee.next.flatMap { Kept(UInt64(UInt(bitPattern: $0))) } }
    nonmutating set { base.pointee.next = newValue.map { UnsafeMutableRawPointer($0.base) } }
  }
  func free() { Glibc.free(base) }
}
