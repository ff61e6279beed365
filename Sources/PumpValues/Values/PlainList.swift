import Glibc

/// A growing list of plain values that one holder has: an `Array` would ask at each append whether it is shared.
/// It goes from thread to thread with its holder.
@frozen public struct PlainList<Element: BitwiseCopyable>: @unchecked Sendable {
  public private(set) var base: UnsafeMutablePointer<Element>
  @usableFromInline var size = 0
  @usableFromInline var capacity: Int

  /// Owned by whoever made it: `release` gives the memory back.
  public init(capacity: Int = 1024) {
    // Without memory there is nothing to go on with; what is there holds nothing but elements.
    base = malloc(capacity * MemoryLayout<Element>.stride)!.assumingMemoryBound(to: Element.self)
    self.capacity = capacity
  }

  public mutating func release() {
    free(base)
    (size, capacity) = (0, 0)
  }

  @inlinable @inline(__always)
  public mutating func append(_ element: Element) {
    if size == capacity { grow() }
    base[size] = element
    size += 1
  }

  @usableFromInline @inline(never)
  mutating func grow() {
    capacity *= 2
    base = realloc(base, capacity * MemoryLayout<Element>.stride)!.assumingMemoryBound(to: Element.self)
  }

  public mutating func removeAll() { size = 0 }

  @inlinable @inline(__always)
  public subscript(index: Int) -> Element {
    get { base[index] }
    set { base[index] = newValue }
  }

  @inlinable @inline(__always) public var count: Int { size }

  /// What is there now.
  public var values: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: base, count: size) }
}
