import Foundation

/// `Sources/Connectors/Targets.txt`: what each Swift target stands on besides the kit. Package.swift reads the same file.
struct TargetTable {
  private let bases: [String: String]

  init(_ root: String) throws {
    let path = "\(root)/Sources/Connectors/Targets.txt"
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { throw BuildProblem(message: "cannot read \(path)") }
    let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { $0.split(separator: " ").map(String.init) }
    bases = Dictionary(uniqueKeysWithValues: lines.filter { $0.count == 2 }.map { ($0[0], $0[1]) })
  }

  /// The targets that a connector stands on, lowest first, with the C library that each of them needs; nil if it is none that comes
  /// with the compiler.
  func chain(_ kind: String) -> (shared: [String], library: String)? {
    var shared: [String] = []
    var base = bases[kind]
    while let name = base, let next = bases[name] {
      shared.insert(name, at: 0)
      base = next
    }
    return base.map { (shared, $0) }
  }
}
