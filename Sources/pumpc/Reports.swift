import Foundation
import PumpCompiler

let graphVerb = Verb(
  name: "graph", summary: "the program as a picture",
  help: """
    graph [--format mermaid|dot|svg] [PATH]

    Prints sources, steps and sinks of all pipelines and what feeds what.

    Exit codes: 0 printed, 1 errors in the spec, 2 wrong usage.
    """
) { words in
  let options = try Options(words, values: ["--format"], paths: 0...1)
  guard let format = GraphFormat(rawValue: options.value("--format") ?? "mermaid") else {
    throw Options.Problem(message: "`\(options.value("--format")!)` is no format: mermaid, dot or svg")
  }
  guard let compilation = try compileOrComplain(options.paths.first ?? ".") else { return Exit.findings }
  print(format.render(compilation.plan!), terminator: "")
  return Exit.clean
}

let configVerb = Verb(
  name: "config", summary: "templates: pipelines.conf, .env, JSON Schema",
  help: """
    config [--format conf|env|schema] [PATH]

    Prints what the program can be configured with: a commented pipelines.conf, a .env example, or a JSON Schema.

    Exit codes: 0 printed, 1 errors in the spec, 2 wrong usage.
    """
) { words in
  let options = try Options(words, values: ["--format"], paths: 0...1)
  guard let format = ConfigTemplate(rawValue: options.value("--format") ?? "conf") else {
    throw Options.Problem(message: "`\(options.value("--format")!)` is no format: conf, env or schema")
  }
  guard let compilation = try compileOrComplain(options.paths.first ?? ".") else { return Exit.findings }
  print(format.render(compilation.plan!, general: compilation.plan!.generalSettings), terminator: "")
  return Exit.clean
}

let newVerb = Verb(
  name: "new", summary: "a program to start from",
  help: """
    new NAME

    Makes a folder with a spec, its configuration, a test and data that run at once. A folder that exists is left alone.

    Exit codes: 0 made, 1 it cannot be made, 2 wrong usage.
    """
) { words in
  let options = try Options(words, paths: 1...1, missing: "a name is missing")
  let folder = options.paths[0]
  guard !FileManager.default.fileExists(atPath: folder) else {
    complain("error: `\(folder)` exists already\n  help: choose another name\n")
    return Exit.findings
  }
  do {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    for (name, text) in starter { try Data(text.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)")) }
  } catch {
    complain("error: `\(folder)` cannot be made: \(error.localizedDescription)\n")
    return Exit.findings
  }
  print(printable("made \(folder); try:\n  pumpc run \(folder)\n  pumpc test \(folder)\n  pumpc build \(folder)"))
  return Exit.clean
}

private let starter = [
  (
    "visits.pump",
    #"""
    //! Visits from a file: slow ones into a file of their own.
    language 1

    config report {
      /// Visits that took at least this long are slow.
      slow: Duration = 200ms
    }

    enum Method { GET, POST, PUT, DELETE }

    type Visit {
      path:   String
      method: Method
      took:   Int where it >= 0 as "took_ms"
      at:     Timestamp
      user:   String?
    }

    pipeline slow_visits {
      source file.lines("visits.ndjson")
        |> decode json as Visit
        |> filter millis(.took) >= config.report.slow
        |> map { path: .path, took: .took, hour: floor_to(.at, 1h), user: .user ?? "anonymous" }
        |> encode json
        |> sink file.lines("slow.ndjson")

      on error |> encode json |> sink file.lines("dead.ndjson")
    }

    test "slow visits are kept, broken lines go aside" for slow_visits {
      given json { path: "/", method: GET, took: 350, at: 2026-01-01T10:20:30Z }
      given json { path: "/fast", method: GET, took: 3, at: 2026-01-01T10:20:30Z, user: "ada" }
      given "not json"
      expect file.lines("slow.ndjson") == [{ path: "/", took: 350, hour: 2026-01-01T10:00:00Z, user: "anonymous" }]
      expect count(errors) == 1
    }

    """#
  ),
  ("pipelines.conf", "[report]\nslow = 150ms\n"),
  (
    "visits.ndjson",
    """
    {"path":"/","method":"GET","took_ms":12,"at":"2026-01-01T10:00:00Z","user":"ada"}
    {"path":"/search","method":"GET","took_ms":480,"at":"2026-01-01T10:00:01Z","user":"bob"}
    {"path":"/login","method":"POST","took_ms":190,"at":"2026-01-01T10:00:02Z"}
    {"path":"/search","method":"GET","took_ms":"long","at":"2026-01-01T10:00:03Z"}
    {"path":"/cart","method":"PUT","took_ms":25,"at":"2026-01-01T11:30:00Z","user":"eve"}

    """
  ),
]
