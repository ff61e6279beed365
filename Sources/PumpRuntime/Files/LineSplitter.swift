import Glibc

/// Splits a stream into lines, or into the records of a framing, without copying them: events are slices of one buffer,
/// valid until the next call. Empty lines are not events.
final class LineSplitter {
  /// Where an event stands in its stream. Numbers begin at 1.
  struct Place {
    /// The line that it begins on.
    var line: Int64 = 0
    /// How many events there were with it; a header is none.
    var record: Int64 = 0
    /// Bytes before it.
    var offset: Int64 = 0
  }

  static let chunk = 256 << 10
  /// This object's own; 64 bytes after its capacity can be read too.
  private let buffer: UnsafeMutablePointer<UInt8>
  private let capacity: Int
  private let limit: Int
  private let framing: Framing
  private var scanner: (any RecordScanner)?
  private let cutsLines: Bool
  private var start = 0
  private var end = 0
  /// How far the record that begins at `start` was searched for its end.
  private var scanned = 0
  /// Offset in the stream of the buffer's first byte.
  private var base: Int64 = 0
  /// Where the record begins that is read over because it is too long.
  private var tooLongSince: Place?
  private var discarding: Bool { tooLongSince != nil }
  private var atStart: Bool
  /// The line that the next record begins on, and its number.
  private var next = Place()
  private var needsHeader: Bool
  private(set) var header: Header?
  /// Places of the batch's events.
  private(set) var places: [Place] = []

  /// Begins at an offset where that is the start of a record; the stream must stand there. Its header was read before then.
  init(limit: Int, framing: Framing = .lines, at place: Place = Place(line: 1, record: 1, offset: 0), header: Header? = nil) {
    self.limit = limit
    self.framing = framing
    self.header = header
    scanner = framing.scanner()
    cutsLines = scanner == nil
    next = place
    base = place.offset
    atStart = place.offset == 0
    needsHeader = framing.hasHeader && header == nil
    // Beside an event there may be the line that decides whether it goes on.
    capacity = Self.chunk + (framing.joinsLines ? 2 : 1) * limit + 2
    buffer = .allocate(capacity: capacity + 64)
    memset(buffer + capacity, 0, 64)
  }

  deinit { buffer.deallocate() }

  /// Where the next record begins, or the one that is read over because it is too long.
  var position: Place { tooLongSince ?? Place(line: next.line, record: next.record, offset: base + Int64(start)) }

  /// Bytes of a record that has begun and has no end yet.
  var unfinished: Int { end - start }
  var isWithinRecord: Bool { unfinished > 0 }

  /// Reads on; false at the end. `final` says that the rest without a line end is a record. `meta` describes a place.
  func next(_ stream: ByteStream, _ batch: Batch, final: Bool, meta: (Place) -> String) throws(RunFailure) -> Bool {
    places.removeAll(keepingCapacity: true)
    if start > 0 {
      memmove(buffer, buffer + start, end - start)
      base += Int64(start)
      end -= start
      scanned -= start
      start = 0
    }
    let count = try stream.read(buffer + end, min(Self.chunk, capacity - end))
    if count < 0 { return true }
    if count == 0 {
      // A record that a stop cut short is not an event.
      guard final, !stream.wasStopped else { return false }
      return finish(batch, meta)
    }
    end += count
    if atStart {
      // The rest of a byte order mark may come.
      if end < 3, zip([0xEF, 0xBB] as [UInt8], UnsafeBufferPointer(start: buffer, count: end)).allSatisfy(==) { return true }
      if Text(buffer, end).beginsWithMark { (start, scanned) = (3, 3) }
      atStart = false
    }
    if cutsLines { takeLines(batch) }
    takeRecords(batch, isLast: false, meta)
    // A record longer than the limit is never held whole: its beginning is refused, the rest read over.
    let known = end - (scanner?.undecided ?? 0)
    if known - start > limit {
      if !discarding {
        tooLongSince = position
        tooLong(known - start, batch, meta)
      }
      next.line += Int64(occurrences(of: 0x0A, in: buffer + start, known - start))
      (start, scanned) = (known, end)
    }
    batch.header = header
    return true
  }

  /// Takes an event of joined lines whose last line has ended, where what there is of the next one does not go on with it;
  /// false if there is none.
  func takeWaiting(_ batch: Batch, meta: (Place) -> String) -> Bool {
    guard framing.joinsLines, let undecided = scanner?.undecided, undecided > 0 else { return false }
    places.removeAll(keepingCapacity: true)
    let before = start
    takeRecords(batch, isLast: true, meta)
    return start > before
  }

