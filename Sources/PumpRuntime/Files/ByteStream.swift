internal import CZlib
import Glibc

/// Bytes of a file or pipe, gunzipped where they begin with gzip's mark.
final class ByteStream: @unchecked Sendable {
  let fd: Int32
  let path: String
  private let stop: StopSignal
  private let canBlock: Bool
  private var inflater: UnsafeMutablePointer<z_stream>?
  private var input: UnsafeMutablePointer<UInt8>?
  private static let inputSize = 64 << 10
  /// Bytes of the file that were read, packed ones counted packed.
  private(set) var consumed: Int64 = 0
  private var ended = false

  init(_ fd: Int32, path: String, unpack: Bool, stop: StopSignal) throws(RunFailure) {
    self.fd = fd
    self.path = path
    self.stop = stop
    var status = stat()
    fstat(fd, &status)
    canBlock = status.st_mode & S_IFMT != S_IFREG
    guard status.st_mode & S_IFMT != S_IFDIR else {
      close(fd)
      throw RunFailure(
        "cannot read \(Shape.clean(path)): it is a directory; name a file, or a pattern such as `\(Shape.clean(path))/*.ndjson`")
    }
    guard unpack, !canBlock else { return }
    var mark: [UInt8] = [0, 0]
    guard pread(fd, &mark, 2, 0) == 2, mark == [0x1F, 0x8B] else { return }
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard inflateInit2_(stream, 47, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      throw RunFailure("cannot unpack \(Shape.clean(path))")
    }
    inflater = stream
    input = .allocate(capacity: Self.inputSize)
  }

  deinit {
    if let inflater {
      inflateEnd(inflater)
      inflater.deallocate()
    }
    input?.deallocate()
    if fd > 2 { close(fd) }
  }

  /// Whether the stop signal, not the end of the data, ended the reading.
  private(set) var wasStopped = false

  var isPacked: Bool { inflater != nil }

  private func readSome(_ target: UnsafeMutablePointer<UInt8>, _ capacity: Int) throws(RunFailure) -> Int {
    while true {
      if canBlock, !stop.waitReadable(fd, micros: 100_000) {
        wasStopped = stop.isRequested
        return wasStopped ? 0 : -1
      }
      let count = Glibc.read(fd, target, capacity)
      if count < 0, errno == EINTR || errno == EAGAIN { continue }
      guard count >= 0 else { throw RunFailure(FileProblem("read", path).message) }
      consumed += Int64(count)
      return count
    }
  }

  /// Reads some bytes; 0 at the end, -1 where nothing came for a while.
  func read(_ target: UnsafeMutablePointer<UInt8>, _ capacity: Int) throws(RunFailure) -> Int {
    guard let inflater, let input else { return try readSome(target, capacity) }
    inflater.pointee.next_out = target
    inflater.pointee.avail_out = UInt32(capacity)
    while inflater.pointee.avail_out == UInt32(capacity) {
      if inflater.pointee.avail_in == 0 {
        let count = try readSome(input, Self.inputSize)
        if count <= 0 {
          if count == 0, !ended, !stop.isRequested { throw RunFailure("\(Shape.clean(path)) ends in the middle of its gzip data") }
          return count
        }
        inflater.pointee.next_in = input
        inflater.pointee.avail_in = UInt32(count)
      }
      let code = inflate(inflater, Z_NO_FLUSH)
      guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else {
        throw RunFailure("\(Shape.clean(path)) is no valid gzip data")
      }
      ended = code == Z_STREAM_END
      // Several gzip members in a row are one file.
      if ended, inflater.pointee.avail_in > 0 || inflater.pointee.avail_out == UInt32(capacity) { inflateReset(inflater) }
    }
    return capacity - Int(inflater.pointee.avail_out)
  }
}

