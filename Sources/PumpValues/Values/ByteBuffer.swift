import Glibc

/// A growing buffer of bytes that formats write to without checks: room is reserved once for each piece.
/// One holder has it at a time, which may be on another thread than the one before.
@frozen public struct ByteBuffer: @unchecked Sendable {
  public var base: UnsafeMutablePointer<UInt8>
  public var count: Int
  public var capacity: Int

  /// Owned by whoever made it: `release` gives the memory back.
  public init(capacity: Int = 4096) {
    // Without memory there is nothing to go on with; what is there holds nothing but bytes.
    base = malloc(capacity)!.assumingMemoryBound(to: UInt8.self)
    count = 0
    self.capacity = capacity
  }

  /// Over memory of somebody else's, which must not have to grow.
  @inlinable init(_ memory: UnsafeMutableRawPointer, capacity: Int) {
    base = memory.assumingMemoryBound(to: UInt8.self)
    count = 0
    self.capacity = capacity
  }

  public mutating func release() {
    free(base)
    capacity = 0
  }

  @inlinable @inline(__always)
  public mutating func reserve(_ size: Int) {
    if count + size > capacity { grow(size) }
  }

  @usableFromInline @inline(never)
  mutating func grow(_ size: Int) {
    let wanted = max(capacity * 2, count + size + 64)
    // Large ones are not copied: their pages get new addresses.
    base = realloc(base, wanted)!.assumingMemoryBound(to: UInt8.self)
    capacity = wanted
  }

  @inlinable @inline(__always)
  public mutating func byte(_ byte: UInt8) {
    reserve(1)
    base[count] = byte
    count += 1
  }

  /// Text of the program, as it is.
  @inlinable @inline(__always)
  public mutating func raw(_ text: StaticString) { raw(text.utf8Start, text.utf8CodeUnitCount) }

  @inlinable @inline(__always)
  public mutating func raw(_ text: Text) { raw(text.base, text.count) }

  @inlinable @inline(__always)
  public mutating func raw(_ source: UnsafePointer<UInt8>, _ size: Int) {
    reserve(size + 16)
    memcpy(base + count, source, size)
    count += size
  }

  /// Apart from `raw`, which a literal would otherwise reach as a `String`.
  public mutating func text(_ string: String) {
    var string = string
    string.withUTF8 { if $0.count > 0 { raw($0.baseAddress!, $0.count) } }
  }

  public var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: base, count: count) }
  public var string: String { String(decoding: bytes, as: UTF8.self) }
}

/// Text that a function makes, written into a scratch buffer and copied to the arena.
@inlinable package func makeText(_ arena: Arena, _ body: (inout ByteBuffer) -> Void) -> Text {
  var buffer = arena.takeScratch()
  body(&buffer)
  let text = arena.copy(buffer.bytes)
  arena.give(scratch: buffer)
  return text
}

/// The same of a number and the like: it is short, stays where it is written, and needs no escapes in JSON.
@inlinable func makeNumber(_ arena: Arena, upTo size: Int, _ body: (inout ByteBuffer) -> Void) -> Text {
  var buffer = ByteBuffer(arena.allocate(size), capacity: size)
  body(&buffer)
  return Text(buffer.base, buffer.count, jsonSafe: true)
}
