import Glibc

/// How far a file was read, and which file that was: its number in its file system, which another file may have later, and
/// a hash of its beginning. As text: offset, number, bytes hashed, hash.
struct FilePosition {
  /// Where what was read ends; `Int64.max` where all of it was.
  let offset: Int64
  let number: UInt64
  private let size: Int
  private let hash: UInt64

  private static let most = 256

  init(_ fd: Int32, _ number: UInt64, offset: Int64) {
    (self.offset, self.number) = (offset, number)
    (size, hash) = Self.beginning(fd, Int(min(offset, Int64(Self.most))))
  }

  init?(_ text: String) {
    let parts = text.split(separator: " ")
    guard parts.count == 4, let offset = Int64(parts[0]), let number = UInt64(parts[1]), let size = Int(parts[2]), size <= Self.most,
      size >= 0, let hash = UInt64(parts[3], radix: 16)
    else { return nil }
    (self.offset, self.number, self.size, self.hash) = (offset, number, size, hash)
  }

  var text: String { "\(offset) \(number) \(size) \(String(hash, radix: 16))" }

  /// Whether an open file begins as that one did, and still has what was read.
  func fits(_ fd: Int32) -> Bool {
    var status = stat()
    fstat(fd, &status)
    return Self.beginning(fd, size) == (size, hash) && (offset == .max || offset <= Int64(status.st_size))
  }

  private static func beginning(_ fd: Int32, _ size: Int) -> (Int, UInt64) {
    var bytes = [UInt8](repeating: 0, count: size)
    let count = max(0, pread(fd, &bytes, size, 0))
    return (count, bytes.prefix(count).fnv1a)
  }
}
