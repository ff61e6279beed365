/// Pattern text to nodes.
struct RegexParser {
  private let pattern: [UInt32]
  private var i = 0
  private var depth = 0
  private var flags = Flags()
  var groups = 0
  var names: [String: Int] = [:]

  private struct Flags {
    /// `i`: letters of both cases are alike.
    var ignoresCase = false
    /// `s`: the dot takes line feeds too.
    var dotTakesAll = false
    /// `m`: `^` and `$` hold at the ends of lines.
    var isMultiline = false
  }

  init(_ text: String) { pattern = text.unicodeScalars.map(\.value) }

  private func at(_ character: Unicode.Scalar) -> Bool { i < pattern.count && pattern[i] == character.value }
  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard at(character) else { return false }
    i += 1
    return true
  }
  /// Part of the pattern for a message.
  private func excerpt(_ range: Range<Int>) -> String {
    Shape.clean(String(String.UnicodeScalarView(pattern[range.clamped(to: 0..<pattern.count)].prefix(20).compactMap(Unicode.Scalar.init))))
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

  // MARK: Counts

  private mutating func counted() throws(Regex.Problem) -> Regex.Node {
    let start = i
    var node = try atom()
    while i < pattern.count {
      var range: (Int, Int?)
      if take("*") {
        range = (0, nil)
      } else if take("+") {
        range = (1, nil)
      } else if take("?") {
        range = (0, 1)
      } else if at("{"), case .assertion = node {
        // Elsewhere `\b{start}` is an anchor of its own; as text it would never be found.
        throw Regex.Problem(message: "braces cannot follow `\(excerpt(start..<i))`")
      } else if at("{"), let count = try count() {
        range = count
      } else {
        break
      }
      if case .repeated(_, _, _, _) = node { throw Regex.Problem(message: "a count follows a count") }
      node = .repeated(node, range.0, range.1, greedy: !take("?"))
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

  // MARK: What is counted

  private mutating func atom() throws(Regex.Problem) -> Regex.Node {
    if take("(") { return try group() }
    if take("[") { return try characterClass() }
    if take("^") { return .assertion(flags.isMultiline ? .lineStart : .start) }
    if take("$") { return .assertion(flags.isMultiline ? .lineEnd : .end) }
    if take(".") { return .set(ScalarSet(flags.dotTakesAll ? [0...0x10FFFF] : [0...9, 11...0x10FFFF])) }
    if at("*") || at("+") || at("?") { throw Regex.Problem(message: "a count stands before what it counts") }
    if take("\\") {
      guard i < pattern.count else { throw Regex.Problem(message: "it ends with a backslash") }
      if take("b") { return .assertion(.boundary) }
      if take("B") { return .assertion(.noBoundary) }
      if take("A") { return .assertion(.start) }
      if take("z") { return .assertion(.end) }
      return .set(ScalarSet(cased(try escape())))
    }
    let scalar = pattern[i]
    i += 1
    return .set(ScalarSet(cased([scalar...scalar])))
  }

  private mutating func group() throws(Regex.Problem) -> Regex.Node {
    var number: Int?
    let outer = flags
    if take("?") {
      if at("<") || at("P") {
        number = try name()
      } else if try setFlags() {
        // `(?i)` holds up to the end of the group that it stands in.
        return .empty
      }
    } else {
      groups += 1
      number = groups
    }
    let node = try choice()
    guard take(")") else { throw Regex.Problem(message: "a `(` is never closed") }
    flags = outer
    return .group(node, number)
  }

  /// `?<name>` or `?P<name>`: the group's number.
  private mutating func name() throws(Regex.Problem) -> Int {
    _ = take("P")
    guard take("<") else { throw Regex.Problem(message: "a group's name stands in `(?<name>…)`") }
    if at("=") || at("!") { throw Regex.Problem(message: "look-around is not supported: `(?<\(excerpt(i..<i + 1))`") }
    var name = ""
    while i < pattern.count, !at(">"), let scalar = Unicode.Scalar(pattern[i]) {
      name.unicodeScalars.append(scalar)
      i += 1
    }
    guard take(">"), !name.isEmpty else { throw Regex.Problem(message: "a group's name has no end") }
    groups += 1
    guard names[name] == nil else { throw Regex.Problem(message: "two groups are named `\(Shape.clean(name))`") }
    names[name] = groups
    return groups
  }

  /// Flags before `:` or `)`; whether they stand alone.
  private mutating func setFlags() throws(Regex.Problem) -> Bool {
    let start = i
    if at("=") || at("!") { throw Regex.Problem(message: "look-around is not supported: `(?\(excerpt(i..<i + 1))`") }
    var value = true
    while i < pattern.count, !at(":"), !at(")") {
      switch Unicode.Scalar(pattern[i]) {
      case "-" where value: value = false
      case "i": flags.ignoresCase = value
      case "s": flags.dotTakesAll = value
      case "m": flags.isMultiline = value
      default: throw Regex.Problem(message: "`(?\(excerpt(start..<i + 1))` is not supported: the flags are `i`, `m` and `s`")
      }
      i += 1
    }
    guard i < pattern.count else { throw Regex.Problem(message: "a `(` is never closed") }
    i += 1
    if pattern[i - 1] == 0x3A { return false }
    guard i - 1 > start else { throw Regex.Problem(message: "`(?)` has no flag") }
    return true
  }

  // MARK: Sets of characters

  private mutating func escape() throws(Regex.Problem) -> [ClosedRange<UInt32>] {
    let scalar = pattern[i]
    i += 1
    switch Unicode.Scalar(scalar) {
    case "d": return ScalarClasses.digit.ranges
    case "D": return ScalarClasses.digit.inverted.ranges
    case "w": return ScalarClasses.word.ranges
    case "W": return ScalarClasses.word.inverted.ranges
    case "s": return ScalarClasses.space.ranges
    case "S": return ScalarClasses.space.inverted.ranges
    case "p", "P": return try category(negated: scalar == 0x50)
    case "n": return [10...10]
    case "r": return [13...13]
    case "t": return [9...9]
    case "u", "x": return try hexadecimal(width: scalar == 0x75 ? 4 : 2)
    default:
      if (48...57).contains(scalar) { throw Regex.Problem(message: "back-references are not supported") }
      if (65...90).contains(scalar) || (97...122).contains(scalar) {
        throw Regex.Problem(message: "`\\\(Character(Unicode.Scalar(scalar)!))` has no meaning")
      }
      return [scalar...scalar]
    }
  }

  /// `\x41`, `\u0041`, or either with the digits in braces.
  private mutating func hexadecimal(width: Int) throws(Regex.Problem) -> [ClosedRange<UInt32>] {
    var value: UInt32 = 0
    var digits = 0
    let braces = take("{")
    while i < pattern.count, digits < (braces ? 8 : width), let byte = UInt8(exactly: pattern[i]), let digit = hexValue(byte) {
      value = value << 4 | UInt32(digit)
      digits += 1
      i += 1
    }
    guard braces ? digits > 0 && take("}") : digits == width else { throw Regex.Problem(message: "an escape lacks hex digits") }
    guard Unicode.Scalar(value) != nil else { throw Regex.Problem(message: "an escape names no character") }
    return [value...value]
  }

  /// `\p{Lu}`, `\pL`, `\p{^L}`: a general category of Unicode.
  private mutating func category(negated: Bool) throws(Regex.Problem) -> [ClosedRange<UInt32>] {
    var negated = negated
    var name = ""
    if take("{") {
      if take("^") { negated.toggle() }
      while i < pattern.count, !at("}"), let scalar = Unicode.Scalar(pattern[i]) {
        name.unicodeScalars.append(scalar)
        i += 1
      }
      guard take("}") else { throw Regex.Problem(message: "a category has no end") }
    } else if i < pattern.count, let scalar = Unicode.Scalar(pattern[i]) {
      name.unicodeScalars.append(scalar)
      i += 1
    }
    guard let set = ScalarClasses.category(name) else {
      throw Regex.Problem(
        message: "`\\p{\(Shape.clean(name))}` is not supported: it takes Unicode's categories, such as `\\p{L}` and `\\p{Lu}`")
    }
    return negated ? set.inverted.ranges : set.ranges
  }

  private mutating func characterClass() throws(Regex.Problem) -> Regex.Node {
    let negated = take("^")
    var ranges: [ClosedRange<UInt32>] = []
    var first = true
    while i < pattern.count, first || !at("]") {
      first = false
      if at("["), i + 1 < pattern.count, pattern[i + 1] == 0x3A, let named = try namedClass() {
        ranges += named
        continue
      }
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
    let set = ScalarSet(cased(ranges))
    return .set(negated ? set.inverted : set)
  }

  /// `[:alpha:]` within a class; nil if no `:]` follows, and then it is text.
  private mutating func namedClass() throws(Regex.Problem) -> [ClosedRange<UInt32>]? {
    var end = i + 2
    while end < pattern.count, pattern[end] == 0x5E || (97...122).contains(pattern[end]) { end += 1 }
    guard end + 1 < pattern.count, pattern[end] == 0x3A, pattern[end + 1] == 0x5D else { return nil }
    let negated = pattern[i + 2] == 0x5E
    let name = excerpt(i + (negated ? 3 : 2)..<end)
    guard let set = ScalarClasses.posix[name] else { throw Regex.Problem(message: "`[:\(name):]` is no class of characters") }
    i = end + 2
    return negated ? set.inverted.ranges : set.ranges
  }

  private func cased(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
    flags.ignoresCase ? ranges + ScalarClasses.otherCases(ranges) : ranges
  }
}
