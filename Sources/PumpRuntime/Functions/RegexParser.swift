/// Pattern text to nodes.
struct RegexParser {
  private let pattern: [UInt32]
  private var i = 0
  private var depth = 0
  private var ignoreCase = false
  var groups = 0
  var names: [String: Int] = [:]

  init(_ text: String) { pattern = text.unicodeScalars.map(\.value) }

  private func at(_ character: Unicode.Scalar) -> Bool { i < pattern.count && pattern[i] == character.value }
  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard at(character) else { return false }
    i += 1
    return true
  }

  mutating func parse() throws(Regex.Problem) -> Regex.Node {
    let node = try choice()
    if at(")") { throw Regex.Problem(message: "a `)` closes nothing") }
    return node
  }

  private mutating func choice() throws(Regex.Problem) -> Regex.Node {
    depth += 1
    defer { depth -= 1 }
    guard depth < 64 else { throw Regex.Problem(message: "groups nest too deep") }
    var branches = [try sequence()]
    while take("|") { branches.append(try sequence()) }
    return branches.count == 1 ? branches[0] : .choice(branches)
  }

  private mutating func sequence() throws(Regex.Problem) -> Regex.Node {
    var nodes: [Regex.Node] = []
    while i < pattern.count, !at("|"), !at(")") { nodes.append(try counted()) }
    return nodes.isEmpty ? .empty : nodes.count == 1 ? nodes[0] : .sequence(nodes)
  }

  private mutating func counted() throws(Regex.Problem) -> Regex.Node {
    var node = try atom()
    while i < pattern.count {
      var range: (Int, Int?)
      if take("*") {
        range = (0, nil)
      } else if take("+") {
        range = (1, nil)
      } else if take("?") {
        range = (0, 1)
      } else if at("{"), let count = try count() {
        range = count
      } else {
        break
      }
      if case .repeated(_, _, _, _) = node { throw Regex.Problem(message: "a count follows a count") }
      node = .repeated(node, range.0, range.1, greedy: !take("?"))
      range = (0, 0)
    }
    return node
  }

  /// `{n}`, `{n,}` or `{n,m}`; other braces are themselves.
  private mutating func count() throws(Regex.Problem) -> (Int, Int?)? {
    let start = i
    i += 1
    guard let low = number() else {
      i = start
      return nil
    }
    var high: Int? = low
    if take(",") { high = number() }
    guard take("}") else {
      i = start
      return nil
    }
    guard low <= 1000, high ?? 0 <= 1000, high == nil || high! >= low else {
      throw Regex.Problem(message: "a count must rise and be at most 1000")
    }
    return (low, high)
  }

  private mutating func number() -> Int? {
    var value: Int?
    while i < pattern.count, (48...57).contains(pattern[i]), value ?? 0 < 100_000 {
      value = (value ?? 0) * 10 + Int(pattern[i] - 48)
      i += 1
    }
    return value
  }

  private mutating func atom() throws(Regex.Problem) -> Regex.Node {
    if take("(") { return try group() }
    if take("[") { return try characterClass() }
    if take("^") { return .start }
    if take("$") { return .end }
    if take(".") { return .set([0...9, 11...0x10FFFF]) }
    if at("*") || at("+") || at("?") { throw Regex.Problem(message: "a count stands before what it counts") }
    if take("\\") {
      guard i < pattern.count else { throw Regex.Problem(message: "it ends with a backslash") }
      if take("b") { return .boundary }
      if take("B") { return .noBoundary }
      return .set(try escape())
    }
    let scalar = pattern[i]
    i += 1
    return .set(cased([scalar...scalar]))
  }

  private mutating func group() throws(Regex.Problem) -> Regex.Node {
    var number: Int?
    let outer = ignoreCase
    if take("?") {
      if take(":") {
      } else if take("i") {
        ignoreCase = true
        if take(")") { return .empty }
        guard take(":") else { throw Regex.Problem(message: "after `(?i` stands `)` or `:`") }
      } else {
        _ = take("P")
        guard take("<"), !at("="), !at("!") else { throw Regex.Problem(message: "look-around is not supported") }
        var name = ""
        while i < pattern.count, !at(">"), let scalar = Unicode.Scalar(pattern[i]) {
          name.unicodeScalars.append(scalar)
          i += 1
        }
        guard take(">"), !name.isEmpty else { throw Regex.Problem(message: "a group's name has no end") }
        groups += 1
        number = groups
        guard names[name] == nil else { throw Regex.Problem(message: "two groups are named `\(name)`") }
        names[name] = groups
      }
    } else {
      groups += 1
      number = groups
    }
    let node = try choice()
    guard take(")") else { throw Regex.Problem(message: "a `(` is never closed") }
    ignoreCase = outer
    return .group(node, number)
  }

  private static let digit: [ClosedRange<UInt32>] = [48...57]
  private static let word: [ClosedRange<UInt32>] = [48...57, 65...90, 95...95, 97...122]
  private static let space: [ClosedRange<UInt32>] = [9...13, 32...32]

  private mutating func escape() throws(Regex.Problem) -> [ClosedRange<UInt32>] {
    let scalar = pattern[i]
    i += 1
    switch Unicode.Scalar(scalar) {
    case "d": return Self.digit
    case "D": return Self.inverted(Self.digit)
    case "w": return Self.word
    case "W": return Self.inverted(Self.word)
    case "s": return Self.space
    case "S": return Self.inverted(Self.space)
    case "n": return [10...10]
    case "r": return [13...13]
    case "t": return [9...9]
    case "u", "x":
      let width = scalar == 117 ? 4 : 2
      guard i + width <= pattern.count,
        let value = UInt32(String(String.UnicodeScalarView(pattern[i..<i + width].compactMap(Unicode.Scalar.init))), radix: 16)
      else { throw Regex.Problem(message: "an escape lacks hex digits") }
      i += width
      return [value...value]
    default:
      if (48...57).contains(scalar) { throw Regex.Problem(message: "back-references are not supported") }
      if (65...90).contains(scalar) || (97...122).contains(scalar) {
        throw Regex.Problem(message: "`\\\(Character(Unicode.Scalar(scalar)!))` has no meaning")
      }
      return [scalar...scalar]
    }
  }

  private mutating func characterClass() throws(Regex.Problem) -> Regex.Node {
    let negated = take("^")
    var ranges: [ClosedRange<UInt32>] = []
    var first = true
    while i < pattern.count, first || !at("]") {
      first = false
      var low: [ClosedRange<UInt32>]
      if take("\\") {
        guard i < pattern.count else { break }
        low = take("b") ? [8...8] : try escape()
      } else {
        low = [pattern[i]...pattern[i]]
        i += 1
      }
      if at("-"), i + 1 < pattern.count, pattern[i + 1] != 93, low.count == 1, low[0].count == 1 {
        i += 1
        var high = pattern[i]
        i += 1
        if high == 92 {
          guard i < pattern.count, let only = Optional(try escape()), only.count == 1, only[0].count == 1 else {
            throw Regex.Problem(message: "a range ends in a class")
          }
          high = only[0].lowerBound
        }
        guard high >= low[0].lowerBound else { throw Regex.Problem(message: "a range runs backwards") }
        low = [low[0].lowerBound...high]
      }
      ranges += low
    }
    guard take("]") else { throw Regex.Problem(message: "a `[` is never closed") }
    let cased = cased(ranges)
    return .set(negated ? Self.inverted(cased) : cased)
  }

  private func cased(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
    guard ignoreCase else { return ranges }
    var result = ranges
    for range in ranges {
      if let low = Optional(max(range.lowerBound, 65)), let high = Optional(min(range.upperBound, 90)), low <= high {
        result.append(low + 32...high + 32)
      }
      if let low = Optional(max(range.lowerBound, 97)), let high = Optional(min(range.upperBound, 122)), low <= high {
        result.append(low - 32...high - 32)
      }
    }
    return result
  }

  private static func inverted(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
    var result: [ClosedRange<UInt32>] = []
    var next: UInt32 = 0
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if range.lowerBound > next { result.append(next...range.lowerBound - 1) }
      next = max(next, range.upperBound + 1)
    }
    if next <= 0x10FFFF { result.append(next...0x10FFFF) }
    return result
  }
}
