import Glibc

/// What a unit keeps, on disk: a file of frames. The first says whose it is; each further one is a record of what had changed with one
/// commit, or a part of all that there was when the file was written anew.
///
/// A frame is the length of its bytes (4 bytes), their checksum (8) and the bytes. One that was cut short at the end was never synced and
/// goes; a broken one before another is damage. The file is written anew, and takes the place of the old one at once, when what has
/// changed since is twice what there was.
final class StateLog {
  /// Whose it is: the version of the form, and the steps with what must be the same for their entries to be read.
  struct Header: Equatable {
    static let version = "pump state 1"
    var steps: [(name: String, form: String)]
    static func == (a: Header, b: Header) -> Bool { a.texts == b.texts }
    fileprivate var texts: [String] { [Self.version] + steps.flatMap { [$0.name, $0.form] } }
  }

  enum Kind: UInt8 { case commit, part, whole }

  let path: String
  private var fd: Int32 = -1
  /// Where the last whole record ends.
  private var end = 0
  /// Bytes of the file as it was written anew.
  private var wholeSize = 0
  /// The number of the last record.
  private(set) var number: UInt64 = 0

  init(_ path: String) { self.path = path }

  deinit { if fd >= 0 { close(fd) } }

  /// More has changed than is worth reading again.
  var isLong: Bool { end - wholeSize > max(64 << 20, 2 * wholeSize) }

  // MARK: Reading

  /// Reads what is there; nil where nothing is. `header` is told first, then of each record what it holds.
  func read(_ header: (Header) throws(RunFailure) -> Void, _ record: (UnsafeBufferPointer<UInt8>) throws(RunFailure) -> Void)
    throws(RunFailure) -> Bool
  {
    do throws(FileProblem) {
      fd = open(path, O_RDWR | O_CLOEXEC)
      guard fd >= 0 else {
        if errno == ENOENT { return false }
        throw FileProblem("open", path)
      }
    } catch { throw RunFailure(error.message) }
    var info = stat()
    guard fstat(fd, &info) == 0 else { throw RunFailure(FileProblem("read", path).message) }
    let size = Int(info.st_size)
    guard size > 0 else { return false }
    guard let memory = mmap(nil, size, PROT_READ, MAP_PRIVATE, fd, 0), memory != MAP_FAILED else {
      throw RunFailure(FileProblem("read", path).message)
    }
    defer { munmap(memory, size) }
    madvise(memory, size, MADV_SEQUENTIAL)
    let bytes = UnsafeRawBufferPointer(start: memory, count: size)
    var isHeader = true
    while let frame = try frame(bytes, end) {
      end += Self.head + frame.count
      if isHeader {
        try header(try Self.header(frame, path))
        isHeader = false
        continue
      }
      guard frame.count >= 9, let kind = Kind(rawValue: frame[8]) else { throw damage(end) }
      number = UnsafeRawPointer(frame.baseAddress!).loadUnaligned(as: UInt64.self)
      try record(UnsafeBufferPointer(rebasing: frame[9...]))
      if kind != .commit { wholeSize = end }
    }
    if isHeader { return false }
    guard ftruncate(fd, off_t(end)) == 0 else { throw RunFailure(FileProblem("cut", path).message) }
    return true
  }

  private static let head = 12

