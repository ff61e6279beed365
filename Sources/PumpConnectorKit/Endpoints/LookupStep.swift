/// A lookup as a step of a pipeline uses it: asked again while its system is down, as sinks are, so that its pipeline waits.
public final class LookupStep {
  private let lookup: any Lookup
  private let label: String
  private let retry: RetryPolicy
  private let stop: StopSignal
  private let onRetry: @Sendable (Int, RunFailure) -> Void
  /// Told why the batch under way cannot be finished, which is the fault of none of its events.
  private let onBreak: @Sendable (RunFailure) -> Void

  package init(
    _ lookup: any Lookup, _ label: String, _ retry: RetryPolicy, _ stop: StopSignal, onRetry: @escaping @Sendable (Int, RunFailure) -> Void,
    onBreak: @escaping @Sendable (RunFailure) -> Void
  ) {
    (self.lookup, self.label, self.retry, self.stop, self.onRetry, self.onBreak) = (lookup, label, retry, stop, onRetry, onBreak)
  }

  /// Asks for all rows together. Where that fails each is asked for alone, so that one does not spoil it for the others;
  /// `failed` is told of those that fail then too. Where the batch breaks off all rows fail, and none of them is to be told of.
  public func find(
    _ keys: Column, _ rows: UnsafeBufferPointer<Int32>, into result: Column, _ context: Context, failed: (Int32, EventFailure) -> Void
  ) {
    guard let problem = ask(keys, rows, result, context) else { return }
    guard case .events(let failure) = problem else { return breakOff(problem, rows, failed) }
    if rows.count == 1 { return failed(rows[0], failure) }
    for place in rows.indices {
      let alone = UnsafeBufferPointer(rebasing: rows[place...place])
      switch ask(keys, alone, result, context) {
      case nil: continue
      case .events(let failure): failed(rows[place], failure)
      case .run(let failure): return breakOff(.run(failure), UnsafeBufferPointer(rebasing: rows[place...]), failed)
      }
    }
  }

  private enum Problem {
    /// What was asked for cannot be had, or does not fit.
    case events(EventFailure)
    /// The system cannot be asked: the run ends, or the connection has failed.
    case run(RunFailure)
  }

  private func ask(_ keys: Column, _ rows: UnsafeBufferPointer<Int32>, _ result: Column, _ context: Context) -> Problem? {
    do throws(RunFailure) {
      let loaded: Void? = try retry.run(label, stop, onRetry: onRetry) { () throws(RunFailure) in try lookup.load(keys, rows, context) }
      guard loaded != nil else {
        return .run(
          RunFailure("`\(label)` gave no answer before the end of shutdown_timeout; its events are not acknowledged and come again"))
      }
    } catch { return error.isFinal ? .run(error) : .events(EventFailure(error.message)) }
    do throws(EventFailure) { try lookup.find(keys, rows, into: result, context) } catch { return .events(error) }
    return nil
  }

  private func breakOff(_ problem: Problem, _ rows: UnsafeBufferPointer<Int32>, _ failed: (Int32, EventFailure) -> Void) {
    guard case .run(let failure) = problem else { return }
    onBreak(failure)
    for row in rows { failed(row, EventFailure(failure.message)) }
  }
}
