#if MongoDB
import PumpConnectorKit

/// A type as documents hold it: the names of its fields as BSON has them, at every depth. Made once for each endpoint.
final class Layout {
  let shape: Shape
  /// Names of a record's fields.
  let names: [Text]
  /// Of a record's fields, or of the elements of lists and maps.
  let children: [Layout]
  /// The field that holds what an open record does not name.
  let rest: Int?
  private let memory = Arena(chunkSize: 1 << 10)

  init(_ shape: Shape) {
    self.shape = shape
    switch shape.kind {
    case .record: children = shape.fields.map { Layout($0.shape) }
    case .list: children = [Layout(shape.element!)]
    case .map: children = [Layout(shape.element!.fields[1].shape)]
    default: children = []
    }
    let memory = self.memory
    rest = shape.rest
    names = shape.kind == .record ? shape.fields.map { memory.copy($0.wire) } : []
  }

  /// The first name that no field can have. In a path, which queries and updates have, a dot leads to a field of a field; a document that
  /// is inserted takes it as it is, from MongoDB 5 on.
  func misnamed(takesDots: Bool) -> String? {
    for (index, (name, child)) in zip(names, children).enumerated() where index != rest {
      if Self.isMisnamed(name, takesDots: takesDots) { return name.string }
      if let inner = child.misnamed(takesDots: takesDots) { return inner }
    }
    return children.count == 1 && names.isEmpty ? children[0].misnamed(takesDots: takesDots) : nil
  }

  static func isMisnamed(_ name: Text, takesDots: Bool) -> Bool {
    name.isEmpty || name[0] == UInt8(ascii: "$") || name.bytes.contains { $0 == 0 || $0 == UInt8(ascii: ".") && !takesDots }
  }

  /// Whether documents have fields that it does not name.
  var isOpen: Bool { shape.kind == .json || rest != nil }
}

/// Decimal128 (IEEE 754-2008, in its binary form): 34 digits and an exponent.
enum Decimal128 {
  private static let digitLimit: Int128 = 10_000_000_000_000_000_000_000_000_000_000_000
  private static let bias = 6176

  /// Nil if the number needs more than 34 digits.
  static func bits(_ value: Decimal) -> (low: UInt64, high: UInt64)? {
    let plain = value.normalized
    var magnitude = plain.coefficient.magnitude
    var exponent = bias - Int(plain.scale)
    while magnitude >= UInt128(digitLimit) {
      guard magnitude % 10 == 0 else { return nil }
      magnitude /= 10
      exponent += 1
    }
    let sign: UInt64 = plain.coefficient < 0 ? 1 << 63 : 0
    return (UInt64(truncatingIfNeeded: magnitude), sign | UInt64(exponent) << 49 | UInt64(truncatingIfNeeded: magnitude >> 64))
  }

  /// Nil for infinity and what is not a number, and where `Decimal` has too few digits for it.
  static func value(_ low: UInt64, _ high: UInt64) -> Decimal? {
    guard high >> 58 & 0x1F < 0x1E else { return nil }
    let isLarge = high >> 61 & 3 == 3
    let exponent = Int(isLarge ? high >> 47 & 0x3FFF : high >> 49 & 0x3FFF) - bias
    // A coefficient of more than 34 digits counts as zero; the large form has no others.
    var coefficient = isLarge ? 0 : Int128(high & 0x1_FFFF_FFFF_FFFF) << 64 | Int128(low)
    if coefficient >= digitLimit { coefficient = 0 }
    if coefficient == 0 { return Decimal(0) }
    var scale = -exponent
    while scale > 38, coefficient % 10 == 0 {
      coefficient /= 10
      scale -= 1
    }
    while scale < 0 {
      guard coefficient < 10_000_000_000_000_000_000_000_000_000_000_000_000 else { return nil }
      coefficient *= 10
      scale += 1
    }
    guard scale <= 38 else { return nil }
    return Decimal(high >> 63 == 1 ? -coefficient : coefficient, scale: Int32(scale))
  }
}
#endif