/// Splits a stream into lines without copying them: events are slices of one buffer, valid until the next call.
final class LineSplitter: @unchecked Sendable {
  static let chunk = 256 << 10
  private let buffer: UnsafeMutablePointer<UInt8>
  private let capacity: Int
  private let limit: Int
  private var start = 0
  private var end = 0
  /// Offset in the stream of the buffer's first byte.
  private var base: Int64 = 0
  private var discarding = false
  private var atStart = true
  private(set) var line: Int64 = 0
  /// Line numbers of the batch's events.
  private(set) var numbers: [Int64] = []
  private(set) var offsets: [Int64] = []

  init(limit: Int, offset: Int64 = 0) {
    self.limit = limit
    base = offset
    atStart = offset == 0
    capacity = Self.chunk + limit + 2
    buffer = .allocate(capacity: capacity + 64)
    memset(buffer + capacity, 0, 64)
  }

  deinit { buffer.deallocate() }

  /// Where the next line begins.
  var position: Int64 { base + Int64(start) }

  /// Reads on; false at the end. `final` says that the rest without a line end is a line.
  func next(_ stream: ByteStream, _ batch: Batch, final: Bool, meta: (Int64) -> String) throws(RunFailure) -> Bool {
    numbers.removeAll(keepingCapacity: true)
    offsets.removeAll(keepingCapacity: true)
    if start > 0 {
      memmove(buffer, buffer + start, end - start)
      base += Int64(start)
      end -= start
      start = 0
    }
    let count = try stream.read(buffer + end, min(Self.chunk, capacity - end))
    if count < 0 { return true }
    if count == 0 {
      // A line that a stop cut short is not an event.
      guard final, end > start, !stream.wasStopped else { return false }
      if !discarding {
        if end - start > limit { tooLong(end - start, batch, meta) } else { line(start, end, batch) }
      }
      memset(buffer + end, 0, 64)
      start = end
      return true
    }
    end += count
    if atStart, end >= 3 {
      if buffer[0] == 0xEF, buffer[1] == 0xBB, buffer[2] == 0xBF { start = 3 }
      atStart = false
    }
    while start < end, let found = memchr(buffer + start, 0x0A, end - start) {
      let place = UnsafeMutablePointer(found.assumingMemoryBound(to: UInt8.self)) - buffer
      if discarding {
        discarding = false
      } else if place - start > limit {
        tooLong(place - start, batch, meta)
      } else {
        line(start, place, batch)
      }
      start = place + 1
    }
    // A line longer than the limit is never held whole: its beginning is refused, the rest read over.
    if end - start > limit {
      if !discarding { tooLong(end - start, batch, meta) }
      discarding = true
      start = end
    }
    return true
  }

  @inline(__always)
  private func line(_ from: Int, _ to: Int, _ batch: Batch) {
    line += 1
    let stop = to > from && buffer[to - 1] == 0x0D ? to - 1 : to
    guard stop > from else { return }
    batch.append(Text(buffer + from, stop - from))
    numbers.append(line)
    offsets.append(base + Int64(from))
  }

  private func tooLong(_ length: Int, _ batch: Batch, _ meta: (Int64) -> String) {
    line += 1
    let payload = batch.context.arena.copy(Text(buffer + start, min(limit, length)))
    batch.refused.append(
      Failure(
        row: batch.count, step: -1, message: "the line is longer than max_event (\(limit) bytes); its beginning is kept as the payload",
        payload: (payload, meta(line))))
  }
}

/// How often a byte occurs, 16 at a time.
func occurrences(of byte: UInt8, in base: UnsafePointer<UInt8>, _ count: Int) -> Int {
  var total = 0
  var i = 0
  let wanted = SIMD16<UInt8>(repeating: byte)
  while i + 16 <= count {
    var counts = SIMD16<UInt8>.zero
    var rounds = 0
    while i + 16 <= count, rounds < 255 {
      let block = UnsafeRawPointer(base + i).loadUnaligned(as: SIMD16<UInt8>.self)
      counts &+= SIMD16<UInt8>(repeating: 0).replacing(with: 1, where: block .== wanted)
      i += 16
      rounds += 1
    }
    for lane in 0..<16 { total += Int(counts[lane]) }
  }
  while i < count {
    if base[i] == byte { total += 1 }
    i += 1
  }
  return total
}
