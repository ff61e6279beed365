/// Regular expressions that take linear time: a Pike machine without look-around and back-references. Classes, groups
/// (named and not), alternatives, counts (greedy and not), anchors, word boundaries, `(?i)`; text is UTF-8.
public final class Regex: @unchecked Sendable {
  public struct Problem: Error {
    public let message: String
  }

  indirect enum Node {
    case empty
    case set([ClosedRange<UInt32>])
    case sequence([Node])
    case choice([Node])
    case repeated(Node, Int, Int?, greedy: Bool)
    case group(Node, Int?)
    case start, end, boundary, noBoundary
  }

  enum Instruction {
    case set([ClosedRange<UInt32>])
    case split(Int, Int)
    case jump(Int)
    case save(Int)
    case assertStart, assertEnd, assertBoundary, assertNoBoundary
    case match
  }

  let program: [Instruction]
  public let groupCount: Int
  /// Names of groups, by their numbers.
  public let names: [String: Int]
  /// A program has at most so many instructions, so that counts cannot blow it up.
  static let limit = 10_000

  public init(_ pattern: String) throws(Problem) {
    var parser = RegexParser(pattern)
    let node = try parser.parse()
    groupCount = parser.groups + 1
    names = parser.names
    var program: [Instruction] = []
    try Regex.compile(.group(node, 0), &program)
    program.append(.match)
    self.program = program
  }

  private static func compile(_ node: Node, _ out: inout [Instruction]) throws(Problem) {
    guard out.count < limit else { throw Problem(message: "it is too large") }
    switch node {
    case .empty: break
    case .set(let ranges): out.append(.set(ranges))
    case .sequence(let nodes): for node in nodes { try compile(node, &out) }
    case .choice(let nodes):
      var ends: [Int] = []
      for (index, node) in nodes.enumerated() {
        guard index < nodes.count - 1 else {
          try compile(node, &out)
          break
        }
        let split = out.count
        out.append(.match)
        try compile(node, &out)
        ends.append(out.count)
        out.append(.match)
        out[split] = .split(split + 1, out.count)
      }
      for end in ends { out[end] = .jump(out.count) }
    case .repeated(let node, let low, let high, let greedy):
      for _ in 0..<low { try compile(node, &out) }
      if let high {
        var splits: [Int] = []
        for _ in low..<max(low, high) {
          splits.append(out.count)
          out.append(.match)
          try compile(node, &out)
        }
        for split in splits { out[split] = greedy ? .split(split + 1, out.count) : .split(out.count, split + 1) }
      } else {
        let split = out.count
        out.append(.match)
        try compile(node, &out)
        out.append(.jump(split))
        out[split] = greedy ? .split(split + 1, out.count) : .split(out.count, split + 1)
      }
    case .group(let node, let number):
      if let number { out.append(.save(2 * number)) }
      try compile(node, &out)
      if let number { out.append(.save(2 * number + 1)) }
    case .start: out.append(.assertStart)
    case .end: out.append(.assertEnd)
    case .boundary: out.append(.assertBoundary)
    case .noBoundary: out.append(.assertNoBoundary)
    }
  }

  public struct Match {
    let slots: [Int]
    public func range(_ group: Int) -> Range<Int>? {
      let start = slots[2 * group]
      let end = slots[2 * group + 1]
      return start >= 0 && end >= start ? start..<end : nil
    }
    public func text(_ group: Int, _ text: Text) -> Text? {
      guard 2 * group + 1 < slots.count, let range = range(group) else { return nil }
      return text.slice(range.lowerBound, range.count)
    }
  }

  public func forEachMatch(in text: Text, _ body: (Match) -> Void) {
    var start = 0
    while start <= text.count, let match = firstMatch(in: text, from: start) {
      body(match)
      let range = match.range(0)!
      start = range.upperBound
      if range.isEmpty {
        start += 1
        while start < text.count, text[start] & 0xC0 == 0x80 { start += 1 }
      }
    }
  }

  private struct Threads {
    var list: [(pc: Int, slots: [Int])] = []
    var marks: [Int]
  }

  /// The leftmost match, by the rules of Perl for which alternative is preferred.
  public func firstMatch(in text: Text, from start: Int = 0) -> Match? {
    var current = Threads(marks: [Int](repeating: -1, count: program.count))
    var next = current
    var found: [Int]?
    var position = start
    let blank = [Int](repeating: -1, count: 2 * groupCount)
    while true {
      if found == nil { add(0, blank, position, text, &current) }
      if current.list.isEmpty, found != nil { break }
      let (scalar, width) = position < text.count ? decode(text, position) : (0, 0)
      next.list.removeAll(keepingCapacity: true)
      stepping: for thread in current.list {
        switch program[thread.pc] {
        case .set(let ranges):
          if width > 0, contains(ranges, scalar) { add(thread.pc + 1, thread.slots, position + width, text, &next) }
        case .match:
          found = thread.slots
          break stepping
        default: break
        }
      }
      swap(&current, &next)
      if width == 0 { break }
      position += width
    }
    return found.map { Match(slots: $0) }
  }

  /// Follows jumps from an instruction to the ones that read; each is entered once at a position.
  private func add(_ pc: Int, _ slots: [Int], _ position: Int, _ text: Text, _ threads: inout Threads) {
    var stack: [(Int, [Int])] = [(pc, slots)]
    while let (pc, slots) = stack.popLast() {
      if threads.marks[pc] == position { continue }
      threads.marks[pc] = position
      switch program[pc] {
      case .jump(let target): stack.append((target, slots))
      case .split(let a, let b):
        stack.append((b, slots))
        stack.append((a, slots))
      case .save(let slot):
        var saved = slots
        saved[slot] = position
        stack.append((pc + 1, saved))
      case .assertStart: if position == 0 { stack.append((pc + 1, slots)) }
      case .assertEnd: if position == text.count { stack.append((pc + 1, slots)) }
      case .assertBoundary: if isBoundary(text, position) { stack.append((pc + 1, slots)) }
      case .assertNoBoundary: if !isBoundary(text, position) { stack.append((pc + 1, slots)) }
      case .set, .match: threads.list.append((pc, slots))
      }
    }
  }

  private func isWord(_ byte: UInt8) -> Bool { (byte | 0x20 >= 97 && byte | 0x20 <= 122) || (byte >= 48 && byte <= 57) || byte == 95 }
  private func isBoundary(_ text: Text, _ position: Int) -> Bool {
    (position > 0 && isWord(text[position - 1])) != (position < text.count && isWord(text[position]))
  }

  private func contains(_ ranges: [ClosedRange<UInt32>], _ scalar: UInt32) -> Bool {
    for range in ranges where range.contains(scalar) { return true }
    return false
  }

  private func decode(_ text: Text, _ i: Int) -> (UInt32, Int) {
    let first = text[i]
    if first < 0x80 { return (UInt32(first), 1) }
    let width = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
    guard i + width <= text.count, first >= 0xC2 else { return (UInt32(first), 1) }
    var scalar = UInt32(first) & (0xFF >> UInt32(width + 1))
    for k in 1..<width { scalar = scalar << 6 | UInt32(text[i + k] & 0x3F) }
    return (scalar, width)
  }
}
