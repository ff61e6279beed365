import PumpPlan

/// Values of the program's model as the Swift that makes them again. It reads them by reflection, so that a new property of
/// the model is written with no word here. The model keeps to three rules: an initialiser takes the stored properties by their
/// names and in their order; nil, empty and false are its defaults; records and enums of the spec are known to the types.
struct LiteralTranslator {
  let types: TypeTranslator

  func translate(_ value: Any) -> SwiftExpression {
    let mirror = Mirror(reflecting: value)
    if mirror.displayStyle == .optional { return mirror.children.first.map { translate($0.value) } ?? "nil" }
    switch value {
    case let type as Type: return types.literal(type)
    case let record as RecordType: return types.literal(record)
    case let field as Field: return types.literal(field)
    case let text as String: return .string(text)
    case is Int, is Int64, is Double, is Bool: return .number("\(value)")
    default: break
    }
    switch mirror.displayStyle {
    case .collection: return .array(mirror.children.map { translate($0.value) })
    case .enum:
      // Behind a point each of their names may stand as it is.
      guard let payload = mirror.children.first else { return .name(".\(value)") }
      let parts = Mirror(reflecting: payload.value)
      let items = parts.displayStyle == .tuple ? parts.children.map { ($0.label, $0.value) } : [(nil, payload.value)]
      return .call(.name(".\(payload.label!)"), items.map { label, part in argument(label.flatMap { $0.hasPrefix(".") ? nil : $0 }, part) })
    default:
      // With its module: a type of the spec may have the same name.
      let name = String(reflecting: type(of: value))
      return .call(.name(name), mirror.children.filter { !isDefault($0.value) }.map { argument($0.label, $0.value) })
    }
  }

  private func argument(_ label: String?, _ value: Any) -> SwiftExpression {
    label.map { .labeled($0, translate(value)) } ?? translate(value)
  }

  /// Nil, empty or false: what an initialiser takes to be meant where nothing is written.
  private func isDefault(_ value: Any) -> Bool {
    if let record = value as? RecordType { return record.fields.isEmpty }
    if let flag = value as? Bool { return !flag }
    let mirror = Mirror(reflecting: value)
    return (mirror.displayStyle == .optional || mirror.displayStyle == .collection) && mirror.children.isEmpty
  }
}
