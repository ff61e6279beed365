import Foundation
import PumpPlan
import PumpConnectorKit
import PumpSwift

/// What stopped a build; the compiler's own words follow where it was the compiler.
public struct BuildProblem: LocalizedError {
  public let message: String
  /// The signal that ended it, if one did.
  public let signal: Int32?
  public init(message: String, signal: Int32? = nil) {
    self.message = message
    self.signal = signal
  }
  public var errorDescription: String? { message }
}

/// Builds executables: the runtime and each connector are compiled once on a machine for each compiler and version of
/// the runtime, and kept; a program is its own sources against them.
public struct Builder {
  private let root: String
  private let version: String
  private let cache: String
  /// Connectors that are the user's, by module.
  private let custom: [String: CustomConnector]
  /// Tells people what takes long.
  private let progress: (String) -> Void

  public init(custom: [CustomConnector], progress: @escaping (String) -> Void) throws {
    self.custom = Dictionary(uniqueKeysWithValues: custom.map { ($0.module, $0) })
    guard let root = Installation.root else {
      throw BuildProblem(message: "the runtime's sources are not found; set PUMP_HOME to the folder that holds Package.swift and Sources")
    }
    self.root = root
    self.progress = progress
    version = try Builder.run("swiftc", ["--version"], capture: true)
    WorkFolders.clean(NSTemporaryDirectory(), prefixes: ["pump-build-", "pump-host-", "pump-test-"])
    cache =
      ProcessInfo.processInfo.environment["PUMP_CACHE"]
      ?? (ProcessInfo.processInfo.environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache") + "/pump"
  }

  private static func hash(_ text: String) -> String { String(text.utf8.fnv1a, radix: 16) }

  /// Sizes and times of a folder's sources: a change of one makes another place in the cache.
  private func fingerprint(_ folder: String) throws -> String {
    var parts: [String] = []
    let kinds = [".swift", ".h", ".modulemap"]
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder).sorted() where kinds.contains(where: name.hasSuffix) {
      var status = stat()
      stat("\(folder)/\(name)", &status)
      parts.append("\(name) \(status.st_size) \(status.st_mtim.tv_sec)")
    }
    return parts.joined(separator: "\n")
  }

  @discardableResult
  static func run(_ tool: String, _ arguments: [String], capture: Bool = false, folder: String? = nil) throws -> String {
    let outcome: ChildProcess.Outcome
    do { outcome = try ChildProcess.run([tool] + arguments, folder: folder) } catch let stopped as ChildProcess.Stopped {
      throw BuildProblem(message: "stopped", signal: stopped.signal)
    }
    let output = outcome.output
    guard outcome.code != 127 else {
      throw BuildProblem(message: "`\(tool)` cannot be started; is Swift installed and in PATH?")
    }
    guard outcome.code == 0 else {
      let words = output.split(separator: "\n").filter { $0.contains("error:") }.prefix(8).joined(separator: "\n  ")
      throw BuildProblem(message: "`\(tool)` failed:\n  \(words.isEmpty ? String(output.suffix(2000)) : words)\(ChildProcess.filesHelp)")
    }
    return capture ? output : ""
  }

  /// What every program links, lowest first.
  private static let runtime = ["PumpProgram", "PumpValues", "PumpConnectorKit", "PumpRuntime"]

  private static let flags = [
    "-swift-version", "6", "-O", "-wmo", "-parse-as-library", "-enforce-exclusivity=unchecked", "-cross-module-optimization",
  ]

  /// What a program of some connectors is compiled and linked with.
  private struct Parts {
    var objects: [String] = []
    var flags: [String] = []
    var libraries: [String] = []
    /// The places of all modules in the cache: who depends on them has a place of its own for each.
    var key: String
  }