  /// Takes the records that have an end.
  private func takeRecords(_ batch: Batch, isLast: Bool, _ meta: (Place) -> String) {
    while start < end, let place = feed(isLast) {
      if discarding {
        tooLongSince = nil
        pass(place + 1)
      } else if place - start > limit {
        tooLong(place - start, batch, meta)
        pass(place + 1)
      } else {
        take(place, batch, meta)
      }
    }
  }

  /// Takes whole lines as long as they need no second look: most streams are nothing else.
  private func takeLines(_ batch: Batch) {
    guard !discarding, scanned == start else { return }
    var (at, place) = (start, next)
    while at < end, let found = memchr(buffer + at, 0x0A, end - at) {
      let to = UnsafeMutablePointer(found.assumingMemoryBound(to: UInt8.self)) - buffer
      guard to - at <= limit else { break }
      let stop = to > at && buffer[to - 1] == 0x0D ? to - 1 : to
      if stop > at {
        batch.append(Text(buffer + at, stop - at))
        place.offset = base + Int64(at)
        places.append(place)
        place.record += 1
      }
      place.line += 1
      at = to + 1
    }
    (start, scanned, next) = (at, at, place)
  }

  /// What is left at the end of the stream.
  private func finish(_ batch: Batch, _ meta: (Place) -> String) -> Bool {
    let isEmpty = end == start
    defer { tooLongSince = nil }
    if !cutsLines { takeRecords(batch, isLast: true, meta) }
    if end > start {
      if !discarding { if end - start > limit { tooLong(end - start, batch, meta) } else { take(end, batch, meta) } }
      memset(buffer + end, 0, 64)
      (start, scanned) = (end, end)
    }
    if isEmpty, needsHeader {
      refuseHeader(Text(), batch, meta)
      needsHeader = false
      return true
    }
    batch.header = header
    return !isEmpty
  }

  /// The line feed that ends the record.
  @inline(__always)
  private func feed(_ isLast: Bool) -> Int? {
    if !cutsLines {
      // Only lines have none.
      let found = scanner!.end(buffer, scanned, end, isLast: isLast)
      scanned = found ?? end
      return found
    }
    guard let found = memchr(buffer + scanned, 0x0A, end - scanned) else {
      scanned = end
      return nil
    }
    return UnsafeMutablePointer(found.assumingMemoryBound(to: UInt8.self)) - buffer
  }

  /// The next record begins after this one.
  @inline(__always)
  private func pass(_ to: Int) {
    next.line += cutsLines ? 1 : Int64(occurrences(of: 0x0A, in: buffer + start, to - start))
    start = to
    scanned = to
  }

  @inline(__always)
  private func take(_ to: Int, _ batch: Batch, _ meta: (Place) -> String) {
    let stop = to > start && buffer[to - 1] == 0x0D ? to - 1 : to
    if stop > start {
      if needsHeader {
        takeHeader(Text(buffer + start, stop - start), batch, meta)
      } else {
        let text = Text(buffer + start, stop - start)
        batch.append(framing.joinsLines ? text.withoutReturns(batch.context.arena) : text)
        places.append(position)
        next.record += 1
      }
    }
    pass(min(to + 1, end))
  }

  private func takeHeader(_ text: Text, _ batch: Batch, _ meta: (Place) -> String) {
    needsHeader = false
    header = Header(text)
    refuseHeader(text, batch, meta)
  }

  private func refuseHeader(_ text: Text, _ batch: Batch, _ meta: (Place) -> String) {
    guard let problem = framing.headerProblem(text) else { return }
    refuse(batch.context.arena.copy(text), problem, nil, batch, meta)
  }

  private func tooLong(_ length: Int, _ batch: Batch, _ meta: (Place) -> String) {
    let payload = batch.context.arena.copy(Text(buffer + start, min(limit, length)))
    let what = cutsLines ? "line" : "record"
    refuse(payload, "the \(what) is longer than max_event (\(limit) bytes); its beginning is kept as the payload", .tooLarge, batch, meta)
    next.record += 1
  }

  /// A header that does not fit is refused in the name of the step that reads it, the first.
  private func refuse(_ payload: Text, _ message: String, _ reason: FailureReason?, _ batch: Batch, _ meta: (Place) -> String) {
    let step = reason == nil ? 0 : -1
    batch.refused.append(Failure(row: batch.count, step: step, message: message, reason: reason, payload: (payload, meta(position))))
  }
}
