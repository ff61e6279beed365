/// Regular expressions that take linear time, without look-around and back-references. Classes, groups (named and not),
/// alternatives, counts (greedy and not), anchors, word boundaries, flags; text is UTF-8. Of the matches that begin
/// leftmost, the one that Perl's order of alternatives prefers counts.
///
/// A search goes over the text twice. Backwards it finds, for each place, the instructions from which a match can still
/// be reached (`RegexSweep`). Forwards it then follows the preferred instruction of those, and never has to go back. So all
/// matches of a text take the time of two walks, where the search for one after the other takes the square of it.
/// Nothing of it changes once it is made; a search has memory of its own.
public final class Regex: Sendable {
  public struct Problem: Error {
    public let message: String
  }

  indirect enum Node {
    case empty
    case set(ScalarSet)
    case sequence([Node])
    case choice([Node])
    case repeated(Node, Int, Int?, greedy: Bool)
    case group(Node, Int?)
    case assertion(Assertion)
  }

  /// What holds of a place between two characters.
  enum Assertion {
    case start, end, lineStart, lineEnd, boundary, noBoundary
  }

  enum Instruction {
    case set(Int)
    /// The first is preferred.
    case split(Int, Int)
    case jump(Int)
    case save(Int)
    case assert(Assertion)
    case match
  }

  let program: [Instruction]
  let sets: [ScalarSet]
  /// For each instruction those that lead to it without reading: the ones numbered from `leadStarts[i]` up to the next.
  let leads: [Int32]
  let leadStarts: [Int32]
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
    var compiler = RegexCompiler()
    try compiler.compile(.group(node, 0))
    program = compiler.program + [.match]
    sets = compiler.sets
    (leads, leadStarts) = Regex.reversed(program)
  }

  /// The edges of the program that read nothing, backwards.
  private static func reversed(_ program: [Instruction]) -> ([Int32], [Int32]) {
    var sources = [[Int32]](repeating: [], count: program.count)
    for (pc, instruction) in program.enumerated() {
      switch instruction {
      case .set, .match: break
      case .split(let a, let b):
        sources[a].append(Int32(pc))
        if b != a { sources[b].append(Int32(pc)) }
      case .jump(let target): sources[target].append(Int32(pc))
      case .save, .assert: sources[pc + 1].append(Int32(pc))
      }
    }
    var starts: [Int32] = [0]
    for list in sources { starts.append(starts.last! + Int32(list.count)) }
    return (sources.flatMap { $0 }, starts)
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

  /// Whether a match begins anywhere.
  public func matches(_ text: Text) throws(EventFailure) -> Bool {
    var sweep = RegexSweep(self, text)
    return try sweep.anyStart()
  }

  /// The leftmost match.
  public func firstMatch(in text: Text) throws(EventFailure) -> Match? {
    var sweep = RegexSweep(self, text)
    try sweep.prepare()
    return try follow(&sweep, from: 0)
  }

  /// All matches that do not overlap, from left to right.
  public func forEachMatch(in text: Text, _ body: (Match) throws(EventFailure) -> Void) throws(EventFailure) {
    var sweep = RegexSweep(self, text)
    try sweep.prepare()
    var start = 0
    while start <= text.count, let match = try follow(&sweep, from: start) {
      try body(match)
      let range = match.range(0)!
      start = range.upperBound
      if range.isEmpty { start += start < text.count ? RegexSweep.scalar(text, start).width : 1 }
    }
  }

  /// The first match that begins at a place or after it. `sweep` knows from where matches are reached.
  private func follow(_ sweep: inout RegexSweep, from start: Int) throws(EventFailure) -> Match? {
    let text = sweep.text
    var position = start
    while !(try sweep.reaches(0, position)) {
      guard position < text.count else { return nil }
      position += RegexSweep.scalar(text, position).width
    }
    var slots = [Int](repeating: -1, count: 2 * groupCount)
    var pc = 0
    while true {
      pc = try advance(pc, position, &slots, &sweep)
      if case .match = program[pc] { return Match(slots: slots) }
      position += RegexSweep.scalar(text, position).width
      pc += 1
    }
  }

  /// From an instruction to the preferred one that reads a character, or to the match, of those that reach one. Each is
  /// entered once at a place: what comes a second time has gone round a loop without reading, and is left.
  private func advance(_ start: Int, _ position: Int, _ slots: inout [Int], _ sweep: inout RegexSweep) throws(EventFailure) -> Int {
    sweep.mark += 1
    // Instructions to try, and slots to give back once they have led nowhere.
    var stack: [(pc: Int, slot: Int, old: Int)] = [(start, -1, 0)]
    while let (pc, slot, old) = stack.popLast() {
      if slot >= 0 {
        slots[slot] = old
        continue
      }
      if sweep.marks[pc] == sweep.mark { continue }
      sweep.marks[pc] = sweep.mark
      guard try sweep.reaches(pc, position) else { continue }
      switch program[pc] {
      case .jump(let target): stack.append((target, -1, 0))
      case .split(let a, let b):
        stack.append((b, -1, 0))
        stack.append((a, -1, 0))
      case .save(let slot):
        stack.append((0, slot, slots[slot]))
        slots[slot] = position
        stack.append((pc + 1, -1, 0))
      case .assert: stack.append((pc + 1, -1, 0))
      case .set, .match: return pc
      }
    }
    fatalError("an instruction that reaches a match leads to none")
  }
}

/// Scalar values, quick to ask for ASCII.
struct ScalarSet {
  private(set) var ranges: [ClosedRange<UInt32>]
  private let low: UInt64
  private let high: UInt64

  /// Ranges in any order; they may overlap.
  init(_ ranges: [ClosedRange<UInt32>]) {
    var merged: [ClosedRange<UInt32>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = merged.last, range.lowerBound <= last.upperBound &+ 1 {
        merged[merged.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        merged.append(range)
      }
    }
    self.ranges = merged
    var bits: (UInt64, UInt64) = (0, 0)
    for range in merged {
      for scalar in range.prefix(while: { $0 < 128 }) {
        if scalar < 64 { bits.0 |= 1 << UInt64(scalar) } else { bits.1 |= 1 << UInt64(scalar - 64) }
      }
    }
    (low, high) = bits
  }

  func contains(_ scalar: UInt32) -> Bool {
    if scalar < 64 { return low >> UInt64(scalar) & 1 != 0 }
    if scalar < 128 { return high >> UInt64(scalar - 64) & 1 != 0 }
    var (first, last) = (0, ranges.count)
    while first < last {
      let middle = (first + last) / 2
      if ranges[middle].upperBound < scalar { first = middle + 1 } else { last = middle }
    }
    return first < ranges.count && ranges[first].contains(scalar)
  }

  var inverted: ScalarSet {
    var result: [ClosedRange<UInt32>] = []
    var next: UInt32 = 0
    for range in ranges {
      if range.lowerBound > next { result.append(next...range.lowerBound - 1) }
      next = range.upperBound + 1
    }
    if next <= 0x10FFFF { result.append(next...0x10FFFF) }
    return ScalarSet(result)
  }
}
