import Glibc

/// Memory of what entries keep aside: blocks of some sizes, cut from larger pieces, that serve again once they are free. All of it
/// goes with this object. One thread has it at a time.
final class StateMemory {
  /// Memory that is held, in bytes, that of free blocks included.
  private(set) var bytes = 0

  /// The last free block of each size: its first word is the address of the one before it.
  private let free: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private var pieces: [UnsafeMutableRawPointer] = []
  /// What is left of the last piece.
  private var next: UnsafeMutableRawPointer?
  private var left = 0
  /// Blocks larger than all sizes, each behind the addresses of the one before and the one behind it.
  private var large: UnsafeMutablePointer<Large>?

  private struct Large {
    var before: UnsafeMutablePointer<Large>?
    var behind: UnsafeMutablePointer<Large>?
  }

  /// 16 to 256 in steps of 16, then 512, 1024, 2048, 4096.
  private static let sizes = 20
  private static let largest = 4096

  init() {
    free = .allocate(capacity: StateMemory.sizes)
    free.initialize(repeating: nil, count: StateMemory.sizes)
  }

  deinit {
    removeAll()
    free.deallocate()
  }

  /// The size of the block for so many bytes.
  @inline(__always)
  static func size(_ bytes: Int) -> Int {
    bytes <= 256
      ? max(16, (bytes + 15) & ~15) : bytes <= largest ? 1 << (Int.bitWidth - (bytes - 1).leadingZeroBitCount) : (bytes + 15) & ~15
  }

  /// The place of a size that `size` gave.
  @inline(__always)
  private static func place(_ size: Int) -> Int { size <= 256 ? size / 16 - 1 : size.trailingZeroBitCount + 7 }

  /// A block of at least so many bytes, aligned to 16; what it holds is of no meaning.
  func allocate(_ wanted: Int) -> UnsafeMutableRawPointer {
    let size = StateMemory.size(wanted)
    guard size <= StateMemory.largest else { return allocateLarge(size) }
    let place = StateMemory.place(size)
    if let block = free[place] {
      free[place] = block.load(as: UnsafeMutableRawPointer?.self)
      return block
    }
    if left < size {
      // Few entries need little; what is left of the last piece stays unused.
      left = min(64 << 10, max(StateMemory.largest, bytes / 4 & ~15))
      let piece = UnsafeMutableRawPointer.allocate(byteCount: left, alignment: 16)
      pieces.append(piece)
      next = piece
      bytes += left
    }
    let block = next!
    next = block + size
    left -= size
    return block
  }

  /// Gives a block back that was asked for with so many bytes.
  func release(_ block: UnsafeMutableRawPointer, _ wanted: Int) {
    let size = StateMemory.size(wanted)
    guard size <= StateMemory.largest else { return releaseLarge(block, size) }
    let place = StateMemory.place(size)
    block.storeBytes(of: free[place], as: UnsafeMutableRawPointer?.self)
    free[place] = block
  }

  private func allocateLarge(_ size: Int) -> UnsafeMutableRawPointer {
    let head = malloc(MemoryLayout<Large>.size + size)!.bindMemory(to: Large.self, capacity: 1)
    head.initialize(to: Large(before: nil, behind: large))
    large?.pointee.before = head
    large = head
    bytes += MemoryLayout<Large>.size + size
    return UnsafeMutableRawPointer(head + 1)
  }

  private func releaseLarge(_ block: UnsafeMutableRawPointer, _ size: Int) {
    let head = block.assumingMemoryBound(to: Large.self) - 1
    head.pointee.behind?.pointee.before = head.pointee.before
    if let before = head.pointee.before { before.pointee.behind = head.pointee.behind } else { large = head.pointee.behind }
    bytes -= MemoryLayout<Large>.size + size
    Glibc.free(head)
  }

  /// Gives all blocks back.
  func removeAll() {
    for piece in pieces { piece.deallocate() }
    while let head = large {
      large = head.pointee.behind
      Glibc.free(head)
    }
    pieces = []
    free.update(repeating: nil, count: StateMemory.sizes)
    (bytes, left) = (0, 0)
  }
}
