import Foundation

/// One verb of the command line.
struct Verb: Sendable {
  let name: String
  let summary: String
  let help: String
  let run: @Sendable ([String]) throws -> Int32
}

let verbs: [Verb] = [
  newVerb, checkVerb, runVerb, testVerb, stateVerb, buildVerb, emitVerb, bindVerb, fmtVerb, migrateVerb, graphVerb, configVerb,
  connectorsVerb,
  formatsVerb,
  functionsVerb, explainVerb,
  completionsVerb,
]

let overview =
  """
  pumpc checks, runs and compiles pipelines that are declared in .pump files.

  usage: pumpc VERB [options] [PATH]

  \(verbs.map { "  " + $0.name.padding(toLength: 13, withPad: " ", startingAt: 0) + $0.summary }.joined(separator: "\n"))

  PATH is a folder, which is one program with all its .pump files and its pipelines.conf, or a single file; without it,
  the current folder. `pumpc VERB --help` explains a verb.

  Exit codes: 0 clean, 1 findings or a failed run, 2 wrong usage, 70 a fault of pumpc itself.
  """
