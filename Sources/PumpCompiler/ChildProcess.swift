import Foundation
import Glibc
import Synchronization

/// The one program that a build runs at a time. It ends with us: what a signal stops has its compiler stopped too, however many
/// processes that has started in groups of their own.
enum ChildProcess {
  /// What it printed, on either stream, and how it ended: its exit code, or 128 and the number of its signal.
  struct Outcome {
    let output: String
    let code: Int32
  }

  /// A signal told us to end.
  struct Stopped: Error { let signal: Int32 }

  private static let stop = Atomic<Int32>(0)

  /// Runs a command, which is looked for in PATH; `folder` is where it starts.
  static func run(_ words: [String], folder: String?) throws -> Outcome {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw startProblem(errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[0]) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    for fd in [Int32(1), 2] { posix_spawn_file_actions_adddup2(&actions, ends[1], fd) }
    // A spec can be written so that its Swift takes any amount of memory: a command gets 12 GiB, and no more.
    let script = "cd -- \"$1\" && shift && ulimit -v 12582912; exec \"$@\""
    var arguments = (["sh", "-c", script, "sh", folder ?? "."] + words).map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var pid = pid_t()
    let old = listen()
    defer { restore(old) }
    let code = posix_spawn(&pid, "/bin/sh", &actions, nil, &arguments, environ)
    close(ends[1])
    guard code == 0 else { throw startProblem(code) }
    let output = readAll(ends[0])
    if stop.load(ordering: .relaxed) != 0 { end(pid) }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR { if stop.load(ordering: .relaxed) != 0 { end(pid) } }
    let signal = stop.load(ordering: .relaxed)
    guard signal == 0 else { throw Stopped(signal: signal) }
    return Outcome(output: output, code: status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F)
  }

  private static func startProblem(_ code: Int32) -> BuildProblem {
    BuildProblem(message: "no shell can be started: \(String(cString: strerror(code)))\(filesHelp)")
  }

  /// What would help where too few files may be open for a build; empty otherwise.
  static var filesHelp: String {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(UInt32(RLIMIT_NOFILE.rawValue)), &limit)
    return limit.rlim_cur < 256 ? "\n  help: only \(limit.rlim_cur) files may be open at once, a build needs 256: `ulimit -n 256`" : ""
  }

  /// To the end, or to a signal.
  private static func readAll(_ fd: Int32) -> String {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while stop.load(ordering: .relaxed) == 0 {
      let count = read(fd, &buffer, buffer.count)
      if count > 0 { bytes += buffer[..<count] } else if count == 0 || errno != EINTR { break }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  // MARK: Signals

  private static let signals = [SIGINT, SIGTERM, SIGHUP]

  /// Signals interrupt what waits from here on; one that whoever started us ignores stays ignored.
  private static func listen() -> [sigaction] {
    // Whoever started us may have blocked them.
    var mask = sigset_t()
    sigemptyset(&mask)
    for number in signals { sigaddset(&mask, number) }
    defer { pthread_sigmask(SIG_UNBLOCK, &mask, nil) }
    return signals.map { number in
      var old = sigaction()
      sigaction(number, nil, &old)
      // Swift does not compare functions of C; as numbers, of the same size, it does.
      guard unsafeBitCast(old.__sigaction_handler.sa_handler, to: Int.self) != unsafeBitCast(SIG_IGN, to: Int.self) else { return old }
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { ChildProcess.stop.store($0, ordering: .relaxed) }
      sigaction(number, &action, nil)
      return old
    }
  }

  private static func restore(_ old: [sigaction]) {
    for (number, action) in zip(signals, old) {
      var action = action
      sigaction(number, &action, nil)
    }
  }

  /// Ends a process and all that it has started.
  private static func end(_ pid: pid_t) {
    var parents: [(pid: pid_t, parent: pid_t)] = []
    for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
      guard let pid = pid_t(name), let line = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8),
        // The name in parentheses may hold anything.
        let close = line.lastIndex(of: ")"), let parent = line[line.index(after: close)...].split(separator: " ").dropFirst().first
      else { continue }
      parents.append((pid, pid_t(parent) ?? 0))
    }
    var ended = [pid]
    var next = 0
    while next < ended.count {
      ended += parents.filter { $0.parent == ended[next] }.map(\.pid)
      next += 1
    }
    for pid in ended { kill(pid, SIGKILL) }
  }
}

/// Folders and files that a build works in; their names end in the number of its process.
enum WorkFolders {
  /// Removes those of builds that were killed.
  static func clean(_ folder: String, prefixes: [String] = [""]) {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
      guard prefixes.contains(where: name.hasPrefix), let dash = name.lastIndex(of: "-"), dash != name.startIndex,
        let pid = pid_t(name[name.index(after: dash)...]), pid > 1, kill(pid, 0) != 0, errno == ESRCH
      else { continue }
      try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
    }
  }
}
