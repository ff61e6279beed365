import Foundation
import PumpTestSupport
import Testing

@testable import PumpValues

@Suite struct JSONTests {
  private func accepts(_ bytes: [UInt8]) -> Bool {
    let arena = Arena()
    let text = bytes.withUnsafeBufferPointer { arena.copy($0) }
    (UnsafeMutablePointer(mutating: text.base) + text.count).pointee = 0
    return Shape.json.read(text, into: Column(.json), 0, arena, JSONOptions())
  }

  @Test(arguments: [
    "[]", "{}", "[1,2]", "{\"a\":1}", " [ ] ", "1", "-0", "1e5", "1.5E-3", "\"\\u00e9\\n\"", "\"\\ud83d\\ude00\"", "[[[]]]",
    "{\"a\":{\"b\":[true,false,null]}}", "\"é\"",
  ])
  func valid(_ text: String) { #expect(accepts(Array(text.utf8))) }

  @Test(arguments: [
    "", " ", "[", "]", "{", "[1,]", "{\"a\"}", "{\"a\":}", "{a:1}", "[1 2]", "01", "1.", ".5", "+1", "1e", "nul", "True", "\"", "\"\\x\"",
    "\"\\ud800\"", "\"\\u12\"", "\"\t\"", "[1]]", "{\"a\":1,}", "-", "--1",
    "1e5.5", "[\"a\",\n", "{\"a\":1", "\"a",
  ])
  func invalid(_ text: String) { #expect(!accepts(Array(text.utf8))) }

  @Test(
    arguments: [
      [0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22], [0x22, 0xF4, 0x90, 0x80, 0x80, 0x22],
      [0x22, 0xE2, 0x82, 0x22],
    ] as [[UInt8]])
  func notUTF8(_ bytes: [UInt8]) { #expect(!accepts(bytes)) }

  @Test func deepNestingIsRefused() {
    for sign in ["[", "{\"a\":"] { #expect(!accepts(Array(String(repeating: sign, count: 100_000).utf8))) }
    let deep = String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
    #expect(accepts(Array(deep.utf8)))
  }

  /// Foundation is the judge of random mutations of valid texts; it is laxer in nothing that matters here.
  @Test func mutations() {
    var random = Support.Random(4)
    let base = Array("{\"id\":1,\"name\":\"Ž\\u0061\",\"list\":[1.5,-2e3,true,null,{\"x\":\"y\"}]}".utf8)
    let signs = Array("{}[]\",:0-.e\\u t\n".utf8)
    for _ in 0..<20_000 {
      var bytes = base
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = signs.randomElement(using: &random)!
      }
      if accepts(bytes) {
        #expect(
          (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil,
          "\(String(decoding: bytes, as: UTF8.self))")
      }
    }
  }

  private static let order = Shape.record(
    "Order",
    [
      .init("id", .int), .init("amount", .decimal), .init("items", .list(.record("Item", [.init("sku", .string)])), value: "[]"),
      .init("note", Shape.string.optional),
    ])

  @Test(arguments: [
    ("{\"id\":1}", ".amount: missing, expected Decimal"), ("{\"id\":\"x\",\"amount\":1}", ".id: expected Int, found \"x\""),
    ("{\"id\":1,\"amount\":1,\"items\":[{\"sku\":\"a\"},{}]}", ".items[1].sku: missing, expected String"),
    ("{\"id\":01,\"amount\":1}", "not valid JSON at byte 7: found 1,\"amount\":1}"),
    ("{\"id\":1.5,\"amount\":1}", ".id: expected Int, found 1.5"),
    ("{\"id\":9223372036854775808,\"amount\":1}", ".id: expected Int, found 9223372036854775808"),
    (
      "{\"id\":1,\"amount\":\"7.01\"}",
      ".amount: expected Decimal, found \"7.01\"; a number in quotes is a text: declare it as String, and convert it by `to_decimal`"
    ),
    ("{\"id\":\"\",\"amount\":1}", ".id: expected Int, found \"\""),
    ("[]", "the event: expected Order, found []"), ("nope", "not valid JSON at byte 0: found nope"),
    ("{\"id\":1,", "not valid JSON: it ends at byte 8 before it is complete"),
    ("{\"id\":1,\"amount\":null}", ".amount: expected Decimal, found null"),
  ])
  func failuresName(_ text: String, _ message: String) {
    let arena = Arena()
    let copy = arena.copy(text)
    (UnsafeMutablePointer(mutating: copy.base) + copy.count).pointee = 0
    #expect(!Self.order.read(copy, into: Column(Self.order), 0, arena, JSONOptions()))
    #expect(Self.order.explain(copy, JSONOptions()) == message)
  }
}
