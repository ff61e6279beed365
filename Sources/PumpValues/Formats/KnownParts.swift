/// The fields that a format names itself, in an enum of its own from which its reference and its check are made.
protocol KnownPart: CaseIterable, RawRepresentable where RawValue == Int {
  var field: FormatSpec.KnownField { get }
}

extension KnownPart {
  static var fields: [FormatSpec.KnownField] { allCases.map(\.field) }
}

/// The texts of such fields in one record; the type says which of them it wants.
struct PartTexts<Part: KnownPart> {
  /// For each field of the type, the part that it is; nil if it is none of them.
  private let parts: [Int?]
  private var texts: [Text?]

  init(_ shape: Shape) {
    let names = Part.fields.map(\.name)
    parts = shape.fields.map { names.firstIndex(of: $0.wire) }
    texts = Array(repeating: nil, count: names.count)
  }

  mutating func clear() { for index in texts.indices { texts[index] = nil } }
  subscript(part: Part) -> Text? {
    get { texts[part.rawValue] }
    set { texts[part.rawValue] = newValue }
  }
  /// The place of the field that wants the part.
  func place(of part: Part) -> Int? { parts.firstIndex(of: part.rawValue) }
  func isPart(_ place: Int) -> Bool { parts[place] != nil }
  func text(_ place: Int) -> Text? { parts[place].flatMap { texts[$0] } }

  func fill(_ column: Column, _ row: Int, _ c: Context) -> String? { Fields.fill(column, row, c, text) }
}
