/// `dedupe … within`: passes an event if none of its key passed within so long of it.
///
/// Times that pass of one key are further apart than that. So a stretch of time of that length holds one at most, and a table for each
/// stretch is enough: those before and behind it are asked, too.
final class DedupeStep: KeyedStep {
  private let within: Int64
  private var tables: [Int64: StateTable] = [:]
  private var count = 0
  private var dirty = Dirty()

  init(_ spec: StateSpec, _ number: Int, _ emitter: Emitter, _ constants: Constants, within: SettingValue) {
    self.within = max(1, constants.number(within))
    super.init(spec, number, emitter, constants)
  }

  override var prefix: Int { 8 }
  override var keys: Int { count }
  override var bytes: Int { tables.values.reduce(0) { $0 + $1.bytes } }

  private func stretch(_ time: Int64) -> Int64 { time >= 0 ? time / within : -((-time + within - 1) / within) }

  override func take(_ input: SinkBuffer, _ row: Int, _ key: UnsafeBufferPointer<UInt8>) throws(RunFailure) {
    let time = input.times[row]
    let here = stretch(time)
    for near in [here - 1, here, here + 1] {
      guard let table = tables[near] else { continue }
      let entry = table.find(key)
      guard entry >= 0 else { continue }
      let other = Int64(bitPattern: table.state(entry).pointee)
      if abs(other - time) <= within {
        emitter.leaveOut()
        return
      }
    }
    guard count < limit else { return failBeyondLimit(input, row, "keys") }
    let table = tables[here] ?? StateTable(words: 1)
    tables[here] = table
    let (entry, isNew) = table.insert(key)
    if isNew { count += 1 }
    table.state(entry).pointee = UInt64(bitPattern: time)
    if isDurable { dirty.note(Self.prefix(here) + key) }
    emitter.copy(input, row)
    try give(input, row)
  }

  override func advance(_ mark: Int64) throws(RunFailure) {
    guard mark > .min else { return }
    for (place, table) in tables where stretch(mark) >= place + 2 {
      count -= table.count
      tables[place] = nil
    }
  }

  // MARK: On disk. What has gone by is left out when it is read again.

  private static func prefix(_ stretch: Int64) -> [UInt8] { withUnsafeBytes(of: stretch.bigEndian) { Array($0) } }

  override func writeChanges(_ out: inout Changes) {
    for key in dirty.take() {
      let stretch = key[..<8].reduce(Int64(0)) { $0 << 8 | Int64($1) }
      key[8...].withUnsafeBufferPointer { rest in
        guard let table = tables[stretch] else { return }
        let entry = table.find(rest)
        if entry >= 0 { out.put(0, key) { $0.plain(table.state(entry).pointee) } }
      }
    }
  }

  override func writeAll(_ out: inout Changes) {
    _ = dirty.take()
    for (stretch, table) in tables {
      table.forEach { entry in out.put(0, Self.prefix(stretch) + table.key(entry)) { $0.plain(table.state(entry).pointee) } }
    }
  }

  override func restore(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Bool {
    var reader = Plain(value)
    guard key.count >= 8, let word = reader.number(UInt64.self) else { return false }
    let stretch = key[..<8].reduce(Int64(0)) { $0 << 8 | Int64($1) }
    let table = tables[stretch] ?? StateTable(words: 1)
    tables[stretch] = table
    let (entry, isNew) = table.insert(UnsafeBufferPointer(rebasing: key[8...]))
    if isNew { count += 1 }
    table.state(entry).pointee = word
    return true
  }

  override func restored(_ mark: Int64, _ sideMark: Int64) { try? advance(mark) }
}

/// `dedupe … last N keys`: passes an event if its key is not among the last so many that were seen.
final class DedupeLastStep: KeyedStep {
  private let most: Int
  /// The state of a key: the one that was seen after it, and the one before, each its entry and 1.
  private let table = StateTable(words: 3)
  private var (newest, oldest): (Int32, Int32) = (-1, -1)
  /// Keys that were seen or left since changes were written; a key is written with how many were seen before it.
  private var dirty = Dirty()
  private var seen: UInt64 = 0

  init(_ spec: StateSpec, _ number: Int, _ emitter: Emitter, _ constants: Constants, last: SettingValue) {
    most = max(1, Int(constants.number(last)))
    super.init(spec, number, emitter, constants)
  }

  override var keys: Int { table.count }
  override var bytes: Int { table.bytes }

  private func newer(_ entry: Int32) -> Int32 { Int32(table.state(entry)[0]) - 1 }
  private func older(_ entry: Int32) -> Int32 { Int32(table.state(entry)[1]) - 1 }
  private func set(_ entry: Int32, newer: Int32) { table.state(entry)[0] = UInt64(newer + 1) }
  private func set(_ entry: Int32, older: Int32) { table.state(entry)[1] = UInt64(older + 1) }

  private func unlink(_ entry: Int32) {
    let (after, before) = (newer(entry), older(entry))
    if after >= 0 { set(after, older: before) } else { newest = before }
    if before >= 0 { set(before, newer: after) } else { oldest = after }
  }

  private func link(_ entry: Int32) {
    set(entry, newer: -1)
    set(entry, older: newest)
    if newest >= 0 { set(newest, newer: entry) } else { oldest = entry }
    newest = entry
  }

  override func take(_ input: SinkBuffer, _ row: Int, _ key: UnsafeBufferPointer<UInt8>) throws(RunFailure) {
    let (entry, isNew) = table.insert(key)
    if !isNew { unlink(entry) }
    link(entry)
    seen += 1
    table.state(entry)[2] = seen
    if isDurable { dirty.note(key) }
    guard isNew else { return emitter.leaveOut() }
    if table.count > most {
      let last = oldest
      if isDurable { dirty.note(table.key(last)) }
      unlink(last)
      table.remove(last)
    }
    emitter.copy(input, row)
    try give(input, row)
  }

  // MARK: On disk

  override func writeChanges(_ out: inout Changes) {
    for key in dirty.take() {
      let entry = key.withUnsafeBufferPointer { table.find($0) }
      if entry >= 0 { out.put(0, key) { $0.plain(table.state(entry)[2]) } } else { out.drop(0, key) }
    }
  }

  override func writeAll(_ out: inout Changes) {
    _ = dirty.take()
    table.forEach { entry in out.put(0, table.key(entry)) { $0.plain(table.state(entry)[2]) } }
  }

  override func restore(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Bool {
    var reader = Plain(value)
    guard let number = reader.number(UInt64.self) else { return false }
    self.table.state(self.table.insert(key).entry)[2] = number
    return true
  }

  override func restoreDrop(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, isPrefix: Bool) {
    let entry = self.table.find(key)
    if entry >= 0 { self.table.remove(entry) }
  }

  override func restored(_ mark: Int64, _ sideMark: Int64) {
    var entries: [Int32] = []
    table.forEach { entries.append($0) }
    for entry in entries.sorted(by: { table.state($0)[2] < table.state($1)[2] }) {
      link(entry)
      seen = table.state(entry)[2]
    }
  }
}
