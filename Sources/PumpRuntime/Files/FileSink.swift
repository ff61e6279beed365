import Glibc
import Synchronization

/// `file.lines` and `stdout.lines`: encoded events, one a line. A replaced file appears whole, when its pipeline has ended;
/// an appended one is cut back to its last whole line before more is written, and found by its name at each commit.
final class FileSink: Sink {
  private let path: String
  /// Appends, or writes what is not a regular file as it is.
  private let append: Bool
  /// A pipe or a device.
  private let isSpecial: Bool
  private var claim: PathClaim?
  private let rotateAt: Int64?
  private let header: Text?
  private let memory = Arena()
  private let framed: Bool
  private var fd: Int32
  private var size: Int64 = 0
  /// Its size at the last commit.
  private var committed: Int64 = 0
  private let logger: Logger?
  private let pipeline: String
  private var isOpen = true
  private var isDirty = false
  private var temporary: String { path + ".part" }

  /// Lines have a line feed after each event; bytes are written as they are.
  init(
    _ context: EndpointContext, _ named: String, appends: Bool, header: String?, rotateAt: Size?, framed: Bool
  ) throws(RunFailure) {
    guard !named.isEmpty else { throw RunFailure("sink `\(context.spec.label)`: the path is empty; name a file") }
    // A link's target is what is written; a pipe or device cannot be replaced.
    path =
      realpath(named, nil).map { target in
        defer { free(target) }
        return String(cString: target)
      } ?? named
    var status = stat()
    isSpecial = stat(path, &status) == 0 && status.st_mode & S_IFMT != S_IFREG && status.st_mode & S_IFMT != S_IFDIR
    append = isSpecial || appends
    claim = isSpecial ? nil : PathClaim(path)
    guard isSpecial || claim != nil else {
      throw RunFailure(
        "sink `\(context.spec.label)`: another sink of this program writes \(Shape.clean(named)); send both to one pipeline with `input`, or name another file"
      )
    }
    self.rotateAt = rotateAt?.bytes
    self.header = header.map { [memory] in memory.copy($0) }
    self.framed = framed
    logger = context.logger
    pipeline = context.pipeline
    fd = -1
    guard !context.keepsPositions || append else {
      throw RunFailure(
        "sink `\(context.spec.label)`: a replaced file appears at the end only, and positions are kept before that; use `mode: append`"
      )
    }
    try open()
    committed = size
  }

  /// Standard output.
  init(standardOutput context: EndpointContext) {
    path = "standard output"
    append = true
    isSpecial = true
    rotateAt = nil
    header = StdoutLinesSinkArguments(context.settings).header.map { [memory] in memory.copy($0) }
    framed = true
    logger = nil
    pipeline = context.pipeline
    fd = 1
    if let header { try? writeHeader(header) }
  }

  private func open() throws(RunFailure) {
    var status = stat()
    if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR {
      throw RunFailure("cannot write \(Shape.clean(path)): it is a directory; name a file in it")
    }
    let name = append ? path : temporary
    fd = Glibc.open(name, (append ? O_APPEND : 0) | O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
    guard fd >= 0 else { throw RunFailure(FileProblem("create", name).message) }
    // Another process that writes the same would mix its lines with these; pipes and devices are there for many.
    guard isSpecial || flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
      Glibc.close(fd)
      fd = -1
      throw RunFailure("cannot write \(Shape.clean(path)): another process is writing it; end that, or name another file")
    }
    do throws(FileProblem) {
      size = append ? try cutToLastLine() : 0
      if !append, ftruncate(fd, 0) != 0 { throw FileProblem("cut", name) }
      if size == 0, let header { try writeHeader(header) }
    } catch { throw RunFailure(error.message) }
  }

  private func writeHeader(_ header: Text) throws(FileProblem) {
    try writeAll(fd, header.base, header.count, path)
    try writeAll(fd, "\n", 1, path)
    size += Int64(header.count + 1)
  }

  /// A run that was killed may have left half a line.
  private func cutToLastLine() throws(FileProblem) -> Int64 {
    var end = lseek(fd, 0, SEEK_END)
    guard framed, end > 0 else { return Int64(max(0, end)) }
    var block = [UInt8](repeating: 0, count: 64 << 10)
    while end > 0 {
      let start = max(0, end - block.count)
      guard pread(fd, &block, end - start, off_t(start)) == end - start else { throw FileProblem("read", path) }
      if let feed = block[0..<(end - start)].lastIndex(of: 0x0A) {
        end = start + feed + 1
        break
      }
      end = start
    }
    guard ftruncate(fd, off_t(end)) == 0, lseek(fd, off_t(end), SEEK_SET) >= 0 else { throw FileProblem("cut", path) }
    return Int64(end)
  }

