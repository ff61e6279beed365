import Foundation
import PumpCompiler
import PumpReports

let explainVerb = Verb(
  name: "explain", summary: "what a diagnostic's code means, with examples, or a step of time and state",
  help: """
    explain [CODE|STEP|FORMAT|patterns]

    Prints the explanation of a code such as P0201 with a failing and a repaired example, how a step that works on many
    events is written (`explain group`, `explain join latest`, `explain window`), the reference of a format, or the patterns
    of the library; without a name, all steps of that kind and all codes.

    Exit codes: 0 found, 2 no such code or step.
    """
) { words in
  let options = try Options(words, paths: 0...3)
  let name = options.paths.joined(separator: " ")
  if let topic = Topic.named(name) {
    print(topicReference(topic), terminator: "")
    return Exit.clean
  }
  if let format = builtInFormats.first(where: { $0.name == name }) {
    print(formatReference(format), terminator: "")
    return Exit.clean
  }
  if name == "patterns" {
    print(patternReference(), terminator: "")
    return Exit.clean
  }
  if name.isEmpty {
    for topic in Topic.all { print("\(topic.name.padding(toLength: 16, withPad: " ", startingAt: 0))\(topic.summary)") }
    print("")
    for code in DiagnosticCode.all {
      print("\(code.id)  \(code.severity.rawValue.padding(toLength: 8, withPad: " ", startingAt: 0))\(code.title)")
    }
    return Exit.clean
  }
  guard let code = DiagnosticCode.all.first(where: { $0.id == name.uppercased() }) else {
    let near = nearest(to: name, in: Topic.all.flatMap { [$0.name] + $0.others }).map { "did you mean `\($0)`?" }
    complain("error: there is no code or step `\(name)`\n  help: \(near ?? "`pumpc explain` lists them")\n")
    return Exit.usage
  }
  func indented(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.isEmpty ? "" : "    \($0)" }.joined(separator: "\n")
  }
  print(
    "\(code.id), \(code.severity.rawValue): \(code.title)\n\n\(code.explanation)\n\n  Fails:\n\n\(indented(code.failing))\n\n  Repaired:\n\n\(indented(code.repaired))"
  )
  return Exit.clean
}

let functionsVerb = Verb(
  name: "functions", summary: "the functions and aggregates of the language",
  help: """
    functions [NAME]

    Lists the functions by group, and the aggregates of `group` and `running`, or prints one with its signatures and an
    example.

    Exit codes: 0 found, 2 no such function.
    """
) { words in
  let options = try Options(words, paths: 0...1)
  guard let name = options.paths.first else {
    var group = ""
    for function in FunctionSpec.all + FunctionSpec.operators where function.group != "steps" {
      if function.group != group {
        group = function.group
        print("\n\(group)")
      }
      print("  \((function.sign ?? function.name).padding(toLength: 16, withPad: " ", startingAt: 0))\(function.docs)")
    }
    print("\naggregates, of the events of a `group` or `running`")
    for aggregate in AggregateFunction.all {
      print("  \(aggregate.function.rawValue.padding(toLength: 16, withPad: " ", startingAt: 0))\(aggregate.docs)")
    }
    return Exit.clean
  }
  let aggregate = AggregateFunction.byName[name]
  if let function = FunctionSpec.byName[name] {
    for signature in function.signatures { print(signature.text) }
    print("\n\(function.docs)\n\n  \(function.example)\n")
    print(function.fails ? "It can fail its event." : "It never fails.")
    if aggregate != nil { print("\nIn the braces of a `group` or `running`, of their events:\n") }
  } else if aggregate == nil {
    let near =
      nearest(to: name, in: Array(FunctionSpec.byName.keys) + AggregateFunction.byName.keys).map { "did you mean `\($0)`?" }
      ?? "`pumpc functions` lists them"
    complain("error: there is no function `\(name)`\n  help: \(near)\n")
    return Exit.usage
  }
  if let aggregate { print("\(aggregate.signature)\n\n\(aggregate.docs)\n\n  |> group … { \(aggregate.example) }") }
  return Exit.clean
}

let formatsVerb = Verb(
  name: "formats", summary: "reference of the formats that `decode` and `encode` know",
  help: """
    formats [NAME]

    Lists the formats, or prints one with its options and an example.

    Exit codes: 0 found, 2 no such format.
    """
) { words in
  let options = try Options(words, paths: 0...1)
  guard let name = options.paths.first else {
    for format in builtInFormats {
      let first = format.docs.prefix { !".:;\n".contains($0) }
      print("\(format.name.padding(toLength: 12, withPad: " ", startingAt: 0))\(first)")
    }
    return Exit.clean
  }
  guard let format = builtInFormats.first(where: { $0.name == name }) else {
    let near = nearest(to: name, in: builtInFormats.map(\.name)).map { "did you mean `\($0)`?" } ?? "`pumpc formats` lists them"
    complain("error: there is no format `\(name)`\n  help: \(near)\n")
    return Exit.usage
  }
  print(formatReference(format), terminator: "")
  return Exit.clean
}

let connectorsVerb = Verb(
  name: "connectors", summary: "reference of the connectors, from their interface files",
  help: """
    connectors [NAME]

    Lists the connectors, or prints one with its settings, sources, sinks and lookups.

    Exit codes: 0 found, 2 no such connector.
    """
) { words in
  let options = try Options(words, paths: 0...1)
  let all = builtInConnectors()
  guard let name = options.paths.first else {
    for connector in all {
      let first = connector.docs?.split(separator: "\n").first ?? ""
      print("\(connector.name.padding(toLength: 15, withPad: " ", startingAt: 0))\(first)")
    }
    return Exit.clean
  }
  guard let connector = all.first(where: { $0.name.lowercased() == name.lowercased() }) else {
    let near = nearest(to: name, in: all.map(\.name)).map { "did you mean `\($0)`?" } ?? "`pumpc connectors` lists them"
    complain("error: there is no connector `\(name)`\n  help: \(near)\n")
    return Exit.usage
  }
  print(connectorReference(connector), terminator: "")
  return Exit.clean
}

func nearestVerb(_ word: String) -> String? { nearest(to: word, in: verbs.map(\.name)) }

let completionsVerb = Verb(
  name: "completions", summary: "completion for bash, zsh or fish",
  help: """
    completions bash|zsh|fish

    Prints a script: `source <(pumpc completions bash)`, or `pumpc completions fish | source`.

    Exit codes: 0 printed, 2 wrong usage.
    """
) { words in
  let options = try Options(words, paths: 1...1, missing: "which shell?")
  let names = verbs.map(\.name).joined(separator: " ")
  switch options.paths[0] {
  case "bash":
    print(
      "_pumpc() { COMPREPLY=(); if [ \"$COMP_CWORD\" -eq 1 ]; then COMPREPLY=($(compgen -W '\(names)' -- \"${COMP_WORDS[COMP_CWORD]}\")); else COMPREPLY=($(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\")); fi; }\ncomplete -F _pumpc pumpc"
    )
  case "zsh":
    print("#compdef pumpc\n_pumpc() { if (( CURRENT == 2 )); then compadd \(names); else _files; fi }\ncompdef _pumpc pumpc")
  case "fish":
    for verb in verbs {
      print("complete -c pumpc -n __fish_use_subcommand -a \(verb.name) -d '\(verb.summary.replacing("'", with: "\\'"))'")
    }
  default: throw Options.Problem(message: "`\(options.paths[0])` is no shell that is known: bash, zsh or fish")
  }
  return Exit.clean
}
