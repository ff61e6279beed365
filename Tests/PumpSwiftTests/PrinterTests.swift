import Testing

@testable import PumpSwift

/// The model of Swift, and its text.
@Suite struct PrinterTests {
  private static func print(_ declarations: SwiftDeclaration...) -> String { SwiftPrinter.print(SwiftFile(declarations: declarations)) }
  private static func print(_ statements: [SwiftStatement]) -> String {
    print(.function(SwiftFunction(name: "f", parameters: [], body: statements)))
  }

  private static let risky = SwiftExpression.call("risky", "a", throws: true)

  @Test func whatThrowsFollowsFromWhatItHolds() {
    #expect(!SwiftExpression.call("f", "a").isThrowing)
    let holders: [SwiftExpression] = [
      Self.risky.dot("x"), .call("f", Self.risky), .call(Self.risky.dot("x"), []), .not(Self.risky), .unwrapped(Self.risky),
      .optionalMember(Self.risky, "x"), .element("a", Self.risky), .element(Self.risky, "a"), .binary("a", "==", Self.risky),
      .conditional(.name("a"), "b", Self.risky), .conditional(Self.risky, "a", "b"), .cast(Self.risky, "Text"),
      .array([.name("a"), Self.risky]),
      .tuple([Self.risky]), .dictionary([(key: SwiftExpression.name("a"), value: Self.risky)]), .labeled("x", Self.risky),
      .interpolation([Self.risky]),
    ]
    for holder in holders { #expect(holder.isThrowing, "\(SwiftPrinter.text(holder))") }
    // A closure keeps it until it is called.
    let closure = SwiftExpression.closure(SwiftClosure(error: "EventFailure", result: "Text", body: [.evaluate(Self.risky)]))
    #expect(!SwiftExpression.call("Fn.attempt", closure).isThrowing)
    #expect(SwiftPrinter.text(closure) == "{ () throws(EventFailure) -> Text in try risky(a) }")
  }

  @Test func oneTryStandsBeforeAWholeStatement() {
    let both = SwiftExpression.call("f", Self.risky, Self.risky)
    #expect(Self.print([.constant("x", both)]) == "func f() { let x = try f(risky(a), risky(a)) }\n")
    #expect(Self.print([.result(both)]) == "func f() { return try f(risky(a), risky(a)) }\n")
    #expect(
      Self.print([.require([.test(both)], otherwise: [.fail(.call("Broken", []))])])
        == "func f() {\n  guard try f(risky(a), risky(a)) else { throw Broken() }\n}\n")
    #expect(Self.print([.when([.binding("x", Self.risky)], [.exit(nil)])]) == "func f() {\n  if let x = try risky(a) { return }\n}\n")
  }

  @Test func textIsEncoded() {
    let hostile = "\"\\(exit(1))\n\u{202E}"
    #expect(SwiftPrinter.text(.string(hostile)) == #""\"\\(exit(1))\n\u{202e}""#)
    #expect(SwiftPrinter.text(.interpolation([.string(hostile), "x"])) == #""\"\\(exit(1))\n\u{202e}\(x)""#)
    let property = SwiftProperty(docs: "one\n*/ two\u{202E}\r\nlet evil = 1", name: "x", type: "Text")
    for line in Self.print(.property(property)).split(separator: "\n").dropLast() { #expect(line.hasPrefix("///")) }
    #expect(
      SwiftPrinter.print(SwiftFile(comments: ["from a\nlet evil = 1"], declarations: [])) == "// from alet evil = 1\n")
  }

  @Test func operatorsAreOneOperandWhole() {
    let sum = SwiftExpression.binary("a", "+", "b")
    #expect(SwiftPrinter.text(.binary(sum, "==", "c")) == "((a + b) == c)")
    #expect(SwiftPrinter.tried(.binary(sum, "==", "c")) == "(a + b) == c")
    #expect(SwiftPrinter.text(.not(sum)) == "!(a + b)")
    #expect(SwiftPrinter.text(.not(.not("a"))) == "!(!a)")
    #expect(SwiftPrinter.text(.optionalMember("a", "b").dot("c")) == "(a?.b).c")
  }

  @Test func wideValuesHaveALineAPart() {
    let long = SwiftExpression.string(String(repeating: "x", count: 60))
    let value = SwiftExpression.call("Outer", .call(".inner", ["a", .labeled("list", .array([.call("f", long), .call("f", long)]))]))
    let x = String(repeating: "x", count: 60)
    #expect(
      Self.print(.property(SwiftProperty(name: "value", value: value))) == """
        let value = Outer(.inner(
          a,
          list: [
            f("\(x)"),
            f("\(x)"),
          ]
        ))

        """)
  }

  @Test func aLineOfTheSpecIsALine() {
    let wide = SwiftExpression.call("f", .string(String(repeating: "x", count: 200)), "b")
    let located = Self.print([.location(file: "a.pump", line: 3), .result(wide), .endOfLocation, .result(wide)])
    let lines = located.split(separator: "\n")
    #expect(lines[1] == "#sourceLocation(file: \"a.pump\", line: 3)")
    #expect(lines[2].hasPrefix("  return f(\"xxx") && lines[2].hasSuffix("\", b)"))
    #expect(lines[3] == "#sourceLocation()")
    #expect(lines[4] == "  return f(" && lines.count == 9)
  }

  @Test func aTrailingClosureStandsAfterItsCall() {
    let body: [SwiftStatement] = [.constant("x", Self.risky), .attempt([.evaluate("x")], otherwise: [.evaluate("error")])]
    let call = SwiftExpression.call("each", ["list"], SwiftClosure(parameters: [("text", nil), ("n", nil)], body: body), throws: true)
    #expect(
      Self.print([.evaluate(call)]) == """
        func f() {
          try each(list) { text, n in
            let x = try risky(a)
            do throws(EventFailure) { x } catch { error }
          }
        }

        """)
  }

  @Test func declarations() {
    let type = SwiftTypeDeclaration(
      docs: "A colour.", modifiers: "public", kind: "enum", name: "Colour", conforms: ["String", "Sendable"],
      members: [
        .enumCase("red"), .enumCase("`default`", raw: "default"), .blank,
        .property(
          SwiftProperty(modifiers: "static", isConstant: false, name: "first", type: .optional("Colour"), getter: [.evaluate(".red")])),
        .function(
          SwiftFunction(
            modifiers: "private", name: "mix",
            parameters: [SwiftParameter("a", .array("Colour")), SwiftParameter(label: nil, "by", "Int")],
            error: "Malformed", result: .generic("List", "Colour"),
            body: [.choose("by", [SwiftCase("0", [.result("a")]), SwiftCase(nil, [.increment("count"), .result("b")])])])),
        .function(SwiftFunction(name: "asked", parameters: [])),
      ])
    #expect(
      Self.print(.type(type)) == """
        /// A colour.
        public enum Colour: String, Sendable {
          case red
          case `default` = "default"

          static var first: Colour? { .red }
          private func mix(_ a: [Colour], by: Int) throws(Malformed) -> List<Colour> {
            switch by {
            case 0: return a
            default:
              count += 1
              return b
            }
          }
          func asked()
        }

        """)
  }
}
