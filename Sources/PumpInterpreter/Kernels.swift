import PumpRuntime

/// The library's functions over columns, by name and the kinds of their arguments.
enum Kernels {
  static func key(_ name: String, _ shapes: [Shape]) -> String { name + "(" + shapes.map(kind).joined(separator: ",") + ")" }

  static func kind(_ shape: Shape) -> String {
    let base: String
    switch shape.kind {
    case .list: base = "list<\(kind(shape.element!))>"
    case .map: base = "map"
    default: base = "\(shape.kind)"
    }
    return base + (shape.isOptional ? "?" : "")
  }

  static func kind<T>(_ type: T.Type) -> String {
    switch type {
    case is Int64.Type: "int"
    case is Double.Type: "float"
    case is Decimal.Type: "decimal"
    case is Bool.Type: "bool"
    case is Text.Type: "string"
    case is Blob.Type: "bytes"
    case is Json.Type: "json"
    case is Timestamp.Type: "timestamp"
    case is Day.Type: "date"
    case is Duration.Type: "duration"
    case is Size.Type: "size"
    case is Uuid.Type: "uuid"
    case is List<Int64>.Type: "list<int>"
    case is List<Double>.Type: "list<float>"
    case is List<Decimal>.Type: "list<decimal>"
    case is List<Text>.Type: "list<string>"
    case is List<Timestamp>.Type: "list<timestamp>"
    default: fatalError("a kernel's argument is of a type without a name here: \(type)")
    }
  }

  /// What runs a function over columns of some shapes; nil if nothing does.
  static func node(_ name: String, _ nodes: [Node], _ shapes: [Shape], _ result: Shape) -> Node? {
    if let kernel = table[key(name, nodes.map(\.column.shape))] ?? table[key(name, shapes)] { return kernel(nodes, result) }
    return ListKernels.make(name, nodes, result)
  }

  /// Built once and never changed; its functions keep nothing between calls. Read by every pipeline while it is compiled.
  nonisolated(unsafe) static let table: [String: Kernel] = {
    var table = Table()
    Fn.register(in: &table)
    table.kernels["equals(enumeration,enumeration)"] = fast(Int64.self, Bool.self) { $0 == $1 }
    return table.kernels
  }()

  struct Table: FunctionRegistry {
    var kernels: [String: Kernel] = [:]
    mutating func add<R: ColumnValue>(_ name: String, _ f: @escaping (Context) throws(EventFailure) -> R) {
      kernels["\(name)()"] = { _, shape in
        let out = Column(shape)
        return rowwise([], out) { (frame, row) throws(EventFailure) in try f(frame.context).write(out, row) }
      }
    }
    mutating func add<A: ColumnValue, R: ColumnValue>(_ name: String, _ f: @escaping (A, Context) throws(EventFailure) -> R) {
      kernels["\(name)(\(kind(A.self)))"] = unary(A.self, R.self, f)
    }
    mutating func add<A: ColumnValue, B: ColumnValue, R: ColumnValue>(
      _ name: String, _ f: @escaping (A, B, Context) throws(EventFailure) -> R
    ) {
      kernels["\(name)(\(kind(A.self)),\(kind(B.self)))"] = binary(A.self, B.self, R.self, f)
    }
    mutating func add<A: ColumnValue, B: ColumnValue, C: ColumnValue, R: ColumnValue>(
      _ name: String, _ f: @escaping (A, B, C, Context) throws(EventFailure) -> R
    ) {
      kernels["\(name)(\(kind(A.self)),\(kind(B.self)),\(kind(C.self)))"] = ternary(A.self, B.self, C.self, R.self, f)
    }
    mutating func equate<T: Equatable & ColumnValue>(_ type: T.Type) {
      kernels["equals(\(kind(type)),\(kind(type)))"] = fast(type, Bool.self) { $0 == $1 }
    }
    mutating func compare<T: Comparable & ColumnValue>(_ type: T.Type) {
      let k = "(\(kind(type)),\(kind(type)))"
      equate(type)
      kernels["less" + k] = fast(type, Bool.self) { $0 < $1 }
      kernels["less_equal" + k] = fast(type, Bool.self) { $0 <= $1 }
      kernels["greater" + k] = fast(type, Bool.self) { $0 > $1 }
      kernels["greater_equal" + k] = fast(type, Bool.self) { $0 >= $1 }
    }
  }
}
