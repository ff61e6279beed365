import Glibc
import Synchronization

/// Counts up and down; who finds it at zero waits. For threads of our own, which may block. Threads share the C library's semaphore;
/// where that lies never changes.
public final class Semaphore: @unchecked Sendable {
  private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

  public init() { sem_init(semaphore, 0, 0) }
  deinit {
    sem_destroy(semaphore)
    semaphore.deallocate()
  }

  public func signal() { sem_post(semaphore) }

  public func wait() { while sem_wait(semaphore) != 0 {} }

  /// False if it stayed at zero for so long.
  public func wait(micros: Int64) -> Bool {
    let end = currentMicros() + micros
    var deadline = timespec(tv_sec: Int(end / 1_000_000), tv_nsec: Int(end % 1_000_000) * 1000)
    while sem_timedwait(semaphore, &deadline) != 0 { if errno != EINTR { return false } }
    return true
  }
}

/// Does one piece of work at a time on a thread of its own, while its owner goes on: `start`, then `result` until there is one.
///
/// `work` and `value` are the worker's from the signal of `begun` to that of `finished`, and the owner's at all other times. All calls
/// but `isCancelled` are the owner's, who is one thread at a time.
public final class BackgroundWorker<Value>: @unchecked Sendable {
  private let begun = Semaphore()
  private let finished = Semaphore()
  private var work: (() throws(RunFailure) -> Value)?
  private var value: Result<Value, RunFailure>?
  private let cancelled = Atomic<Bool>(false)
  private var thread: WorkerThread?

  public init() {}

  /// Whether `end` was called: work that takes long looks at it.
  public var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

  /// The result of the work before has been taken. What the work uses is its own until it is finished.
  public func start(_ work: @escaping () throws(RunFailure) -> Value) {
    self.work = work
    if thread == nil { thread = WorkerThread { [self] in run() } }
    begun.signal()
  }

  private func run() {
    while true {
      begun.wait()
      guard let work else { return }
      do throws(RunFailure) { value = .success(try work()) } catch { value = .failure(error) }
      finished.signal()
    }
  }

  /// What came of the work, once; nil if it goes on for longer than this.
  public func result(micros: Int64) -> Result<Value, RunFailure>? {
    guard finished.wait(micros: micros) else { return nil }
    defer { (work, value) = (nil, nil) }
    return value
  }

  /// Waits for the end of the work, and of the thread.
  public func end() {
    guard let thread else { return }
    cancelled.store(true, ordering: .relaxed)
    if work != nil { finished.wait() }
    work = nil
    begun.signal()
    thread.join()
    self.thread = nil
  }
}
