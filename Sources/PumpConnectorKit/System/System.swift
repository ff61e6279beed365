import Glibc
import Synchronization

/// Microseconds since 1970, for what people and systems are told. It may be set back.
public func currentMicros() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
}

/// Microseconds of a clock that nobody sets, for pauses and deadlines.
public func monotonicMicros() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
}

/// A program may be started with standard descriptors closed: what it opens then must not take their places. Reading from one,
/// or writing to it, fails as it would without.
public func openStandardDescriptors() {
  for fd in Int32(0)...2 where fcntl(fd, F_GETFD) == -1 { _ = open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) }
}

/// A process that ends by a fault prints nothing of its memory: Swift's own report shows bytes of events.
package func leaveNoCrashReport() {
  for number in [SIGQUIT, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP] { signal(number, SIG_DFL) }
}

/// What one thread gives to another and touches no more until that one has ended.
public struct HandedOver<Value>: @unchecked Sendable {
  public let value: Value
  public init(_ value: Value) { self.value = value }
}

/// A thread of our own: pipelines block on files, pipes and databases, which Swift's cooperative threads must not.
/// `thread` is set before anybody else has this object, and never again.
public final class WorkerThread: @unchecked Sendable {
  private var thread = pthread_t()
  private final class Box { let body: () -> Void; init(_ body: @escaping () -> Void) { self.body = body } }

  public init(_ body: @escaping @Sendable () -> Void) {
    // The new thread, which gets it as its argument, releases it.
    let box = Unmanaged.passRetained(Box(body))
    let code = pthread_create(
      &thread, nil,
      { argument in
        Unmanaged<Box>.fromOpaque(argument!).takeRetainedValue().body()
        return nil
      }, box.toOpaque())
    guard code != 0 else { return }
    // Whoever waits for the thread would wait for ever. What was not acknowledged comes again.
    let message = "error: the system gives no thread: \(String(cString: strerror(code))); raise the limit of processes (`ulimit -u`)\n"
    _ = message.withCString { Glibc.write(2, $0, strlen($0)) }
    _exit(1)
  }

  public func join() { pthread_join(thread, nil) }
}

/// Asks pipelines to stop taking events in; waits for input end at once.
public final class StopSignal: Sendable {
  private let requested = Atomic<Bool>(false)
  private let bell = Bell()

  public init() {}

  public var isRequested: Bool { requested.load(ordering: .relaxed) }

  private let requestedAt = Atomic<Int64>(0)

  /// How long ago the stop was asked for, in microseconds; 0 where it was not.
  public var age: Int64 {
    let time = requestedAt.load(ordering: .relaxed)
    return time == 0 ? 0 : max(1, monotonicMicros() - time)
  }

  public func request() {
    _ = requestedAt.compareExchange(expected: 0, desired: monotonicMicros(), ordering: .relaxed)
    requested.store(true, ordering: .relaxed)
    bell.ring()
  }

  /// Waits so long, or until the signal; false on the signal.
  public func wait(micros: Int64) -> Bool {
    var descriptor = pollfd(fd: bell.descriptor, events: Int16(POLLIN), revents: 0)
    _ = poll(&descriptor, 1, Int32(clamping: max(0, (micros + 999) / 1000)))
    return !isRequested
  }

  /// Waits until a descriptor can be read: true then, false on the signal or after so long.
  public func waitReadable(_ fd: Int32, micros: Int64) -> Bool {
    var descriptors = [pollfd(fd: fd, events: Int16(POLLIN), revents: 0), pollfd(fd: bell.descriptor, events: Int16(POLLIN), revents: 0)]
    return poll(&descriptors, 2, Int32(clamping: (micros + 999) / 1000)) > 0 && descriptors[0].revents != 0
  }

  /// Written before the handlers are there that read it.
  nonisolated(unsafe) private static var installed: StopSignal?
  private static let signals = Atomic<Int>(0)

  /// SIGTERM, SIGINT and SIGHUP request the stop; a second one ends the process at once. A SIGHUP that is ignored stays so, as
  /// `nohup` wants it.
  public func install() {
    StopSignal.installed = self
    var hangup = sigaction()
    sigaction(SIGHUP, nil, &hangup)
    // Swift does not compare functions of C; as numbers, of the same size, it does.
    let ignoresHangup = unsafeBitCast(hangup.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    let numbers = [SIGTERM, SIGINT] + (ignoresHangup ? [] : [SIGHUP])
    for number in numbers {
      signal(number) { number in
        if StopSignal.signals.add(1, ordering: .relaxed).newValue > 1 { _exit(128 + number) }
        StopSignal.installed?.request()
      }
    }
    signal(SIGPIPE, SIG_IGN)
    // Those that came since `hold`, or whoever started this process has blocked, are heard now.
    StopSignal.mask(SIG_UNBLOCK, numbers)
  }

  /// Signals that ask for a stop wait until `install`, so that one in the first moments of a run stops it as a later one does.
  /// A process that takes this one's place holds them as well.
  public static func hold() { mask(SIG_BLOCK, [SIGTERM, SIGINT, SIGHUP]) }

  private static func mask(_ how: Int32, _ numbers: [Int32]) {
    var mask = sigset_t()
    sigemptyset(&mask)
    for number in numbers { sigaddset(&mask, number) }
    pthread_sigmask(how, &mask, nil)
  }
}

/// Log lines on standard error: text on a terminal, JSON otherwise. Data in them has no control characters.
public final class Logger: Sendable {
  private let asJSON: Bool
  private let quiet: Bool

  public init(asJSON: Bool, quiet: Bool = false) {
    self.asJSON = asJSON
    self.quiet = quiet
  }

  public func info(_ message: String, pipeline: String? = nil, connection: String? = nil) {
    if !quiet { write("info", message, pipeline, connection) }
  }
  public func warning(_ message: String, pipeline: String? = nil, connection: String? = nil) {
    write("warning", message, pipeline, connection)
  }
  public func error(_ message: String, pipeline: String? = nil, connection: String? = nil) { write("error", message, pipeline, connection) }

  private func write(_ level: String, _ message: String, _ pipeline: String?, _ connection: String?) {
    var out = ByteBuffer(capacity: 256)
    defer { out.release() }
    let arena = Arena()
    if asJSON {
      out.raw("{\"time\":")
      out.json(Timestamp(currentMicros()))
      out.text(",\"level\":\"\(level)\"")
      if let pipeline {
        out.raw(",\"pipeline\":")
        out.quoted(arena.copy(pipeline))
      }
      if let connection {
        out.raw(",\"connection\":")
        out.quoted(arena.copy(connection))
      }
      out.raw(",\"message\":")
      out.quoted(arena.copy(message))
      out.raw("}\n")
    } else {
      out.text("\(level): ")
      if let pipeline { out.text("\(pipeline): ") }
      out.text(message)
      out.raw("\n")
    }
    try? writeAll(2, out.base, out.count, "standard error")
  }
}
