import PumpPlan
import PumpRuntime
import PumpSemantics
import Testing

@testable import PumpInterpreter

/// The table of functions and operators, and what runs them. That generated code has each of them is what compiling the sweep
/// of all overloads shows.
@Suite struct KernelTests {
  private static func types(_ pattern: PumpSemantics.Pattern, _ variable: Type) -> Type {
    switch pattern {
    case .type(let type): type
    case .variable: variable
    case .list(let element): .list(types(element, variable))
    case .map(let element): .map(types(element, variable))
    case .optional(let base): types(base, variable).asOptional
    case .lambda(_, let result): types(result, variable)
    }
  }

  @Test("every signature of the table has a kernel", arguments: FunctionSpec.entries.keys.sorted()) func kernels(_ name: String) {
    let record = Type.record(RecordType(name: "R", fields: [.init("a", .int)]))
    for signature in FunctionSpec.entries[name]!.signatures {
      for variable in [Type.int, .string, .decimal, .timestamp, record, .list(.int), .map(.string), .optional(.float)] {
        let arguments = signature.parameters.map { Self.types($0.pattern, variable) }
        let nodes = arguments.map { Node(filled: Column(Shape.of($0))) }
        if signature.parameters.contains(where: { if case .lambda = $0.pattern { true } else { false } }) {
          #expect(ListKernels.withLambda.contains(name), "\(signature.text)")
        } else {
          let node = Kernels.node(name, nodes, arguments.map { Shape.of($0) }, Shape.of(Self.types(signature.result, variable)))
          #expect(node != nil, "\(signature.text) of \(variable)")
        }
      }
    }
  }

  /// The checker takes the signs of a time's pattern from the documentation: no others have a meaning at run time.
  @Test func signsOfTimesAreDocumented() throws {
    let c = Context()
    let (time, utc) = (try Fn.toTimestamp(c.arena.copy("2026-03-04T05:06:07Z"), c), c.arena.copy("UTC"))
    func hasMeaning(_ body: () throws(EventFailure) -> Void) -> Bool {
      do throws(EventFailure) { try body() } catch { return !error.message.contains("has no meaning") }
      return true
    }
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz%" {
      let pattern = c.arena.copy("%\(letter)")
      func isDocumented(_ name: String) -> Bool { FunctionSpec.byName[name]!.docs.contains("%\(letter)") }
      #expect(
        hasMeaning { () throws(EventFailure) in _ = try Fn.formatTime(time, pattern, utc, c) } == isDocumented("format_time"), "\(letter)")
      #expect(
        hasMeaning { () throws(EventFailure) in _ = try Fn.parseTime(utc, pattern, utc, c) } == isDocumented("parse_time"), "\(letter)")
    }
  }

  /// A kernel that no signature names is dead, or misspelt.
  @Test func nothingElseIsRegistered() {
    let names = Set(Kernels.table.keys.map { String($0.prefix { $0 != "(" }) })
    #expect(names.subtracting(FunctionSpec.entries.keys).isEmpty)
  }

  @Test func entriesAreDocumented() {
    for function in FunctionSpec.entries.values {
      #expect(!function.docs.isEmpty && !function.example.isEmpty && !function.signatures.isEmpty)
    }
  }
}
