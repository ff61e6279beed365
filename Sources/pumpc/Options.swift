import Foundation
import PumpCompiler

/// The words after a verb: flags, options with values, and the rest.
struct Options {
  private(set) var flags: Set<String> = []
  private(set) var values: [String: [String]] = [:]
  private(set) var paths: [String] = []
  /// What stands after `--`.
  private(set) var passed: [String] = []

  /// Wrong usage: one line and the verb's help, exit code 2.
  struct Problem: Error { let message: String }

  /// `missing` is what to say where there are too few words.
  init(
    _ words: [String], flags allowed: [String] = [], values named: [String] = [], paths count: ClosedRange<Int>,
    missing: String = "a path is missing"
  ) throws(Problem) {
    var rest = words[...]
    while let word = rest.popFirst() {
      if word == "--" {
        passed = Array(rest)
        break
      }
      let parts = word.hasPrefix("--") ? word.split(separator: "=", maxSplits: 1).map(String.init) : [word]
      if allowed.contains(word) {
        flags.insert(word)
      } else if named.contains(parts[0]) {
        guard let value = parts.count == 2 ? parts[1] : rest.popFirst() else { throw Problem(message: "`\(word)` needs a value") }
        values[parts[0], default: []].append(value)
      } else if word.hasPrefix("-"), word != "-" {
        let near = nearest(to: parts[0], in: allowed + named).map { "; did you mean `\($0)`?" } ?? ""
        throw Problem(message: "`\(word)` is no option of this verb\(near)")
      } else {
        paths.append(word)
      }
    }
    guard count.contains(paths.count) else {
      throw Problem(message: paths.count < count.lowerBound ? missing : "`\(paths[count.upperBound])` is one word too many")
    }
  }

  func has(_ flag: String) -> Bool { flags.contains(flag) }
  func value(_ name: String) -> String? { values[name]?.last }
  func all(_ name: String) -> [String] { values[name] ?? [] }
}

/// Exit codes, the same for every verb.
enum Exit {
  static let clean: Int32 = 0
  static let findings: Int32 = 1
  static let usage: Int32 = 2
  static let internalError: Int32 = 70
}

/// On standard error; what came from outside, such as names of files, has no control characters there.
func complain(_ text: String) { complain(rendered: printable(text)) }

/// As `complain`, of what is clean already and may have colours.
func complain(rendered text: String) { try? FileHandle.standardError.write(contentsOf: Data(text.utf8)) }
