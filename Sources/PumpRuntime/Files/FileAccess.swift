import Glibc

/// A system call failed; the message names the file and what the system said.
public struct FileProblem: Error, Sendable {
  public let message: String
  public let code: Int32

  init(_ message: String) { (self.message, code) = (message, 0) }

  init(_ what: String, _ path: String, _ code: Int32 = errno) {
    self.code = code
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    let isFolderGone = what == "create" && code == ENOENT && !folder.isEmpty && access(folder, F_OK) != 0
    let why = isFolderGone ? "folder `\(Shape.clean(folder))` is not there" : String(cString: strerror(code))
    message = "cannot \(what) \(Shape.clean(path)): \(why)\(code == ENOENT ? Self.folder(path) : "")"
  }

  /// Where a relative path starts from, for what is not found there.
  static func folder(_ path: String) -> String {
    guard !path.hasPrefix("/"), let current = getcwd(nil, 0) else { return "" }
    defer { free(current) }
    return " (in \(Shape.clean(String(cString: current))))"
  }
}

/// A whole small file; larger ones are refused.
public func readWholeFile(_ path: String, limit: Int) throws(FileProblem) -> [UInt8] {
  let fd = open(path, O_RDONLY | O_CLOEXEC)
  guard fd >= 0 else { throw FileProblem("open", path) }
  defer { close(fd) }
  var result: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 64 << 10)
  while true {
    let count = read(fd, &buffer, buffer.count)
    if count < 0, errno == EINTR { continue }
    guard count >= 0 else { throw FileProblem("read", path) }
    if count == 0 { return result }
    result += buffer[0..<count]
    guard result.count <= limit else { throw FileProblem("read", path, EFBIG) }
  }
}

/// Writes all bytes, however often the system takes less.
func writeAll(_ fd: Int32, _ base: UnsafeRawPointer, _ count: Int, _ path: String) throws(FileProblem) {
  var done = 0
  while done < count {
    let written = write(fd, base + done, count - done)
    if written < 0, errno == EINTR { continue }
    if written < 0, errno == EAGAIN {
      var wait = pollfd(fd: fd, events: Int16(POLLOUT), revents: 0)
      _ = poll(&wait, 1, 1000)
      continue
    }
    guard written >= 0 else { throw FileProblem("write", path) }
    done += written
  }
}
