import PumpPlan

/// Prints values of the program's model as the Swift that makes them again. It reads them by reflection, so that a new
/// property of the model is printed with no word here. The model keeps to three rules: an initialiser takes the stored
/// properties by their names and in their order; nil, empty and false are its defaults; records and enums of the spec are
/// known to the type renderer.
struct LiteralPrinter {
  let types: TypeRenderer

  /// Writes `head`, the value and `tail`, on one line if it fits.
  func print(_ value: Any, head: String = "", tail: String = "", _ out: inout SwiftWriter) { render(node(value), head, tail, &out) }

  func line(_ value: Any) -> String { node(value).line }

  private indirect enum Node {
    case text(String)
    case group(open: String, [(label: String?, node: Node)], close: String)

    var line: String {
      switch self {
      case .text(let text): text
      case .group(let open, let items, let close):
        open + items.map { item in (item.label.map { "\($0): " } ?? "") + item.node.line }.joined(separator: ", ") + close
      }
    }
  }

  /// Longer than this, each part stands on a line of its own.
  private static let width = 110

  private func render(_ node: Node, _ head: String, _ tail: String, _ out: inout SwiftWriter) {
    let line = head + node.line + tail
    guard line.count > Self.width, case .group(let open, let items, let close) = node, !items.isEmpty else { return out.line(line) }
    out.block(head + open, tail: close + tail) { out in
      for (index, item) in items.enumerated() {
        let isLast = index == items.count - 1
        render(item.node, item.label.map { "\($0): " } ?? "", isLast && close == ")" ? "" : ",", &out)
      }
    }
  }

  private func node(_ value: Any) -> Node {
    let mirror = Mirror(reflecting: value)
    if mirror.displayStyle == .optional { return mirror.children.first.map { node($0.value) } ?? .text("nil") }
    switch value {
    case let type as Type: return .text(types.literal(type))
    case let record as RecordType: return .text(types.literal(record))
    case let field as Field: return .text(types.literal(field))
    case let text as String: return .text(Swift.string(text))
    case is Int, is Int64, is Double, is Bool: return .text("\(value)")
    default: break
    }
    switch mirror.displayStyle {
    case .collection: return .group(open: "[", mirror.children.map { (nil, node($0.value)) }, close: "]")
    case .enum:
      guard let payload = mirror.children.first else { return .text(".\(Swift.name("\(value)"))") }
      let parts = Mirror(reflecting: payload.value)
      let items = parts.displayStyle == .tuple ? parts.children.map { ($0.label, $0.value) } : [(nil, payload.value)]
      return .group(
        open: ".\(payload.label!)(", items.map { label, part in (label.flatMap { $0.hasPrefix(".") ? nil : $0 }, node(part)) }, close: ")")
    default:
      let name = String(reflecting: type(of: value)).split(separator: ".").dropFirst().joined(separator: ".")
      let properties = mirror.children.filter { !isDefault($0.value) }
      return .group(open: "\(name)(", properties.map { ($0.label, node($0.value)) }, close: ")")
    }
  }

  /// Nil, empty or false: what an initialiser takes to be meant where nothing is written.
  private func isDefault(_ value: Any) -> Bool {
    if let record = value as? RecordType { return record.fields.isEmpty }
    if let flag = value as? Bool { return !flag }
    let mirror = Mirror(reflecting: value)
    return (mirror.displayStyle == .optional || mirror.displayStyle == .collection) && mirror.children.isEmpty
  }
}
