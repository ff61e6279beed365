import Glibc

/// Wakes a thread that waits for descriptors.
public final class Bell: Sendable {
  private let pipe: (read: Int32, write: Int32)
  /// Can be read once it was rung.
  public var descriptor: Int32 { pipe.read }

  public init() {
    var ends: [Int32] = [0, 0]
    _ = Glibc.pipe(&ends)
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    pipe = (ends[0], ends[1])
  }

  deinit {
    close(pipe.read)
    close(pipe.write)
  }

  public func ring() {
    var byte: UInt8 = 1
    _ = Glibc.write(pipe.write, &byte, 1)
  }

  public func clear() {
    var bytes = [UInt8](repeating: 0, count: 256)
    while Glibc.read(pipe.read, &bytes, bytes.count) == bytes.count {}
  }
}
