internal import CZlib

/// Bodies that are packed as `Content-Encoding: gzip` says (RFC 1952).
public enum Gzip {
  public enum Problem: Error {
    case broken
    /// The bytes would be more than they may.
    case tooLong
  }

  /// Unpacks any number of members in a row.
  public static func unpack(_ packed: [UInt8], limit: Int) throws(Problem) -> [UInt8] {
    var stream = z_stream()
    // 15 bits of window, and gzip's frame alone.
    guard inflateInit2_(&stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { throw .broken }
    defer { inflateEnd(&stream) }
    var out: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 << 10)
    var input = packed
    var used = 0
    while true {
      var code: Int32 = Z_OK
      var made = 0
      input.withUnsafeMutableBufferPointer { bytes in
        piece.withUnsafeMutableBufferPointer { piece in
          stream.next_in = bytes.baseAddress.map { $0 + used }
          stream.avail_in = UInt32(clamping: bytes.count - used)
          stream.next_out = piece.baseAddress
          stream.avail_out = UInt32(piece.count)
          let given = Int(stream.avail_in)
          code = inflate(&stream, Z_NO_FLUSH)
          used += given - Int(stream.avail_in)
          made = piece.count - Int(stream.avail_out)
        }
      }
      guard code == Z_OK || code == Z_STREAM_END else { throw .broken }
      guard out.count + made <= limit else { throw .tooLong }
      out += piece[..<made]
      guard code == Z_STREAM_END else { continue }
      if used == packed.count { return out }
      inflateReset(&stream)
    }
  }

  /// Adds one member, packed fast; false if there is no memory for it.
  public static func pack(_ bytes: UnsafeBufferPointer<UInt8>, into out: inout ByteBuffer) -> Bool {
    var stream = z_stream()
    guard deflateInit2_(&stream, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
      return false
    }
    defer { deflateEnd(&stream) }
    let bound = Int(deflateBound(&stream, UInt(bytes.count)))
    out.reserve(bound)
    stream.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress)
    stream.avail_in = UInt32(bytes.count)
    stream.next_out = out.base + out.count
    stream.avail_out = UInt32(bound)
    guard deflate(&stream, Z_FINISH) == Z_STREAM_END else { return false }
    out.count += Int(stream.total_out)
    return true
  }
}
