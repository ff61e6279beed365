import Glibc

/// `group … window session`: events of a key that are less than the gap apart are one. An event may make one of two.
final class SessionStep: StateStep {
  private let gap: Int64
  private let results: Results
  /// The state of a key: its sessions, the earliest first, as a list of addresses that is kept apart.
  private let table = StateTable(words: 1)
  private var sessions: [Session?] = []
  private var free: [Int] = []
  /// When each may end, the earliest first: a session that went on since then is put in again.
  private var ends = Heap<End>()
  private var count = 0
  private var key = ByteBuffer(capacity: 256)
  private var dirty = Dirty()

  private struct Session {
    var first: Int64
    var last: Int64
    let entry: Int32
    var state: UnsafeMutablePointer<UInt64>
    /// The next one of its key, and 1; 0 if it is the last.
    var next: Int
  }

  private struct End: HeapItem {
    let time: Int64
    let session: Int
    static func < (a: End, b: End) -> Bool { a.time < b.time }
  }

  init(
    _ spec: StateSpec, _ number: Int, _ emitter: Emitter, _ constants: Constants, gap: SettingValue, _ aggregates: [AggregateSpec]
  ) {
    self.gap = max(1, constants.number(gap))
    results = Results(spec, emitter, aggregates, hasBounds: true)
    super.init(spec, number, emitter, constants)
  }

  deinit {
    for session in sessions.compactMap({ $0 }) {
      results.aggregates.release(session.state)
      session.state.deallocate()
    }
    key.release()
  }

  override var keys: Int { count }
  override var bytes: Int { table.bytes + count * (MemoryLayout<Session>.stride + 8 * results.words) + results.aggregates.bytes }

  override func take(_ input: SinkBuffer, _ batch: Batch) throws(RunFailure) {
    for row in 0..<input.count {
      key.count = 0
      results.codec.pack(input.each, row, into: &key)
      guard let state = state(input.times[row], input, row) else { continue }
      if isDurable { dirty.note(key.bytes) }
      withUnsafePointer(to: state) { results.aggregates.add(UnsafeBufferPointer(start: $0, count: 1), input, row..<row + 1) }
    }
  }

  /// The state of the session that an event is in; nil where a new one would be one too many.
  private func state(_ time: Int64, _ input: SinkBuffer, _ row: Int) -> UnsafeMutablePointer<UInt64>? {
    let known = table.find(key.bytes)
    var found: Int?
    if known >= 0 {
      var place = Int(table.state(known)[0])
      while place > 0 {
        let at = place - 1
        place = sessions[at]!.next
        guard time < sessions[at]!.last + gap, time > sessions[at]!.first - gap else { continue }
        if let first = found {
          merge(at, into: first)
        } else {
          (sessions[at]!.first, sessions[at]!.last) = (min(sessions[at]!.first, time), max(sessions[at]!.last, time))
          found = at
        }
      }
    }
    if let found { return sessions[found]!.state }
    guard count < limit else {
      failBeyondLimit(input, row, "keys")
      return nil
    }
    let entry = table.insert(key.bytes).entry
    return begin(entry, time, time)
  }

  private func begin(_ entry: Int32, _ first: Int64, _ last: Int64) -> UnsafeMutablePointer<UInt64> {
    let state = UnsafeMutablePointer<UInt64>.allocate(capacity: results.words)
    state.initialize(repeating: 0, count: results.words)
    let session = Session(first: first, last: last, entry: entry, state: state, next: Int(table.state(entry)[0]))
    let place = free.popLast() ?? sessions.count
    if place == sessions.count { sessions.append(session) } else { sessions[place] = session }
    table.state(entry)[0] = UInt64(place + 1)
    count += 1
    ends.push(End(time: last + gap, session: place))
    return state
  }

  private func merge(_ other: Int, into first: Int) {
    let gone = sessions[other]!
    results.aggregates.merge(gone.state, into: sessions[first]!.state)
    sessions[first]!.first = min(sessions[first]!.first, gone.first)
    sessions[first]!.last = max(sessions[first]!.last, gone.last)
    remove(other)
  }

  private func remove(_ place: Int) {
    let gone = sessions[place]!
    results.aggregates.release(gone.state)
    gone.state.deallocate()
    let words = table.state(gone.entry)
    if Int(words[0]) == place + 1 {
      words[0] = UInt64(gone.next)
    } else {
      var before = Int(words[0]) - 1
      while sessions[before]!.next != place + 1 { before = sessions[before]!.next - 1 }
      sessions[before]!.next = gone.next
    }
    if words[0] == 0 { table.remove(gone.entry) }
    sessions[place] = nil
    free.append(place)
    count -= 1
  }

  override func advance(_ mark: Int64) throws(RunFailure) { try close(upTo: mark) }

  override func finish() throws(RunFailure) {
    try close(upTo: .max)
    end()
  }

  /// Gives those that have ended, by their ends and then their keys.
  private func close(upTo mark: Int64) throws(RunFailure) {
    var due: [(end: Int64, place: Int)] = []
    var seen: Set<Int> = []
    while let first = ends.first, first.time <= mark {
      ends.pop()
      guard let session = sessions[first.session], !seen.contains(first.session) else { continue }
      let end = session.last + gap
      if end <= mark {
        due.append((end, first.session))
        seen.insert(first.session)
      } else {
        ends.push(End(time: end, session: first.session))
      }
    }
    due.sort { a, b in
      if a.end != b.end { return a.end < b.end }
      let (one, other) = (table.key(sessions[a.place]!.entry), table.key(sessions[b.place]!.entry))
      return one.lexicographicallyPrecedes(other)
    }
    for (end, place) in due {
      let session = sessions[place]!
      try results.give(table.key(session.entry), session.first, end, session.state, time: end - 1, order: 0)
    }
    for (_, place) in due {
      if isDurable { dirty.note(table.key(sessions[place]!.entry)) }
      remove(place)
    }
  }

  // MARK: On disk: of each key all its sessions.

  private func write(_ entry: Int32, into out: inout ByteBuffer) {
    var place = Int(table.state(entry)[0])
    while place > 0 {
      let session = sessions[place - 1]!
      place = session.next
      out.plain(session.first)
      out.plain(session.last)
      let start = out.count
      out.plain(UInt32(0))
      results.aggregates.write(session.state, into: &out)
      var count = UInt32(truncatingIfNeeded: out.count - start - 4)
      memcpy(out.base + start, &count, 4)
    }
  }

  override func writeChanges(_ out: inout Changes) {
    for key in dirty.take() {
      let entry = key.withUnsafeBufferPointer { table.find($0) }
      if entry >= 0 { out.put(0, key) { write(entry, into: &$0) } } else { out.drop(0, key) }
    }
  }

  override func writeAll(_ out: inout Changes) {
    _ = dirty.take()
    table.forEach { entry in out.put(0, table.key(entry)) { write(entry, into: &$0) } }
  }

  override func restore(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Bool {
    restoreDrop(table, key, isPrefix: false)
    var reader = Plain(value)
    while !reader.isAtEnd {
      guard let first = reader.number(Int64.self), let last = reader.number(Int64.self), let part = reader.part() else { return false }
      guard results.aggregates.read(part, into: begin(self.table.insert(key).entry, first, last)) else { return false }
    }
    return true
  }

  override func restoreDrop(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, isPrefix: Bool) {
    while case let entry = self.table.find(key), entry >= 0, self.table.state(entry)[0] > 0 { remove(Int(self.table.state(entry)[0]) - 1) }
  }
}
