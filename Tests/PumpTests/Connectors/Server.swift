import Foundation
import PumpTestSupport

/// A real server, or a stand-in, started by `Tests/Servers/serve` for one test and ended with it.
final class Server: @unchecked Sendable {
  /// What the server said of itself: its port and what clients need.
  let facts: [String: Any]
  private let process = Process()
  private let commands = Pipe()
  private let answers = Pipe()

  struct Problem: Error { let message: String }

  convenience init(_ system: String, _ arguments: String...) throws { try self.init(system, arguments) }

  init(_ system: String, _ arguments: [String]) throws {
    process.executableURL = URL(fileURLWithPath: Support.root + "/Tests/Servers/serve")
    process.arguments = [system] + arguments
    process.standardInput = commands
    process.standardOutput = answers
    try process.run()
    let line = answers.line()
    guard let facts = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] else {
      throw Problem(message: "Tests/Servers/serve \(system): \(line)")
    }
    self.facts = facts
  }

  deinit {
    try? commands.fileHandleForWriting.close()
    process.waitUntilExit()
  }

  var port: String { "\(facts["port"]!)" }
  func text(_ name: String) -> String { facts[name] as! String }

  /// Asks for something, such as `stop`; returns what follows `ok`.
  @discardableResult
  func tell(_ command: String) throws -> String {
    try commands.fileHandleForWriting.write(contentsOf: Data((command + "\n").utf8))
    let answer = answers.line()
    guard answer.hasPrefix("ok") else { throw Problem(message: "\(command): \(answer)") }
    return answer.dropFirst(2).trimmingCharacters(in: .whitespaces)
  }
}

extension Pipe {
  /// The next line, or what is left.
  func line() -> String {
    var bytes = Data()
    while let next = try? fileHandleForReading.read(upToCount: 1), let byte = next.first, byte != 0x0A { bytes.append(byte) }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// A program in a folder of its own, run by `pumpc run` or built.
final class TestProgram {
  let folder: String
  private var process: Process?
  private let arguments: [String]
  private let environment: [String: String]

  init(_ spec: String, files: [String: String] = [:], settings: [String] = [], environment: [String: String] = [:]) throws {
    folder = try Support.temporaryFolder()
    self.environment = environment
    arguments = settings.flatMap { ["--set", $0] }
    for (name, text) in files.merging(["main.pump": spec], uniquingKeysWith: { $1 }) {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    }
  }

  deinit {
    kill(SIGKILL)
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// Runs to the end, at most for so many seconds.
  func run(seconds: Double = 120) throws -> Support.Outcome {
    try start()
    return try end(seconds: seconds)
  }

  /// By `pumpc run`, or what was built of it. The first run with a connector compiles it: time counts from the program's own start.
  func start(executable: String? = nil) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: executable ?? "\(Support.products)/pumpc")
    process.arguments = executable == nil ? ["run"] + arguments + [folder] : arguments
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    _ = FileManager.default.createFile(atPath: "\(folder)/err.log", contents: nil)
    process.standardError = FileHandle(forWritingAtPath: "\(folder)/err.log")
    process.standardOutput = process.standardError
    process.standardInput = FileHandle.nullDevice
    try process.run()
    self.process = process
    let end = Date(timeIntervalSinceNow: 600)
    while executable == nil, process.isRunning, Date() < end, executes("pumpc") { usleep(10_000) }
  }

  /// Whether the process has not become another program yet.
  private func executes(_ name: String) -> Bool {
    let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process!.processIdentifier)/exe")
    return path?.hasSuffix("/\(name)") == true
  }

  var log: String { read("err.log") }
  func read(_ name: String) -> String { (try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)) ?? "" }
  func lines(_ name: String) -> [String] { read(name).split(separator: "\n").map(String.init) }

  /// Waits until something holds; false after so many seconds.
  func wait(seconds: Double = 90, until holds: () throws -> Bool) rethrows -> Bool {
    let end = Date(timeIntervalSinceNow: seconds)
    while Date() < end {
      if try holds() { return true }
      usleep(50_000)
    }
    return try holds()
  }

  func kill(_ signal: Int32) {
    if let process, process.isRunning { Foundation.kill(process.processIdentifier, signal) }
    if signal == SIGKILL { process?.waitUntilExit() }
  }

  /// Waits for the end; kills what does not come to one.
  func end(seconds: Double = 60) throws -> Support.Outcome {
    if !wait(seconds: seconds, until: { !process!.isRunning }) {
      kill(SIGKILL)
      throw Server.Problem(message: "still running after \(seconds) s: \(log)")
    }
    let code = process!.terminationReason == .uncaughtSignal ? 1000 + process!.terminationStatus : process!.terminationStatus
    return Support.Outcome(code: code, out: "", err: log)
  }

  /// SIGTERM, and then the end.
  func stop() throws -> Support.Outcome {
    kill(SIGTERM)
    return try end()
  }
}

extension TestProgram {
  /// What the status page says at a path; it must be asked for by `general.metrics=127.0.0.1:0`.
  func page(_ path: String) -> String {
    guard let line = lines("err.log").first(where: { $0.contains("status page on port ") }),
      let port = line.split(separator: "status page on port ").last?.prefix(while: \.isNumber)
    else { return "" }
    return (try? Support.run("/usr/bin/curl", ["-s", "http://127.0.0.1:\(port)\(path)"]).out) ?? ""
  }

  /// A number of the status page, summed over the lines whose labels hold a text; nil where there is none.
  func metric(_ name: String, _ label: String = "{") -> Int? {
    let lines = page("/metrics").split(separator: "\n").filter { $0.hasPrefix(name + "{") && $0.contains(label) }
    return lines.isEmpty ? nil : lines.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }.reduce(0, +)
  }

  /// Appends to a file, which its reader follows.
  func append(_ text: String, to name: String) throws {
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: "\(folder)/\(name)"))
    defer { try? file.close() }
    try file.seekToEnd()
    try file.write(contentsOf: Data(text.utf8))
  }
}

/// Orders as NDJSON, with numbers from 1 on.
func orders(_ count: Int, from first: Int = 1) -> String {
  (first..<first + count).map { "{\"id\":\($0),\"customer\":\"cust-\($0 % 97)\",\"amount\":\($0 % 1000).25}\n" }.joined()
}
