import Glibc
import Synchronization

/// A queue on disk: one thread appends, another reads. What was synced outlives a kill and a crash of the machine; what was read and
/// passed is deleted. It is a row of files of about 16 MiB, `NAME.spool.N`, of frames: four bytes for the length, eight for its FNV-1a,
/// the bytes. How far it is read stands beside them.
///
/// The writer's fields are its thread's alone, so are the reader's; what both use is behind the lock.
final class SpoolLog: @unchecked Sendable {
  /// A file by its number, and a byte in it.
  struct Place: Equatable, Sendable {
    var file: Int
    var offset: Int
  }

  private struct Shared {
    /// What is durable ends here.
    var end: Place
    /// Bytes that are durable and not passed.
    var waiting: Int
  }

  private let path: String
  private let positions: FilePositions
  private let shared: Mutex<Shared>

  // The writer's.
  private var unsynced = ByteBuffer(capacity: 64 << 10)
  private var output: Int32 = -1
  private var writing: Place

  // The reader's.
  private var reading: Place
  private var passed: Place
  private var input: (fd: Int32, file: Int)?

  private static let header = 12
  private let fileLimit: Int

  /// Opens the queue of a sink in the folder of the state, where an earlier run has left it. A frame that was cut short by a crash was
  /// never synced, and goes.
  convenience init(folder: String, pipeline: String, label: String, fileLimit: Int = 16 << 20) throws(RunFailure) {
    try self.init(FilePositions(folder: folder, pipeline: pipeline, label: "\(label) spool"), label, fileLimit: fileLimit)
  }

  init(_ positions: FilePositions, _ label: String, fileLimit: Int = 16 << 20) throws(RunFailure) {
    self.fileLimit = fileLimit
    self.positions = positions
    // This holds the folder, so that no other process uses it.
    let saved = try positions.load(nil)[""].map { $0.split(separator: " ").compactMap { Int($0) } } ?? [0, 0]
    guard saved.count == 2 else {
      throw RunFailure("the position of the spool of `\(label)` cannot be read; remove it to lose what it holds")
    }
    path = String(positions.path.dropLast(".position".count)) + ".spool"
    let start = Place(file: saved[0], offset: saved[1])
    (reading, passed) = (start, start)
    var last = start
    var waiting = 0
    do throws(FileProblem) {
      var file = start.file
      while let size = try Self.size("\(path).\(file)") {
        last = Place(file: file, offset: size)
        waiting += size - (file == start.file ? start.offset : 0)
        file += 1
      }
      let isLast = last.file == start.file
      if last.offset > 0 {
        let whole = min(last.offset, try Self.wholeFrames("\(path).\(last.file)", from: isLast ? start.offset : 0, label))
        waiting -= last.offset - whole
        last.offset = whole
      }
    } catch { throw RunFailure(error.message) }
    writing = last
    shared = Mutex(Shared(end: last, waiting: max(0, waiting)))
  }

  /// Queues in the folder that none of these sinks has, each by its first file, and that are not empty: what they hold was acknowledged,
  /// and nobody sends it.
  static func orphans(in folder: String, besides known: [(pipeline: String, label: String)]) -> [String] {
    let paths = known.map { FilePositions(folder: folder, pipeline: $0.pipeline, label: "\($0.label) spool").path }
    var seen = Set(paths.map { String($0.dropLast(".position".count)) })
    return FilePattern.matches("\(folder)/*.spool.*").filter { file in
      let name = file[..<(file.lastIndex(of: ".") ?? file.endIndex)]
      guard name.hasSuffix(".spool"), seen.insert(String(name.dropLast(".spool".count))).inserted else { return false }
      let positions = FilePositions(folder: folder, path: "\(name.dropLast(".spool".count)).position")
      // One that cannot be read is not empty.
      return (try? SpoolLog(positions, file))?.waiting ?? 1 > 0
    }
  }

  deinit {
    if output >= 0 { close(output) }
    if let input { close(input.fd) }
    unsynced.release()
  }

  private static func size(_ path: String) throws(FileProblem) -> Int? {
    var info = stat()
    if stat(path, &info) == 0 { return Int(info.st_size) }
    guard errno == ENOENT else { throw FileProblem("read", path) }
    return nil
  }

