import Foundation

/// Where things are, and small helpers that many tests use.
public enum Support {
  public static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path
  /// The folder of the products that were built with the tests.
  public static let products = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent().path
  /// The Python that has the drivers, as Tests/Servers/install made it.
  public static let python: String = {
    let environment = ProcessInfo.processInfo.environment
    let cache = environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
    return (environment["PUMP_TESTS_VENV"] ?? "\(cache)/pump-tests/venv") + "/bin/python"
  }()
  public static let updatesGolden = ProcessInfo.processInfo.environment["PUMP_UPDATE_GOLDEN"] != nil

  public static func temporaryFolder() throws -> String {
    let path = NSTemporaryDirectory() + "pump-tests-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return path
  }

  /// Compares with a file of `Tests/Golden`, or writes it where that was asked for.
  public static func expectGolden(_ name: String, _ text: String) throws { try expectFile("Tests/Golden/\(name)", text) }

  /// The same with any file of the repository.
  public static func expectFile(_ name: String, _ text: String) throws {
    let path = "\(root)/\(name)"
    if updatesGolden {
      try FileManager.default.createDirectory(
        atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }
    let kept = FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    if kept != text { throw GoldenDiffers(name: name, text: text) }
  }

  /// What a test gave is not what its golden file holds; `PUMP_UPDATE_GOLDEN=1` rewrites it.
  public struct GoldenDiffers: Error {
    public let name: String
    public let text: String
  }

  public struct Outcome {
    public let code: Int32
    public let out: String
    public let err: String

    public init(code: Int32, out: String, err: String) { (self.code, self.out, self.err) = (code, out, err) }
  }

  /// Runs a product, or any program by its full path.
  public static func run(
    _ program: String, _ arguments: [String], folder: String? = nil, input: String? = nil, environment: [String: String] = [:]
  ) throws -> Outcome {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program.hasPrefix("/") ? program : "\(products)/\(program)")
    process.arguments = arguments
    if let folder { process.currentDirectoryURL = URL(fileURLWithPath: folder) }
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let scratch = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    // Files, not pipes: neither side can wait for the other.
    for name in ["out", "err"] { _ = FileManager.default.createFile(atPath: "\(scratch)/\(name)", contents: nil) }
    _ = FileManager.default.createFile(atPath: "\(scratch)/in", contents: Data((input ?? "").utf8))
    process.standardInput = FileHandle(forReadingAtPath: "\(scratch)/in")
    process.standardOutput = FileHandle(forWritingAtPath: "\(scratch)/out")
    process.standardError = FileHandle(forWritingAtPath: "\(scratch)/err")
    try process.run()
    // What hangs ends a test, not the whole run's time.
    let end = Date(timeIntervalSinceNow: 900)
    while process.isRunning, Date() < end { usleep(2000) }
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    let code = process.terminationReason == .uncaughtSignal ? 1000 + process.terminationStatus : process.terminationStatus
    func text(_ name: String) -> String {
      String(decoding: FileManager.default.contents(atPath: "\(scratch)/\(name)") ?? Data(), as: UTF8.self)
    }
    return Outcome(code: code, out: text("out"), err: text("err"))
  }

  /// A generator of test data that gives the same for the same seed.
  public struct Random: RandomNumberGenerator {
    public var state: UInt64
    public init(_ seed: UInt64) { state = seed }
    public mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }

    /// A text with some of its bytes changed, taken out or doubled.
    public mutating func changed(_ text: String) -> [UInt8] {
      var bytes = Array(text.utf8)
      for _ in 0..<Int.random(in: 1...8, using: &self) where !bytes.isEmpty {
        let place = Int.random(in: 0..<bytes.count, using: &self)
        switch Int.random(in: 0..<3, using: &self) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &self)
        case 1: bytes.remove(at: place)
        default: bytes.insert(contentsOf: bytes[place...].prefix(20), at: place)
        }
      }
      return bytes
    }
  }

  /// Examples that need neither a server nor data that is made first.
  public static let ownExamples = examples.filter { !$0.hasSuffix("/custom-connection") && !$0.hasSuffix("/nexmark") }

  public static let examples: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root + "/examples")) ?? []
    return names.sorted().map { "\(root)/examples/\($0)" }
  }()
}
