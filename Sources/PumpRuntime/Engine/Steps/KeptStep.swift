/// A step that keeps one thing of each key, for so long after its last event.
class KeptStep: KeyedStep {
  /// The state of a key: what is kept.
  private let table = StateTable(words: 1)
  private var sweep: Sweep
  private var held = 0
  private var dirty = Dirty()

  var within: Int64 { sweep.within }

  init(_ spec: StateSpec, _ number: Int, _ emitter: Emitter, _ constants: Constants, within: SettingValue) {
    sweep = Sweep(within: constants.number(within))
    super.init(spec, number, emitter, constants)
  }

  deinit { table.forEach { Kept(table.state($0).pointee)?.free() } }

  override final var keys: Int { table.count }
  override final var bytes: Int { table.bytes + held }

  /// Whether one more key would be too many.
  func isFull(_ key: UnsafeBufferPointer<UInt8>) -> Bool { table.count >= limit && table.find(key) < 0 }

  func kept(_ key: UnsafeBufferPointer<UInt8>) -> Kept? {
    let entry = table.find(key)
    return entry < 0 ? nil : Kept(table.state(entry).pointee)
  }

  /// Keeps this in place of what was kept of the key.
  func keep(_ kept: Kept, _ key: UnsafeBufferPointer<UInt8>) {
    let state = table.state(table.insert(key).entry)
    if let old = Kept(state.pointee) {
      held -= old.size
      old.free()
    }
    held += kept.size
    state.pointee = kept.word
    if isDurable { dirty.note(key) }
  }

  override final func advance(_ mark: Int64) throws(RunFailure) {
    if let end = sweep.due(mark) { drop(before: end) }
  }

  private func drop(before end: Int64) {
    var gone: [Int32] = []
    table.forEach { if let kept = Kept(table.state($0).pointee), kept.time < end { gone.append($0) } }
    for entry in gone { remove(entry) }
  }

  private func remove(_ entry: Int32) {
    if let kept = Kept(table.state(entry).pointee) {
      held -= kept.size
      kept.free()
    }
    table.remove(entry)
  }

  // MARK: On disk. What has gone by is left out when it is read again.

  override final func writeChanges(_ out: inout Changes) {
    for key in dirty.take() {
      if let kept = key.withUnsafeBufferPointer({ kept($0) }) { out.put(0, key) { Kept.write(kept, into: &$0) } }
    }
  }

  override final func writeAll(_ out: inout Changes) {
    _ = dirty.take()
    table.forEach { entry in out.put(0, table.key(entry)) { Kept.write(Kept(table.state(entry).pointee), into: &$0) } }
  }

  override final func restore(_ table: UInt8, _ key: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let items = Kept.read(value), items.count == 1 else { return false }
    keep(items[0], key)
    return true
  }

  override final func restored(_ mark: Int64, _ sideMark: Int64) { if mark > .min { drop(before: mark - within) } }
}