  /// The bytes of the frame at a place; nil at the end, and where it was cut short.
  private func frame(_ bytes: UnsafeRawBufferPointer, _ start: Int) throws(RunFailure) -> UnsafeBufferPointer<UInt8>? {
    guard let whole = wholeFrame(bytes, start) else {
      // Nothing whole comes behind what was cut short.
      guard start + Self.head <= bytes.count else { return nil }
      let next = start + Self.head + Int(bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))
      if next < bytes.count, wholeFrame(bytes, next) != nil { throw damage(start) }
      return nil
    }
    return whole
  }

  private func wholeFrame(_ bytes: UnsafeRawBufferPointer, _ start: Int) -> UnsafeBufferPointer<UInt8>? {
    guard start + Self.head <= bytes.count else { return nil }
    let count = Int(bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self))
    let sum = bytes.loadUnaligned(fromByteOffset: start + 4, as: UInt64.self)
    guard count > 0, start + Self.head + count <= bytes.count else { return nil }
    let base = (bytes.baseAddress! + start + Self.head).assumingMemoryBound(to: UInt8.self)
    return KeyHash.of(base, count) == sum ? UnsafeBufferPointer(start: base, count: count) : nil
  }

  private func damage(_ place: Int) -> RunFailure {
    RunFailure(
      "\(Shape.clean(path)) is damaged at byte \(place); bring it back from a copy, or remove it to begin anew: what it holds was acknowledged"
    )
  }

  private static func header(_ frame: UnsafeBufferPointer<UInt8>, _ path: String) throws(RunFailure) -> Header {
    let texts = String(decoding: frame, as: UTF8.self).netstrings
    guard texts.first == Header.version, texts.count % 2 == 1 else {
      throw RunFailure("\(Shape.clean(path)) is no state of this version of pumpc; remove it to begin anew")
    }
    return Header(steps: stride(from: 1, to: texts.count, by: 2).map { (texts[$0], texts[$0 + 1]) })
  }

  // MARK: Writing

  /// Makes a record of what has changed durable.
  func append(_ changes: UnsafeBufferPointer<UInt8>) throws(RunFailure) {
    do throws(FileProblem) {
      guard lseek(fd, off_t(end), SEEK_SET) >= 0 else { throw FileProblem("write", path) }
      let size = try write(fd, .commit, number + 1, changes)
      guard ftruncate(fd, off_t(end + size)) == 0, fdatasync(fd) == 0 else { throw FileProblem("sync", path) }
      end += size
      number += 1
    } catch { throw RunFailure(error.message) }
  }

  private func write(_ fd: Int32, _ kind: Kind, _ number: UInt64, _ changes: UnsafeBufferPointer<UInt8>) throws(FileProblem) -> Int {
    var frame = ByteBuffer(capacity: changes.count + 64)
    defer { frame.release() }
    frame.plain(UInt32(0))
    frame.plain(UInt64(0))
    frame.plain(number)
    frame.byte(kind.rawValue)
    if changes.count > 0 { frame.raw(changes.baseAddress!, changes.count) }
    return try write(fd, &frame)
  }

  private func write(_ fd: Int32, _ frame: inout ByteBuffer) throws(FileProblem) -> Int {
    let count = frame.count - Self.head
    let head = UnsafeMutableRawPointer(frame.base)
    head.storeBytes(of: UInt32(count), as: UInt32.self)
    head.storeBytes(of: KeyHash.of(frame.base + Self.head, count), toByteOffset: 4, as: UInt64.self)
    try writeAll(fd, frame.base, frame.count, path)
    return frame.count
  }

  /// Writes the file anew with all that there is, which `body` gives in parts.
  func writeAnew(_ header: Header, _ body: ((UnsafeBufferPointer<UInt8>) throws(RunFailure) -> Void) throws(RunFailure) -> Void)
    throws(RunFailure)
  {
    let temporary = path + ".new"
    let made = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard made >= 0 else { throw RunFailure(FileProblem("create", temporary).message) }
    var isDone = false
    defer { if !isDone { close(made) } }
    var size = 0
    do throws(FileProblem) {
      var first = ByteBuffer(capacity: 4096)
      defer { first.release() }
      first.plain(UInt32(0))
      first.plain(UInt64(0))
      first.text(String(netstrings: header.texts))
      size += try write(made, &first)
    } catch { throw RunFailure(error.message) }
    try body { (part) throws(RunFailure) in
      do throws(FileProblem) { size += try write(made, .part, number, part) } catch { throw RunFailure(error.message) }
    }
    do throws(FileProblem) {
      size += try write(made, .whole, number, UnsafeBufferPointer(start: nil, count: 0))
      guard fsync(made) == 0, rename(temporary, path) == 0 else { throw FileProblem("replace", path) }
    } catch { throw RunFailure(error.message) }
    syncFolder()
    if fd >= 0 { close(fd) }
    (fd, end, wholeSize, isDone) = (made, size, size, true)
  }

  /// The file's name is durable too.
  private func syncFolder() {
    let folder = open(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
  }
}