  func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
    isDirty = true
    do throws(FileProblem) {
      if framed, occurrences(of: 0x0A, in: buffer.bytes.base, buffer.bytes.count) == buffer.count {
        try writeAll(fd, buffer.bytes.base, buffer.bytes.count, path)
        size += Int64(buffer.bytes.count)
        if let rotateAt, size >= rotateAt { try rotate() }
        return []
      }
      var refusals: [Refusal] = []
      for row in 0..<buffer.count {
        let event = buffer.event(row)
        if framed, memchr(event.base, 0x0A, event.count) != nil {
          refusals.append(Refusal(row: row, message: "the event holds a line feed and cannot be one line"))
          continue
        }
        let count = event.count + (framed ? 1 : 0)
        try writeAll(fd, event.base, count, path)
        size += Int64(count)
      }
      return refusals
    } catch {
      throw RunFailure(error.message)
    }
  }

  /// `out.ndjson` goes on as `out.ndjson.1`, `.2`, …; nothing is overwritten.
  private func rotate() throws(FileProblem) {
    var number = 1
    var status = stat()
    while stat("\(path).\(number)", &status) == 0 { number += 1 }
    guard fsync(fd) == 0, rename(append ? path : temporary, "\(path).\(number)") == 0 else { throw FileProblem("rotate", path) }
    Glibc.close(fd)
    do throws(RunFailure) { try open() } catch { throw FileProblem(error.message) }
    committed = 0
  }

  /// What is appended is on the disk before its source hears of it; a replaced file appears at the end.
  func commit() throws(RunFailure) -> [Refusal] {
    guard append, isDirty else { return [] }
    try sync()
    if !isStill(at: path) { try goOn() }
    isDirty = false
    committed = size
    return []
  }

  private func sync() throws(RunFailure) {
    // Pipes and devices have nothing to be kept safe.
    guard fdatasync(fd) == 0 || errno == EINVAL || errno == EROFS else { throw RunFailure(FileProblem("write", path).message) }
  }

  /// Whether the open file still has its name: it may have been removed, or moved by somebody who rotates it.
  private func isStill(at name: String) -> Bool {
    var status = stat()
    fstat(fd, &status)
    return status.st_mode & S_IFMT != S_IFREG || FileIdentity(of: name) == FileIdentity(status)
  }

  /// Goes on in a new file of the name. What was written since the last commit is in the one that was moved; where that is
  /// removed, it is written again.
  private func goOn() throws(RunFailure) {
    logger?.warning("\(Shape.clean(path)) was moved or removed; a new file is begun", pipeline: pipeline)
    let old = fd
    defer { Glibc.close(old) }
    var status = stat()
    fstat(old, &status)
    var at = committed
    try open()
    guard status.st_nlink == 0 else { return }
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    do throws(FileProblem) {
      while true {
        let count = pread(old, &bytes, bytes.count, off_t(at))
        guard count >= 0 else { throw FileProblem("read", path) }
        if count == 0 { break }
        try writeAll(fd, bytes, count, path)
        (at, size) = (at + Int64(count), size + Int64(count))
      }
    } catch { throw RunFailure(error.message) }
    try sync()
  }
  var isDurableAtEnd: Bool { !append }
  var takesEffectOnWrite: Bool { true }

  func close(completed: Bool) throws(RunFailure) {
    guard isOpen, fd > 2 else { return }
    isOpen = false
    claim = nil
    defer { Glibc.close(fd) }
    if append { return }
    guard completed else {
      // What came before a stop or a failure may be of use.
      if size == 0 { unlink(temporary) }
      return
    }
    guard isStill(at: temporary) else {
      throw RunFailure("\(Shape.clean(temporary)) was moved or removed while it was written; \(Shape.clean(path)) is not replaced")
    }
    guard fsync(fd) == 0, rename(temporary, path) == 0 else { throw RunFailure(FileProblem("replace", path).message) }
  }
}

/// One file has one sink of this process, as long as it holds the claim: locks of files tell processes apart, and a replaced
/// file is locked by another name than an appended one.
private final class PathClaim: Sendable {
  private static let taken = Mutex<Set<String>>([])
  private let path: String

  init?(_ path: String) {
    guard Self.taken.withLock({ $0.insert(path).inserted }) else { return nil }
    self.path = path
  }

  deinit { Self.taken.withLock { _ = $0.remove(path) } }
}
