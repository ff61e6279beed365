import Foundation
import Testing

/// Public suites of others, one folder each in the one that PUMP_SUITES names, as their repositories have them. They are no part
/// of this repository; `Figures.md` says what came of them.
enum Suites {
  static let root = ProcessInfo.processInfo.environment["PUMP_SUITES"]

  /// Why a suite is skipped.
  static let reason: Comment = "PUMP_SUITES names no folder that has this suite"

  static func has(_ name: String) -> Bool { root.map { FileManager.default.fileExists(atPath: "\($0)/\(name)") } ?? false }
  static func path(_ name: String) -> String { "\(root ?? "")/\(name)" }

  static func files(_ name: String, _ ending: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path(name))) ?? []).filter { $0.hasSuffix(ending) }.sorted()
  }
  static func data(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path(name))) }
  static func json(_ name: String) throws -> Any { try JSONSerialization.jsonObject(with: data(name), options: .fragmentsAllowed) }

  /// Counts the cases of a suite. A case that differs must be listed with its reason, and a listed one must differ, so that the
  /// list stays true.
  struct Count {
    private let suite: String
    /// Names of cases, by why they differ.
    private let listed: [String: String]
    private var met: Set<String> = []
    private(set) var agreeing = 0

    init(_ suite: String, listed: [String: [String]] = [:]) {
      self.suite = suite
      self.listed = Dictionary(uniqueKeysWithValues: listed.flatMap { reason, names in names.map { ($0, reason) } })
    }

    func reason(_ name: String) -> String? { listed[name] }

    mutating func note(_ name: String, _ agrees: Bool, _ found: @autoclosure () -> String = "") {
      if listed[name] != nil { met.insert(name) }
      switch (agrees, listed[name]) {
      case (true, nil): agreeing += 1
      case (true, let reason?): Issue.record("\(suite), \(name): it agrees now, so it is not listed for «\(reason)»")
      case (false, nil): Issue.record("\(suite), \(name): \(found())")
      case (false, .some): break
      }
    }

    /// Prints the counts. `alike` says how many differ by a rule that the test holds, `besides` which cases ask for what is not there.
    func finish(alike: [String: Int] = [:], besides: [String: Int] = [:]) {
      #expect(Set(listed.keys) == met, "\(suite): listed, but no case: \(Set(listed.keys).subtracting(met).sorted())")
      let ruled = alike.values.reduce(0, +)
      let rest =
        alike.sorted { $0.key < $1.key }.map { "; \($0.value) \($0.key)" }
        + besides.sorted { $0.key < $1.key }.map { "; \($0.value) not run: \($0.key)" }
      print("suite \(suite): \(agreeing + met.count) cases, \(agreeing - ruled) agree, \(met.count + ruled) listed\(rest.joined())")
    }
  }
}
