// C's `stdout` is a variable; only `finished` uses it here, when no other thread prints any more.
@preconcurrency import Glibc

/// The exit code of a program that has printed: 1 in place of 0 if standard output has not taken all of it.
public func finished(_ code: Int32) -> Int32 {
  errno = 0
  guard fflush(stdout) != 0 || ferror(stdout) != 0 else { return code }
  let reason = errno == 0 ? "not all of it could be written" : String(cString: strerror(errno))
  let message = "error: standard output: \(reason)\n"
  _ = write(2, message, message.utf8.count)
  return code == 0 ? 1 : code
}
