import Glibc

/// Which file a name means: its number in its file system, which another file may have later.
struct FileIdentity: Hashable {
  let device: UInt64
  let number: UInt64

  init(_ status: stat) { (device, number) = (UInt64(status.st_dev), UInt64(status.st_ino)) }

  /// Nil if there is none of that name.
  init?(of path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }
}

/// How far a file was read, and which file that was: its number in its file system, and what stands at its beginning and
/// before the position. As text: offset, number, bytes hashed, hash, then the hash of those before the offset, line and
/// record there; the last three were not kept by earlier versions.
struct FilePosition {
  /// Where what was read ends; `Int64.max` where all of it was.
  var offset: Int64 { place.offset }
  let place: LineSplitter.Place
  let number: UInt64
  private let size: Int
  private let hash: UInt64
  private let last: UInt64?

  private static let most = 256

  init(_ fd: Int32, _ number: UInt64, at place: LineSplitter.Place) {
    (self.place, self.number) = (place, number)
    (size, hash) = Self.hash(fd, 0, Int(min(place.offset, Int64(Self.most))))
    last = place.offset == .max ? nil : Self.hash(fd, max(0, place.offset - Int64(Self.most)), size).hash
  }

  init?(_ text: String) {
    let parts = text.split(separator: " ")
    guard parts.count == 4 || parts.count == 7, let offset = Int64(parts[0]), let number = UInt64(parts[1]), let size = Int(parts[2]),
      size <= Self.most, size >= 0, let hash = UInt64(parts[3], radix: 16)
    else { return nil }
    (self.number, self.size, self.hash) = (number, size, hash)
    guard parts.count == 7 else {
      (place, last) = (LineSplitter.Place(line: 0, record: 0, offset: offset), nil)
      return
    }
    last = UInt64(parts[4], radix: 16)
    place = LineSplitter.Place(line: Int64(parts[5]) ?? 0, record: Int64(parts[6]) ?? 0, offset: offset)
  }

  var text: String {
    "\(offset) \(number) \(size) \(String(hash, radix: 16)) \(last.map { String($0, radix: 16) } ?? "-") \(place.line) \(place.record)"
  }

  /// Whether an open file still has what was read, as it was.
  func fits(_ fd: Int32) -> Bool {
    var status = stat()
    fstat(fd, &status)
    guard offset == .max || offset <= Int64(status.st_size), Self.hash(fd, 0, size) == (size, hash) else { return false }
    return last == nil || Self.hash(fd, max(0, offset - Int64(Self.most)), size).hash == last
  }

  private static func hash(_ fd: Int32, _ offset: Int64, _ size: Int) -> (size: Int, hash: UInt64) {
    var bytes = [UInt8](repeating: 0, count: size)
    let count = max(0, pread(fd, &bytes, size, off_t(offset)))
    return (count, bytes.prefix(count).fnv1a)
  }
}
