import Glibc

/// One file that is read: its stream, cut into events, and what tells it from another that has or had its name.
final class SourceFile {
  /// The name that it is read under, which may be another's by now.
  let path: String
  let identity: FileIdentity
  let stream: ByteStream
  let splitter: LineSplitter
  /// How far it was read, where that is durable or on the way to be.
  private(set) var mark: FilePosition
  /// When something came of it last.
  private(set) var touched = currentMicros()
  /// When its name was seen to have another file.
  private var replaced = Int64.max
  /// A copy that nobody writes to any more.
  var isStatic = false
  private var seen: stat

  /// Opens a file where it was left. `name` is where it lies, if not under its own.
  init(
    _ path: String, at known: FilePosition? = nil, name: String? = nil, unpacks: Bool, framing: Framing, stop: StopSignal, limit: Int
  ) throws(RunFailure) {
    self.path = path
    stream = try SourceFile.stream(name ?? path, unpacks, stop)
    seen = stat()
    fstat(stream.fd, &seen)
    identity = FileIdentity(seen)
    // Packed files have no place to go on from.
    guard var place = known?.place, place.offset > 0, !stream.isPacked, lseek(stream.fd, off_t(place.offset), SEEK_SET) >= 0 else {
      splitter = LineSplitter(limit: limit, framing: framing)
      mark = FilePosition(stream.fd, identity.number, at: splitter.position)
      return
    }
    if place.line == 0 { place.line = try SourceFile.lines(stream.fd, place.offset) + 1 }
    if place.record == 0 { place.record = place.line }
    let header = framing.hasHeader ? try SourceFile.header(name ?? path, framing, limit, stop) : nil
    splitter = LineSplitter(limit: limit, framing: framing, at: place, header: header)
    // There is a place because something was known.
    mark = known!
  }

  private static func stream(_ path: String, _ unpack: Bool, _ stop: StopSignal) throws(RunFailure) -> ByteStream {
    var named = stat()
    // A named pipe is opened without waiting for its writer; reading does that, and heeds the stop.
    let isPipe = stat(path, &named) == 0 && named.st_mode & S_IFMT == S_IFIFO
    let fd = open(path, O_RDONLY | O_CLOEXEC | (isPipe ? O_NONBLOCK : 0))
    guard fd >= 0 else { throw RunFailure(FileProblem("open", path).message) }
    return try ByteStream(fd, path: path, unpack: unpack, stop: stop)
  }

  /// The header of a file that is not read from its beginning.
  private static func header(_ path: String, _ framing: Framing, _ limit: Int, _ stop: StopSignal) throws(RunFailure) -> Header? {
    let stream = try stream(path, false, stop)
    let splitter = LineSplitter(limit: limit, framing: framing)
    let batch = Batch()
    while splitter.header == nil, try splitter.next(stream, batch, final: true, meta: { _ in "" }) { batch.clear() }
    return splitter.header
  }

  /// Line feeds before an offset.
  private static func lines(_ fd: Int32, _ offset: Int64) throws(RunFailure) -> Int64 {
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    var total: Int64 = 0
    var at: Int64 = 0
    while at < offset {
      let count = pread(fd, &bytes, Int(min(Int64(bytes.count), offset - at)), off_t(at))
      guard count > 0 else { break }
      total += Int64(bytes.withUnsafeBufferPointer { occurrences(of: 0x0A, in: $0.baseAddress!, count) })
      at += Int64(count)
    }
    return total
  }

  /// The next events; false at the end.
  func read(_ batch: Batch, final: Bool, meta: (LineSplitter.Place) -> String) throws(RunFailure) -> Bool {
    let goesOn = try splitter.next(stream, batch, final: final, meta: meta)
    if goesOn { touched = currentMicros() }
    return goesOn
  }

  /// The event of joined lines that waits for the next line, where none came for so long, in microseconds; false if there is none.
  func readWaiting(_ batch: Batch, after time: Int64, meta: (LineSplitter.Place) -> String) -> Bool {
    currentMicros() - touched >= time && splitter.takeWaiting(batch, meta: meta)
  }

  /// Another file has its name; its writer may add to it for a while yet.
  func wasReplaced() { replaced = currentMicros() }

  /// Whether nothing was written to it for so long, in microseconds, since it was replaced.
  func isQuiet(for time: Int64) -> Bool {
    // What was written long ago may have been read only now.
    let written = min(touched, Rotation.modified(stream.fd) / 1000)
    return isStatic || (replaced < .max && currentMicros() - max(replaced, written) >= time)
  }

  /// Everything that was read is after the mark. Of packed files nothing is, before all is.
  func moveMark() {
    if !stream.isPacked { mark = FilePosition(stream.fd, identity.number, at: splitter.position) }
  }

  /// It is done, whatever its size.
  func finish() {
    var place = splitter.position
    place.offset = .max
    mark = FilePosition(stream.fd, identity.number, at: place)
  }

  /// Whether it was cut, or written anew from its beginning, since it was last looked at.
  func isRewritten() -> Bool {
    var status = stat()
    fstat(stream.fd, &status)
    defer { seen = status }
    let isSame =
      status.st_size == seen.st_size && status.st_mtim.tv_sec == seen.st_mtim.tv_sec && status.st_mtim.tv_nsec == seen.st_mtim.tv_nsec
    guard !isSame, !stream.isPacked else { return false }
    return Int64(status.st_size) < mark.offset + Int64(splitter.unfinished) || !mark.fits(stream.fd)
  }
}
