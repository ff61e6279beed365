import Glibc

/// Where the files are that had a name before. Log rotation renames them within their folder, or copies and cuts them.
enum Rotation {
  /// The file that a position was taken of, under the name that it has now.
  static func renamed(_ position: FilePosition, from path: String) -> String? {
    entries(beside: path).first { $0.status.st_ino == position.number && fits(position, $0.path) }?.path
  }

  /// A copy of what a file held before it was cut: named after it, and the same up to the position.
  static func copy(_ position: FilePosition, of path: String) -> String? {
    guard position.offset > 0, position.offset < .max else { return nil }
    return entries(beside: path).filter { $0.isNamedAfter(path) && $0.status.st_ino != position.number && fits(position, $0.path) }
      .max { $0.modified < $1.modified }?.path
  }

  /// Files that had the name after one and before the one that has it now, the oldest first: they were written after it,
  /// and are named after it.
  static func missed(_ path: String, after old: FilePosition, modified: Int64, except known: Set<FileIdentity>) -> [String] {
    entries(beside: path).filter {
      $0.path != path && $0.isNamedAfter(path) && $0.modified >= modified && !known.contains(FileIdentity($0.status))
        && !$0.isPacked && !(old.offset > 0 && fits(old, $0.path))
    }.sorted { $0.modified < $1.modified }.map(\.path)
  }

  /// When a file was last written to, in nanoseconds since 1970.
  static func modified(_ fd: Int32) -> Int64 {
    var status = stat()
    fstat(fd, &status)
    return nanos(status)
  }

  private static func nanos(_ status: stat) -> Int64 { Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec) }

  private struct Entry {
    let path: String
    let status: stat
    var modified: Int64 { nanos(status) }

    /// `a.log.1`, `a.log-20260102`.
    func isNamedAfter(_ other: String) -> Bool {
      guard path.hasPrefix(other) else { return false }
      return [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_")].contains(path.utf8.dropFirst(other.utf8.count).first)
    }

    var isPacked: Bool {
      let fd = open(path, O_RDONLY | O_CLOEXEC)
      guard fd >= 0 else { return true }
      defer { close(fd) }
      var mark: [UInt8] = [0, 0]
      return pread(fd, &mark, 2, 0) == 2 && mark == [0x1F, 0x8B]
    }
  }

  private static func fits(_ position: FilePosition, _ path: String) -> Bool {
    let fd = open(path, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { return false }
    defer { close(fd) }
    return position.fits(fd)
  }

  /// The regular files in the folder of a path.
  private static func entries(beside path: String) -> [Entry] {
    let slash = path.lastIndex(of: "/")
    let prefix = slash.map { String(path[...$0]) } ?? ""
    guard let folder = opendir(prefix.isEmpty ? "." : prefix) else { return [] }
    defer { closedir(folder) }
    var result: [Entry] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      var status = stat()
      guard stat(prefix + name, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { continue }
      result.append(Entry(path: prefix + name, status: status))
    }
    return result
  }
}
