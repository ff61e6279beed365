internal import CZlib
import Glibc

/// Bytes of a file or pipe, gunzipped where they begin with gzip's mark.
final class ByteStream {
  let fd: Int32
  let path: String
  private let stop: StopSignal
  private let canBlock: Bool
  /// This object's own, where the file is packed: zlib keeps the address of its state.
  private var inflater: UnsafeMutablePointer<z_stream>?
  private var input: UnsafeMutablePointer<UInt8>?
  private static let inputSize = 64 << 10
  /// Bytes of the file that were read, packed ones counted packed.
  private(set) var consumed: Int64 = 0
  /// A gzip member has ended, and no other has begun.
  private var ended = false

  init(_ fd: Int32, path: String, unpack: Bool, stop: StopSignal) throws(RunFailure) {
    self.fd = fd
    self.path = path
    self.stop = stop
    var status = stat()
    fstat(fd, &status)
    canBlock = status.st_mode & S_IFMT != S_IFREG
    // `deinit` closes the file, also where this throws.
    guard status.st_mode & S_IFMT != S_IFDIR else {
      throw RunFailure(
        "cannot read \(Shape.clean(path)): it is a directory; name a file, or a pattern such as `\(Shape.clean(path))/*.ndjson`")
    }
    guard unpack, !canBlock else { return }
    var mark: [UInt8] = [0, 0]
    guard pread(fd, &mark, 2, 0) == 2, mark == [0x1F, 0x8B] else { return }
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard inflateInit2_(stream, 47, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      stream.deallocate()
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
      if ended { skipZeros(inflater) }
      if inflater.pointee.avail_in == 0 {
        let count = try readSome(input, Self.inputSize)
        if count <= 0 {
          if count == 0, !ended, !wasStopped { throw RunFailure("\(Shape.clean(path)) ends in the middle of its gzip data") }
          return count
        }
        inflater.pointee.next_in = input
        inflater.pointee.avail_in = UInt32(count)
        continue
      }
      // Several gzip members in a row are one file.
      if ended {
        inflateReset(inflater)
        ended = false
      }
      let code = inflate(inflater, Z_NO_FLUSH)
      guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else {
        throw RunFailure("\(Shape.clean(path)) is no valid gzip data from byte \(consumed - Int64(inflater.pointee.avail_in)) on")
      }
      ended = code == Z_STREAM_END
    }
    return capacity - Int(inflater.pointee.avail_out)
  }

  /// Tapes and some tools fill the last block with zeros, which gzip and Python pass over.
  private func skipZeros(_ inflater: UnsafeMutablePointer<z_stream>) {
    while inflater.pointee.avail_in > 0, inflater.pointee.next_in.pointee == 0 {
      inflater.pointee.next_in += 1
      inflater.pointee.avail_in -= 1
    }
  }
}
