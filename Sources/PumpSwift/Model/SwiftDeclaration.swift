/// What stands at the top of a file or in the body of a type.
enum SwiftDeclaration {
  case property(SwiftProperty)
  case function(SwiftFunction)
  case type(SwiftTypeDeclaration)
  /// `case eur = "EUR"`.
  case enumCase(String, raw: String? = nil)
  case statement(SwiftStatement)
  /// An empty line.
  case blank
}

/// `private let config: Config`.
struct SwiftProperty {
  var docs: String? = nil
  var modifiers = ""
  /// `let`, or `var`.
  var isConstant = true
  let name: String
  var type: SwiftType? = nil
  /// Wide values are written over several lines.
  var value: SwiftExpression? = nil
  /// Of a computed property.
  var getter: [SwiftStatement]? = nil
}

/// `private func run(_ it: Order) throws(EventFailure) { … }`; without a body where a protocol asks for it.
struct SwiftFunction {
  var docs: String? = nil
  var modifiers = ""
  /// `init`, or the name of a `func`.
  let name: String
  let parameters: [SwiftParameter]
  var error: String? = nil
  var result: SwiftType? = nil
  var body: [SwiftStatement]?
}

struct SwiftParameter: Sendable {
  /// `_`, or none where it is the name.
  let label: String?
  let name: String
  let type: SwiftType
  init(label: String? = "_", _ name: String, _ type: SwiftType) { (self.label, self.name, self.type) = (label, name, type) }
}

/// `struct Order: ColumnValue { … }`, or what extends it.
struct SwiftTypeDeclaration {
  var docs: String? = nil
  var modifiers = ""
  /// `struct`, `enum`, `class`, `protocol`, `extension`.
  let kind: String
  let name: String
  var conforms: [String] = []
  var members: [SwiftDeclaration]
}
