import PumpSyntax

/// What a name of a program stands for: where it is declared, and every place that uses it, in the order in which they were
/// checked.
public struct Symbol: Sendable {
  /// Configuration keys are named `section.key`, fields `Type.field` and cases `Enum.CASE`.
  public enum Kind: Sendable { case type, field, enumeration, enumCase, function, pattern, stage, configKey, connection, pipeline }
  public let kind: Kind
  public let name: String
  public let declaration: Span
  public fileprivate(set) var uses: [Span] = []
}

/// The declared names of a program. Fields and cases are those of types that have a name; what a step makes anew (`set`, `map`)
/// is declared nowhere.
public struct SymbolIndex: Sendable {
  private struct Key: Hashable {
    let kind: Symbol.Kind
    let name: String
  }
  private struct Place: Hashable {
    let source: ObjectIdentifier
    let start: Int
  }
  public init() {}

  /// In the order of the text.
  public private(set) var symbols: [Symbol] = []
  private var numbers: [Key: Int] = [:]
  /// Bodies of stages are checked at each use: a place counts once.
  private var places: [Place: Int] = [:]

  mutating func declare(_ kind: Symbol.Kind, _ name: String, at span: Span) {
    guard numbers.updateValue(symbols.count, forKey: Key(kind: kind, name: name)) == nil else { return }
    places[Self.place(span)] = symbols.count
    symbols.append(Symbol(kind: kind, name: name, declaration: span))
  }

  /// What was not declared, such as the fields of an event that a step made, is left out.
  mutating func use(_ kind: Symbol.Kind, _ name: String, at span: Span) {
    guard let number = numbers[Key(kind: kind, name: name)], places.updateValue(number, forKey: Self.place(span)) == nil else { return }
    symbols[number].uses.append(span)
  }

  func isUsed(_ kind: Symbol.Kind, _ name: String) -> Bool { self[kind, name].map { !$0.uses.isEmpty } ?? false }

  public subscript(kind: Symbol.Kind, name: String) -> Symbol? { numbers[Key(kind: kind, name: name)].map { symbols[$0] } }

  /// The symbol whose name stands at a byte of a file, as its declaration or as a use.
  public func symbol(at offset: Int, in source: SourceText) -> Symbol? {
    symbols.first { symbol in
      ([symbol.declaration] + symbol.uses).contains { $0.source === source && $0.range.contains(offset) }
    }
  }

  private static func place(_ span: Span) -> Place { Place(source: ObjectIdentifier(span.source), start: span.start) }
}
