import Glibc

/// What is done where a system is down: the step is tried again until it is back, or so many times.
package struct RetryPolicy: Sendable {
  private let pauses: ReconnectPolicy
  private let attempts: Int64?
  /// How long a stop waits for a system that is down, in microseconds.
  private let shutdownTimeout: Int64

  package init(_ settings: RetrySettings, limit: Int64) {
    attempts = settings.attempts
    // Pauses grow as those of a connection do that is told nothing else.
    var pauses = ReconnectPolicy(ReconnectSettings(Settings([:])))
    (pauses.initial, pauses.max) = ReconnectPolicy.bounds(settings.initial, settings.max)
    self.pauses = pauses
    shutdownTimeout = limit
  }

  /// Runs until there is no transient failure; nil if the stop came first and its time is over.
  package func run<T>(
    _ label: String, _ stop: StopSignal, onRetry: ((Int, RunFailure) -> Void)?, _ body: () throws(RunFailure) -> T
  ) throws(RunFailure) -> T? {
    var failures = 0
    return try run(label, stop, failures: &failures, onRetry: onRetry, body)
  }

  /// The same where an attempt may take several calls: `failures` in a row outlive this one.
  package func run<T>(
    _ label: String, _ stop: StopSignal, failures: inout Int, onRetry: ((Int, RunFailure) -> Void)?, _ body: () throws(RunFailure) -> T
  ) throws(RunFailure) -> T? {
    while true {
      do throws(RunFailure) { return try body() } catch {
        guard error.isTransient else { throw error }
        failures += 1
        if let attempts, failures >= attempts { throw RunFailure("`\(label)` failed \(failures) times: \(error.message)") }
        onRetry?(failures, error)
        // Both pauses one after the other would keep a system waiting that is back.
        var left = error.retryAt.map { $0 - monotonicMicros() } ?? pauses.pause(after: failures, random: .random(in: 0...1))
        // A source that is down ends with the stop; a sink still has events that must go.
        while left > 0 {
          if stop.isRequested, onRetry == nil || stop.age >= shutdownTimeout { return nil }
          usleep(UInt32(min(left, 20_000)))
          left -= 20_000
        }
      }
    }
  }
}
