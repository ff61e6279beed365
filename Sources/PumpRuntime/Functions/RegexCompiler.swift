/// Nodes to instructions.
struct RegexCompiler {
  private(set) var program: [Regex.Instruction] = []
  private(set) var sets: [ScalarSet] = []

  mutating func compile(_ node: Regex.Node) throws(Regex.Problem) {
    guard program.count < Regex.limit else { throw Regex.Problem(message: "it is too large") }
    switch node {
    case .empty: break
    case .set(let set):
      program.append(.set(sets.count))
      sets.append(set)
    case .sequence(let nodes): for node in nodes { try compile(node) }
    case .choice(let nodes):
      var ends: [Int] = []
      for (index, node) in nodes.enumerated() {
        guard index < nodes.count - 1 else {
          try compile(node)
          break
        }
        let split = hole()
        try compile(node)
        ends.append(hole())
        program[split] = .split(split + 1, program.count)
      }
      for end in ends { program[end] = .jump(program.count) }
    case .repeated(let node, let low, let high, let greedy): try repeated(node, low, high, greedy)
    case .group(let node, let number):
      if let number { program.append(.save(2 * number)) }
      try compile(node)
      if let number { program.append(.save(2 * number + 1)) }
    case .assertion(let assertion): program.append(.assert(assertion))
    }
  }

  private mutating func repeated(_ node: Regex.Node, _ low: Int, _ high: Int?, _ greedy: Bool) throws(Regex.Problem) {
    guard let high else {
      if low == 0, !Self.isNullable(node) { return try star(node, greedy) }
      // A body that may be empty is tried before its loop is left, as Perl does: `x*` is `(?:x+)?` then.
      if low == 0 {
        let split = hole()
        try plus(node, 1, greedy)
        return choose(split, split + 1, program.count, greedy)
      }
      return try plus(node, low, greedy)
    }
    let start = program.count
    for count in 0..<low {
      try compile(node)
      // What compiles to nothing is nothing, however often: its count must cost no time either.
      if count == 0, program.count == start { return }
    }
    var splits: [Int] = []
    for _ in low..<max(low, high) {
      splits.append(hole())
      try compile(node)
      if program.count == splits[0] + 1 {
        program.removeLast()
        return
      }
    }
    for split in splits { choose(split, split + 1, program.count, greedy) }
  }

  private mutating func star(_ node: Regex.Node, _ greedy: Bool) throws(Regex.Problem) {
    let split = hole()
    try compile(node)
    program.append(.jump(split))
    choose(split, split + 1, program.count, greedy)
  }

  private mutating func plus(_ node: Regex.Node, _ low: Int, _ greedy: Bool) throws(Regex.Problem) {
    var start = program.count
    for count in 0..<low {
      start = program.count
      try compile(node)
      if count == 0, program.count == start { return }
    }
    let split = hole()
    choose(split, start, split + 1, greedy)
  }

  /// Room for an instruction that is known later.
  private mutating func hole() -> Int {
    program.append(.match)
    return program.count - 1
  }

  private mutating func choose(_ place: Int, _ again: Int, _ out: Int, _ greedy: Bool) {
    program[place] = greedy ? .split(again, out) : .split(out, again)
  }

  /// Whether it can match without reading.
  private static func isNullable(_ node: Regex.Node) -> Bool {
    switch node {
    case .empty, .assertion: true
    case .set: false
    case .sequence(let nodes): nodes.allSatisfy(isNullable)
    case .choice(let nodes): nodes.contains(where: isNullable)
    case .repeated(let node, let low, _, _): low == 0 || isNullable(node)
    case .group(let node, _): isNullable(node)
    }
  }
}
