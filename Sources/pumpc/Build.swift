import Foundation
import PumpCompiler

let buildVerb = Verb(
  name: "build", summary: "one native executable",
  help: """
    build [-o FILE] [PATH]

    Compiles the program to an executable that runs without Swift installed. The runtime is compiled once on a machine
    and kept in ~/.cache/pump (or PUMP_CACHE); after that a build takes seconds. The executable has --config, --set,
    --help and --version, and drains on SIGTERM.

      -o FILE   where to write it; without it the program's name in the current folder

    Exit codes: 0 built, 1 errors in the spec or the build, 2 wrong usage.
    """
) { words in
  let options = try Options(words, values: ["-o"], paths: 0...1)
  guard let compilation = try compileOrComplain(options.paths.first ?? ".") else { return Exit.findings }
  guard let output = try build(compilation, output: options.value("-o") ?? compilation.project.name) else { return Exit.findings }
  complain("built \(output)\n")
  return Exit.clean
}

/// Builds, and tells what goes wrong; nil then.
func build(_ compilation: Compilation, output: String) throws -> String? {
  var isFolder: ObjCBool = false
  var path = output
  if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue { path += "/\(compilation.project.name)" }
  let code = try reportingBuilds {
    try Builder(custom: compilation.customConnectors) { complain($0 + " …\n") }.build(compilation.plan!, output: path)
    return Exit.clean
  }
  return code == Exit.clean ? path : nil
}

/// Tells what stopped a build.
func reportingBuilds(_ body: () throws -> Int32) throws -> Int32 {
  do { return try body() } catch let problem as BuildProblem {
    // What it had begun has been removed on the way here.
    if let signal = problem.signal { exit(128 + signal) }
    complain("error: \(problem.message)\n")
    return Exit.findings
  }
}

let emitVerb = Verb(
  name: "emit", summary: "the generated Swift package",
  help: """
    emit -o FOLDER [--vendor] [PATH]

    Writes the program as a Swift package that `swift build` builds: readable, documented, with #sourceLocation back to
    the spec. It references the runtime by its path.

      -o FOLDER   where to write it; files of an earlier emit are replaced
      --vendor    copies the runtime's sources into the package

    Exit codes: 0 written, 1 errors in the spec, 2 wrong usage.
    """
) { words in
  let options = try Options(words, flags: ["--vendor"], values: ["-o"], paths: 0...1)
  guard let folder = options.value("-o") else { throw Options.Problem(message: "`-o FOLDER` is missing") }
  guard let compilation = try compileOrComplain(options.paths.first ?? ".") else { return Exit.findings }
  return try reportingBuilds {
    try Builder(custom: compilation.customConnectors) { _ in }.emit(compilation.plan!, to: folder, vendor: options.has("--vendor"))
    complain("wrote \(folder)\n")
    return Exit.clean
  }
}

let bindVerb = Verb(
  name: "bind", summary: "the Swift protocol of connectors of your own",
  help: """
    bind [PATH]

    For every `import swift "FOLDER"` of the program writes FOLDER/Binding.swift: typed settings and arguments of the
    connectors that are declared `in` the module of that name, and the protocol that your Swift implements:
    `final class RedisClient: RedisProtocol`. `run`, `build` and `emit` keep it current by themselves.

    What an endpoint takes or gives is `Bytes`, `Record`, or a type of your own; a sink of `Document` gets the JSON of records.

    A folder in it with a module.modulemap is a C library; the map's first line says where it comes from:
    `// pkg-config: hiredis, debian: libhiredis-dev`.

    Exit codes: 0 written, 1 errors in the spec, 2 wrong usage.
    """
) { words in
  let options = try Options(words, paths: 0...1)
  guard let compilation = try compileOrComplain(options.paths.first ?? ".") else { return Exit.findings }
  guard !compilation.customConnectors.isEmpty else {
    complain(
      "error: \(compilation.project.name) imports no Swift\n  help: write `import swift \"FOLDER\"` and a `connector … in FOLDER { … }`\n")
    return Exit.findings
  }
  return try reportingBuilds {
    for connector in compilation.customConnectors {
      _ = try connector.bind()
      complain("wrote \(connector.folder)/Binding.swift\n")
    }
    return Exit.clean
  }
}
