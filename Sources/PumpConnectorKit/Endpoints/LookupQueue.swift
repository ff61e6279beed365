/// Events of a generated pipeline that wait for a lookup: the keys of a batch are asked for together.
public final class LookupQueue<Event> {
  @usableFromInline let keys: Column
  @usableFromInline let found: Column
  @usableFromInline var events: [(event: Event, row: Int, record: Record?, element: Element?, time: Int64)] = []
  @usableFromInline var rows: [Int32] = []

  public init(_ key: Shape, _ found: Shape) {
    keys = Column(key)
    self.found = Column(found)
  }

  @inlinable public func add(_ key: some ColumnValue, _ event: Event, _ row: Int, _ out: Outputs) {
    key.write(keys, events.count)
    rows.append(Int32(events.count))
    events.append((event, row, out.record, out.element, out.time))
  }

  /// Asks, and goes on with each event and what was found for it; those for which that fails have failed in this step.
  @inlinable public func run<Found: ColumnValue>(
    _ lookup: LookupStep, _ step: Int, _ out: Outputs, _ context: Context, _ next: (Event, Found, Int) -> Void
  ) {
    guard !events.isEmpty else { return }
    found.clear()
    found.ensure(events.count)
    var failed: Set<Int> = []
    rows.withUnsafeBufferPointer { rows in
      lookup.find(keys, rows, into: found, context) { place, failure in
        failed.insert(Int(place))
        let item = events[Int(place)]
        out.on(item.record, item.element) { out.fail(item.row, step, failure) }
      }
    }
    for (place, item) in events.enumerated() where !failed.contains(place) {
      out.time = item.time
      out.on(item.record, item.element) { next(item.event, .read(found, place, context.arena), item.row) }
    }
    keys.clear()
    rows.removeAll(keepingCapacity: true)
    events.removeAll(keepingCapacity: true)
  }
}
