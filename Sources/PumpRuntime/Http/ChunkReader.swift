/// Takes a body in chunks apart (RFC 9112, 7.1): bytes go in as they come, those of the body come out.
struct ChunkReader {
  private enum State { case size, extension_, sizeEnd, data, dataEnd, dataFeed, trailer, end }
  private var state = State.size
  private var size = 0
  private var digits = 0
  /// Bytes that are neither data nor its end: extensions and trailers, which are dropped.
  private var spent = 0
  /// The line of trailers under way has bytes; whether a CR stood before.
  private var lineLength = 0
  private var sawReturn = false
  private static let spentLimit = 8192

  var isAtEnd: Bool { state == .end }

  /// Takes bytes from `start` on until the end of the body; gives pieces of it to `take`, which may end it. Returns where the rest
  /// begins.
  mutating func read(
    _ bytes: [UInt8], from start: Int, _ take: (ArraySlice<UInt8>) -> Bool
  ) throws(RequestHead.Problem) -> Int {
    var i = start
    while i < bytes.count, state != .end {
      if state == .data {
        let count = min(size, bytes.count - i)
        size -= count
        if size == 0 { state = .dataEnd }
        i += count
        if !take(bytes[i - count..<i]) { return i }
        continue
      }
      try step(bytes[i])
      i += 1
    }
    return i
  }

  private mutating func step(_ byte: UInt8) throws(RequestHead.Problem) {
    switch (state, byte) {
    case (.size, 0x0D) where digits > 0: state = .sizeEnd
    case (.size, UInt8(ascii: ";")) where digits > 0, (.size, 0x20) where digits > 0, (.size, 0x09) where digits > 0: state = .extension_
    case (.size, _):
      // More digits than this are no size that a body could have.
      guard let value = hexValue(byte), digits < 15 else { throw RequestHead.Problem("a chunk has no size") }
      size = size << 4 | Int(value)
      digits += 1
    case (.extension_, 0x0D): state = .sizeEnd
    case (.extension_, 0x20...), (.extension_, 0x09): try spend()
    case (.sizeEnd, 0x0A):
      state = size == 0 ? .trailer : .data
      digits = 0
    case (.dataEnd, 0x0D): state = .dataFeed
    case (.dataFeed, 0x0A): state = .size
    case (.trailer, 0x0A) where sawReturn:
      if lineLength == 0 { state = .end }
      (lineLength, sawReturn) = (0, false)
    case (.trailer, 0x0D) where !sawReturn: sawReturn = true
    case (.trailer, 0x20...) where !sawReturn, (.trailer, 0x09) where !sawReturn:
      lineLength += 1
      try spend()
    default: throw RequestHead.Problem("the body is not in chunks as its head says")
    }
  }

  private mutating func spend() throws(RequestHead.Problem) {
    spent += 1
    guard spent <= Self.spentLimit else { throw RequestHead.Problem("the chunks have too much beside the body") }
  }
}