  /// Where the last whole frame of a file ends. A broken one before a whole one is damage, and no crash in the middle of a write.
  private static func wholeFrames(_ path: String, from start: Int, _ label: String) throws(FileProblem) -> Int {
    let fd = open(path, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { throw FileProblem("open", path) }
    defer { close(fd) }
    var offset = start
    var broken: Int?
    while case .frame(let bytes, let isSound) = try frame(fd, offset, path) {
      if !isSound {
        broken = broken ?? offset
      } else if let broken {
        throw FileProblem(
          "the spool of `\(label)` is damaged at byte \(broken) of \(path); mend or move it: what it holds was acknowledged")
      }
      offset += header + bytes.count
    }
    return broken ?? offset
  }

  /// What stands at a place of a file.
  private enum Found {
    case end
    /// A frame that the file ends in.
    case part
    case frame([UInt8], isSound: Bool)
  }

  private static func frame(_ fd: Int32, _ offset: Int, _ name: String) throws(FileProblem) -> Found {
    let head = try bytes(fd, offset, header, name)
    if head.isEmpty { return .end }
    guard head.count == header else { return .part }
    let (length, sum) = head.withUnsafeBytes {
      (Int($0.loadUnaligned(as: UInt32.self)), $0.loadUnaligned(fromByteOffset: 4, as: UInt64.self))
    }
    let body = try bytes(fd, offset + header, length, name)
    return body.count == length ? .frame(body, isSound: body.fnv1a == sum) : .part
  }

  // MARK: The writer

  /// Bytes that were appended since the last sync.
  var pending: Int { unsynced.count }

  /// Appends what the body writes as one frame.
  func append(_ body: (inout ByteBuffer) -> Void) {
    let start = unsynced.count
    for _ in 0..<Self.header { unsynced.byte(0) }
    body(&unsynced)
    let length = unsynced.count - start - Self.header
    let frame = unsynced.base + start
    let sum = UnsafeBufferPointer(start: frame + Self.header, count: length).fnv1a
    let head = UnsafeMutableRawPointer(mutating: frame)
    head.storeBytes(of: UInt32(length), as: UInt32.self)
    (head + 4).storeBytes(of: sum, as: UInt64.self)
  }

  /// Makes all that was appended durable, and shows it to the reader.
  func sync() throws(RunFailure) {
    guard unsynced.count > 0 else { return }
    do throws(FileProblem) {
      if output < 0 || writing.offset >= fileLimit { try openNext() }
      let name = "\(path).\(writing.file)"
      // What an attempt before has left of itself is written over.
      guard lseek(output, off_t(writing.offset), SEEK_SET) >= 0 else { throw FileProblem("write", name) }
      try writeAll(output, unsynced.base, unsynced.count, name)
      guard ftruncate(output, off_t(writing.offset + unsynced.count)) == 0, fdatasync(output) == 0 else { throw FileProblem("sync", name) }
    } catch { throw RunFailure(error.message) }
    writing.offset += unsynced.count
    shared.withLock { [writing, unsynced] in
      $0.end = writing
      $0.waiting += unsynced.count
    }
    unsynced.count = 0
  }

  private func openNext() throws(FileProblem) {
    if output >= 0 {
      close(output)
      output = -1
      writing = Place(file: writing.file + 1, offset: 0)
    }
    let name = "\(path).\(writing.file)"
    output = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard output >= 0 else { throw FileProblem("create", name) }
    // Its name is durable too.
    let folder = open(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if folder >= 0 {
      fsync(folder)
      close(folder)
    }
  }

  /// Bytes that wait to be passed.
  var waiting: Int { shared.withLock { $0.waiting } }

  // MARK: The reader

  /// The next frames, of some bytes in all, and where they end; nil if nothing is there.
  func read(upTo limit: Int) throws(RunFailure) -> (frames: [[UInt8]], end: Place)? {
    let end = shared.withLock { $0.end }
    var frames: [[UInt8]] = []
    var total = 0
    do throws(FileProblem) {
      while reading != end, total < limit {
        if input?.file != reading.file {
          if let input { close(input.fd) }
          let name = "\(path).\(reading.file)"
          let fd = open(name, O_RDONLY | O_CLOEXEC)
          guard fd >= 0 else { throw FileProblem("open", name) }
          input = (fd, reading.file)
        }
        if let frame = try next(input!.fd) {
          total += frame.count
          frames.append(frame)
        } else {
          guard reading.file < end.file else { break }
          reading = Place(file: reading.file + 1, offset: 0)
        }
      }
    } catch { throw RunFailure(error.message) }
    return frames.isEmpty ? nil : (frames, reading)
  }

  /// The frame at the reader's place; nil at the end of the file.
  private func next(_ fd: Int32) throws(FileProblem) -> [UInt8]? {
    let name = "\(path).\(reading.file)"
    switch try Self.frame(fd, reading.offset, name) {
    case .end: return nil
    case .frame(let bytes, isSound: true):
      reading.offset += Self.header + bytes.count
      return bytes
    case .part, .frame:
      throw FileProblem("\(name) is damaged at byte \(reading.offset); mend or move it: what it holds was acknowledged")
    }
  }

  private static func bytes(_ fd: Int32, _ offset: Int, _ count: Int, _ name: String) throws(FileProblem) -> [UInt8] {
    var result: [UInt8] = []
    while result.count < count {
      var part = [UInt8](repeating: 0, count: min(count - result.count, 1 << 20))
      let done = pread(fd, &part, part.count, off_t(offset + result.count))
      if done < 0, errno == EINTR { continue }
      guard done >= 0 else { throw FileProblem("read", name) }
      if done == 0 { break }
      result += part[..<done]
    }
    return result
  }

  /// Everything before this place is done with, also for the next run.
  func pass(_ place: Place) throws(RunFailure) {
    try positions.save(["": "\(place.file) \(place.offset)"])
    var freed = 0
    while passed.file < place.file {
      let name = "\(path).\(passed.file)"
      var info = stat()
      if stat(name, &info) == 0 { freed += Int(info.st_size) - passed.offset }
      unlink(name)
      passed = Place(file: passed.file + 1, offset: 0)
    }
    freed += place.offset - passed.offset
    passed = place
    shared.withLock { [freed] in $0.waiting -= freed }
  }
}
