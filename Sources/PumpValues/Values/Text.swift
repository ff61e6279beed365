import Glibc

/// A slice of bytes owned by someone else: the read buffer, an arena or a literal of the program. Strings and Bytes of
/// events are such slices, so that an event is plain memory and a field that is not changed is never copied.
/// Nobody writes to the bytes as long as a slice of them is used: what it crosses threads with, a batch or a program, owns them.
@frozen public struct Text: @unchecked Sendable {
  public var base: UnsafePointer<UInt8>
  @usableFromInline var size: UInt32
  /// 1: stands in JSON between quotes as it is.
  @usableFromInline var flags: UInt32

  @inlinable @inline(__always)
  public init(_ base: UnsafePointer<UInt8>, _ count: Int, jsonSafe: Bool = false) {
    self.base = base
    size = UInt32(truncatingIfNeeded: count)
    flags = jsonSafe ? 1 : 0
  }

  /// A literal of the program; lives for ever.
  @inlinable @inline(__always)
  public init(_ literal: StaticString) { self.init(literal.utf8Start, literal.utf8CodeUnitCount) }

  @inlinable public init() { self.init(Text.blank, 0, jsonSafe: true) }
  /// Zeros that nobody writes to and nobody frees.
  @usableFromInline nonisolated(unsafe) static let blank: UnsafePointer<UInt8> = {
    let zeros = UnsafeMutablePointer<UInt8>.allocate(capacity: 64)
    zeros.initialize(repeating: 0, count: 64)
    return UnsafePointer(zeros)
  }()

  @inlinable @inline(__always) public var count: Int { Int(size) }
  @inlinable @inline(__always) public var isEmpty: Bool { size == 0 }
  @inlinable @inline(__always) public var jsonSafe: Bool { flags & 1 != 0 }
  @inlinable @inline(__always) public var end: UnsafePointer<UInt8> { base + count }
  @inlinable @inline(__always) public var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: count) }
  @inlinable @inline(__always) public subscript(i: Int) -> UInt8 { base[i] }

  /// A copy as a Swift string; invalid UTF-8 is replaced.
  public var string: String { String(decoding: bytes, as: UTF8.self) }

  /// Part of it; the caller keeps within bounds.
  @inlinable @inline(__always)
  public func slice(_ start: Int, _ length: Int) -> Text { Text(base + start, length, jsonSafe: jsonSafe) }
}

extension Text: Hashable {
  @inlinable @inline(__always)
  public static func == (a: Text, b: Text) -> Bool { a.size == b.size && (a.base == b.base || memcmp(a.base, b.base, a.count) == 0) }

  public func hash(into hasher: inout Hasher) { hasher.combine(bytes: UnsafeRawBufferPointer(bytes)) }

  /// Order by bytes, which for UTF-8 is order by scalars.
  @inlinable public static func < (a: Text, b: Text) -> Bool {
    let order = memcmp(a.base, b.base, min(a.count, b.count))
    return order < 0 || (order == 0 && a.size < b.size)
  }
}

extension Text: Comparable {}

/// Memory for the values of one batch, released all at once. Whoever has the batch has the arena: it is never used by two threads.
public final class Arena: @unchecked Sendable {
  @usableFromInline var next: UnsafeMutableRawPointer
  @usableFromInline var limit: UnsafeMutableRawPointer
  /// Chunks of the usual size, the first of them in use, and those that one larger value has for itself.
  private var chunks: [UnsafeMutableRawPointer] = []
  private var used = 0
  private var larger: [UnsafeMutableRawPointer] = []
  private let chunkSize: Int
  /// Bytes of chunks that are kept for the next batch: allocating them anew costs more than what is done with them.
  private static let kept = 4 << 20

  public init(chunkSize: Int = 64 << 10) {
    self.chunkSize = chunkSize
    // No room at all: the first value makes it grow.
    next = UnsafeMutableRawPointer(bitPattern: 16)!
    limit = next
  }

  /// The buffer in which texts are written before they are copied here; nil while one is.
  @usableFromInline var scratch: ByteBuffer?

  deinit {
    for chunk in chunks + larger { chunk.deallocate() }
    scratch?.release()
  }

  @inlinable func takeScratch() -> ByteBuffer {
    defer { scratch = nil }
    return scratch ?? ByteBuffer(capacity: 256)
  }

  @inlinable func give(scratch buffer: ByteBuffer) {
    var buffer = buffer
    guard scratch == nil, buffer.capacity <= 64 << 10 else { return buffer.release() }
    buffer.count = 0
    scratch = buffer
  }

  /// Uninitialised bytes, aligned to 16, with 64 readable bytes after them. They are of no type yet: each piece is given one by whoever
  /// asked for it, who alone has it.
  @inlinable @inline(__always)
  public func allocate(_ count: Int) -> UnsafeMutableRawPointer {
    let size = (count + 79) & ~15
    if next + size <= limit {
      defer { next += size }
      return next
    }
    return grow(size)
  }

  @usableFromInline func grow(_ size: Int) -> UnsafeMutableRawPointer {
    if size > chunkSize {
      larger.append(.allocate(byteCount: size, alignment: 16))
      return larger[larger.count - 1]
    }
    if used == chunks.count { chunks.append(.allocate(byteCount: chunkSize, alignment: 16)) }
    let chunk = chunks[used]
    used += 1
    next = chunk + size
    limit = chunk + chunkSize
    return chunk
  }

  /// All memory is free again.
  public func reset() {
    for chunk in larger { chunk.deallocate() }
    larger.removeAll()
    let kept = min(chunks.count, max(1, Self.kept / chunkSize))
    for chunk in chunks[kept...] { chunk.deallocate() }
    chunks.removeSubrange(kept...)
    used = 0
    limit = next
  }

  /// A copy with a zero after it: readers of JSON look one byte past a token, and there an earlier batch left its own.
  @inlinable public func copy(_ bytes: UnsafeBufferPointer<UInt8>) -> Text {
    let target = allocate(bytes.count).assumingMemoryBound(to: UInt8.self)
    if bytes.count > 0 { memcpy(target, bytes.baseAddress!, bytes.count) }
    target[bytes.count] = 0
    return Text(target, bytes.count)
  }

  @inlinable public func copy(_ text: Text) -> Text {
    var copy = copy(text.bytes)
    copy.flags = text.flags
    return copy
  }

  public func copy(_ string: String) -> Text {
    var string = string
    return string.withUTF8 { copy($0) }
  }

  /// What the body writes, as text, with a zero after it.
  public func build(_ capacity: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Int) -> Text {
    let target = allocate(capacity).assumingMemoryBound(to: UInt8.self)
    let count = body(target)
    target[count] = 0
    return Text(target, count)
  }
}

/// Why an event failed; it goes the error route with this message.
public struct EventFailure: Error, Sendable {
  public let message: String
  public init(_ message: String) { self.message = message }
}