  /// Adds a module, compiled into the cache unless it is there.
  private func add(
    _ name: String, _ folder: String, client: String? = nil, flags: [String] = [], what: String, to parts: inout Parts
  ) throws {
    let print = try fingerprint(folder) + (client.map { client in try fingerprint("\(root)/Sources/\(client)") } ?? "")
    let place = "\(cache)/\(name)-\(Builder.hash(parts.key + print))"
    let object = "\(place)/\(name).o"
    if FileManager.default.fileExists(atPath: object) {
      use(place)
    } else {
      prune()
      progress("compiling \(what), once on this machine")
      let sources = try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".swift") }.sorted()
      // Written beside and renamed, so that a build that is stopped leaves nothing half done.
      let work = "\(place)-\(getpid())"
      try FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(atPath: work) }
      // Modules of ours see what is open to the package.
      let package = folder.hasPrefix("\(root)/Sources/") ? ["-package-name", "pump"] : []
      try Builder.run(
        "swiftc",
        Builder.flags + parts.flags + flags + package + [
          "-module-name", name, "-emit-module", "-emit-module-path", "\(work)/\(name).swiftmodule", "-c", "-o", "\(work)/\(name).o",
        ] + sources.map { "\(folder)/\($0)" })
      rename(work, place)
    }
    parts.objects.append(object)
    parts.flags += flags + ["-I", place]
    parts.key += place
  }

  /// What was not used for so long is of an old version.
  private static let keptFor = 30 * 24 * 3600.0

  private func use(_ place: String) { try? FileManager.default.setAttributes([.modificationDate: Date()], ofItemAtPath: place) }

  private func prune() {
    WorkFolders.clean(cache)
    for name in (try? FileManager.default.contentsOfDirectory(atPath: cache)) ?? [] {
      let place = "\(cache)/\(name)"
      let used = (try? FileManager.default.attributesOfItem(atPath: place))?[.modificationDate] as? Date
      if let used, used.timeIntervalSinceNow < -Builder.keptFor { try? FileManager.default.removeItem(atPath: place) }
    }
  }

  /// The runtime and the connectors that connections of a plan need, compiled where they are not yet.
  private func parts(_ plan: Plan, withInterpreter: Bool = false) throws -> Parts {
    let zlib = SystemLibrary.zlib(root)
    var parts = Parts(flags: try zlib.compileFlags(), libraries: zlib.linkFlags(), key: version)
    for (number, module) in Builder.runtime.enumerated() {
      try add(
        module, "\(root)/Sources/\(module)", client: "CZlib",
        what: "the runtime (\(number + 1) of \(Builder.runtime.count))", to: &parts)
    }
    let runtime = parts.key
    let table = try TargetTable(root)
    // Shared targets that are there already, with their places.
    var shared: [String: String] = [:]
    if withInterpreter {
      try add("PumpPlan", "\(root)/Sources/PumpPlan", what: "the plan", to: &parts)
      try add("PumpInterpreter", "\(root)/Sources/PumpInterpreter", what: "the interpreter", to: &parts)
    }
    for connection in Dictionary(grouping: plan.program.connections, by: \.module).values.compactMap(\.first).sorted(by: {
      $0.module < $1.module
    }) {
      // Connectors depend on the runtime, not on each other.
      let others = parts.key
      parts.key = runtime
      if let custom = custom[connection.module] {
        if try custom.bind() { progress("wrote \(custom.folder)/Binding.swift") }
        let flags = try custom.libraries.flatMap { try $0.compileFlags() }
        try add(connection.module, custom.folder, flags: flags, what: "the connector \(connection.kind)", to: &parts)
        parts.libraries += custom.libraries.flatMap { $0.linkFlags() }
      } else {
        try add(builtIn: connection.kind, connection.module, table, &shared, to: &parts)
      }
      parts.key = others + parts.key
    }
    return parts
  }

  /// Adds a connector that comes with the compiler, after the targets that it stands on; `shared` are those that are there.
  private func add(
    builtIn kind: String, _ module: String, _ table: TargetTable, _ shared: inout [String: String], to parts: inout Parts
  ) throws {
    guard let chain = table.chain(kind), let library = SystemLibrary(folder: "\(root)/Sources/\(chain.library)", name: kind) else {
      throw BuildProblem(
        message:
          "connector \(kind) is implemented in module \(module), which is not here\n  help: write `import swift \"\(module)\"` with a folder of that name"
      )
    }
    let flags = try library.compileFlags()
    for name in chain.shared {
      if let place = shared[name] {
        parts.key += place
      } else {
        let before = parts.key
        try add(name, "\(root)/Sources/\(name)", client: chain.library, flags: flags, what: "what \(kind) stands on", to: &parts)
        shared[name] = String(parts.key.dropFirst(before.count))
      }
    }
    try add(
      module, "\(root)/Sources/Connectors/\(kind)", client: chain.library, flags: flags + ["-D", kind], what: "the connector \(kind)",
      to: &parts)
    for flag in library.linkFlags() where !parts.libraries.contains(flag) { parts.libraries.append(flag) }
  }

  /// Builds the program; the path of the executable is where it was asked for.
  public func build(_ plan: Plan, output: String) throws {
    let parts = try parts(plan)
    let work = NSTemporaryDirectory() + "/pump-build-\(getpid())"
    defer { try? FileManager.default.removeItem(atPath: work) }
    try write(renderSources(plan), to: work)
    try link(work, parts, to: output, name: "Program", ["-static-stdlib", "-Xlinker", "--gc-sections", "-Xlinker", "-s"])
  }

  /// The interpreter with the connectors that a plan uses: what `pumpc run` starts. Built once for each set of them.
  public func host(_ plan: Plan) throws -> String {
    let modules = Set(plan.program.connections.map(\.module)).sorted()
    let parts = try parts(plan, withInterpreter: true)
    let output = "\(cache)/host-\(Builder.hash(parts.key))"
    if FileManager.default.fileExists(atPath: output) {
      use(output)
      return output
    }
    let work = NSTemporaryDirectory() + "/pump-host-\(getpid())"
    defer { try? FileManager.default.removeItem(atPath: work) }
    try write([renderHost(plan)], to: work)
    progress("linking the interpreter with \(modules.joined(separator: ", "))")
    try link(work, parts, to: output, name: "Host", ["-Xlinker", "--gc-sections"])
    return output
  }

  private func link(_ work: String, _ parts: Parts, to output: String, name: String, _ more: [String]) throws {
    let sources = try FileManager.default.subpathsOfDirectory(atPath: work).filter { $0.hasSuffix(".swift") }.sorted()
    let folder = parentFolder(output)
    if !folder.isEmpty { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
    let target = URL(fileURLWithPath: output).path + ".part-\(getpid())"
    try Builder.run(
      "swiftc",
      [
        "-swift-version", "6", "-O", "-wmo", "-enforce-exclusivity=unchecked", "-cross-module-optimization", "-module-name", name,
      ] + parts.flags + sources + parts.objects + ["-use-ld=lld"] + more + ["-o", target] + parts.libraries,
      folder: work)
    guard rename(target, output) == 0 else { throw BuildProblem(message: "cannot write \(output): \(String(cString: strerror(errno)))") }
  }

  private func write(_ files: [GeneratedFile], to folder: String) throws {
    for file in files {
      let path = "\(folder)/\(file.path)"
      try FileManager.default.createDirectory(atPath: parentFolder(path), withIntermediateDirectories: true)
      try Data(file.text.utf8).write(to: URL(fileURLWithPath: path))
    }
  }

  /// Writes the program as a Swift package; with `vendor` the runtime's sources are copied into it.
  public func emit(_ plan: Plan, to folder: String, vendor: Bool) throws {
    let name = packageName(plan)
    try write(renderSources(plan), to: "\(folder)/Sources/\(name)")
    var runtime = root
    if vendor {
      runtime = "Vendor/pump"
      let target = "\(folder)/Vendor/pump"
      try? FileManager.default.removeItem(atPath: target)
      for part in ["Package.swift", "Sources"] {
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: "\(root)/\(part)", toPath: "\(target)/\(part)")
      }
    }
    let manifest = renderManifest(plan, name: name, runtime: runtime, custom: try copyCustom(plan, to: folder))
    try Data(manifest.utf8).write(to: URL(fileURLWithPath: "\(folder)/Package.swift"))
    // The toolchain's own formatter, where it is there; the sources are complete without it.
    _ = try? Builder.run("swift", ["format", "-i", "-r", "\(folder)/Sources", "\(folder)/Package.swift"])
  }

  /// Copies the user's connectors into an emitted package: each module, and each C module in it, is a target there.
  private func copyCustom(_ plan: Plan, to folder: String) throws -> [ManifestModule] {
    try Set(plan.program.connections.map(\.module)).sorted().compactMap { custom[$0] }.map { connector in
      _ = try connector.bind()
      let target = "\(folder)/Sources/\(connector.module)"
      try? FileManager.default.removeItem(atPath: target)
      try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
      for file in try FileManager.default.contentsOfDirectory(atPath: connector.folder) where file.hasSuffix(".swift") {
        try FileManager.default.copyItem(atPath: "\(connector.folder)/\(file)", toPath: "\(target)/\(file)")
      }
      for library in connector.libraries {
        try? FileManager.default.removeItem(atPath: "\(folder)/Sources/\(library.name)")
        try FileManager.default.copyItem(atPath: library.folder, toPath: "\(folder)/Sources/\(library.name)")
      }
      return ManifestModule(name: connector.module, libraries: connector.libraries.map { ($0.name, $0.package) })
    }
  }

  private func packageName(_ plan: Plan) -> String {
    let letters = plan.program.name.unicodeScalars.filter {
      ("a"..."z").contains($0) || ("A"..."Z").contains($0) || ("0"..."9").contains($0) || $0 == "_" || $0 == "-"
    }
    let text = String(String.UnicodeScalarView(letters))
    return text.isEmpty || text.first!.isNumber ? "program" + text : text
  }
}
