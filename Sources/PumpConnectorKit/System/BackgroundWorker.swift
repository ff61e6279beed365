import Glibc
import Synchronization

/// Counts up and down; who finds it at zero waits. For threads of our own, which may block.
/// The memory of a mutex and a condition must not move; the count is used under the mutex.
public final class Semaphore: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var count = 0

  public init() {
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    // A semaphore of the system would wait by the clock that may be set.
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(condition)
    condition.deallocate()
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  public func signal() {
    pthread_mutex_lock(mutex)
    count += 1
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  public func wait() { _ = wait(until: nil) }

  /// False if it stayed at zero for so long.
  public func wait(micros: Int64) -> Bool {
    let end = monotonicMicros() + micros
    return wait(until: timespec(tv_sec: Int(end / 1_000_000), tv_nsec: Int(end % 1_000_000) * 1000))
  }

  private func wait(until deadline: timespec?) -> Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while count == 0 {
      guard var deadline else {
        pthread_cond_wait(condition, mutex)
        continue
      }
      if pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT, count == 0 { return false }
    }
    count -= 1
    return true
  }
}

/// Does one piece of work at a time on a thread of its own, while its owner goes on: `start`, then `result` until there is one.
/// `work` and `value` are the thread's between `begun` and `finished`, and the owner's otherwise.
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
