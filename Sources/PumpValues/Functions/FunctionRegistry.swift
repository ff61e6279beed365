/// Takes the functions of the language one by one: the interpreter makes a kernel over columns of each.
///
/// A function of scalars is written in two places: its entry in the library's table (`FunctionSpec`: signature, docs, example,
/// whether it fails) and its implementation here, which registers itself at the end of its file under the name that it has in
/// the language. Generated code calls the implementation by that name in camel case. That each signature of the table has
/// an implementation for both is what a test and the Swift compiler see to.
///
/// Registration is inlinable so that the registry's module specialises it: a kernel must not read columns by witness tables.
public protocol FunctionRegistry {
  mutating func add<R: ColumnValue>(_ name: String, _ f: @escaping (Context) throws(EventFailure) -> R)
  mutating func add<A: ColumnValue, R: ColumnValue>(_ name: String, _ f: @escaping (A, Context) throws(EventFailure) -> R)
  mutating func add<A: ColumnValue, B: ColumnValue, R: ColumnValue>(
    _ name: String, _ f: @escaping (A, B, Context) throws(EventFailure) -> R)
  mutating func add<A: ColumnValue, B: ColumnValue, C: ColumnValue, R: ColumnValue>(
    _ name: String, _ f: @escaping (A, B, C, Context) throws(EventFailure) -> R)
  /// `==` of a type.
  mutating func equate<T: Equatable & ColumnValue>(_ type: T.Type)
  /// `==`, `<` and their like of a type.
  mutating func compare<T: Comparable & ColumnValue>(_ type: T.Type)
}

extension Fn {
  /// All functions and operators of scalars. Those of lists and maps of any element are the registry's own.
  @inlinable public static func register<T: FunctionRegistry>(in registry: inout T) {
    register(operators: &registry)
    register(numbers: &registry)
    register(addresses: &registry)
    register(texts: &registry)
    register(patterns: &registry)
    register(times: &registry)
    register(timePatterns: &registry)
    register(encodings: &registry)
    register(json: &registry)
    register(lists: &registry)
  }
}
