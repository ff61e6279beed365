import Foundation
import PumpCompiler
import PumpTestSupport
import Testing

/// What the checker says of calls and literals.
@Suite struct FunctionCheckTests {
  private func messages(_ expression: String) -> [String] {
    Support.compile(
      """
      type T { ip: String, at: Timestamp }
      pipeline p {
        source stdin.lines() |> decode json as T |> map { x: \(expression) } |> encode json |> sink stdout.lines()
        on error halt
      }
      """
    ).diagnostics.filter { $0.code.severity == .error }.map(\.message)
  }

  @Test("L11: the key of an HMAC is named, and nothing is taken for it") func hmacKey() {
    #expect(messages(#"hmac_sha256(.ip, key: "k")"#).isEmpty && messages(#".ip.hmac_sha256(key: "k")"#).isEmpty)
    for expression in [#"hmac_sha256("k", .ip)"#, #".ip.hmac_sha256("k")"#, "hmac_sha256(.ip)"] {
      let found = messages(expression)
      #expect(found.count == 1 && found[0].contains("`key`"), "\(found)")
    }
  }

  @Test("M15: a flag that is not read is named", arguments: [("(?x)a", "`(?x`"), ("(?=a)", "look-around"), (#"\b{start}"#, "braces")])
  func patterns(_ pattern: String, _ named: String) {
    let found = messages("find(.ip, r\"\(pattern)\")")
    #expect(found.count == 1 && found[0].contains(named), "\(found)")
  }

  @Test("R3: a pattern's size is found by check") func largePattern() {
    #expect(messages(#"find(.ip, r"(?:(?:(?:(?:){1000}){1000}){1000}){1000}")"#).isEmpty)
    #expect(messages(#"find(.ip, r"(?:(?:(?:(?:a){1000}){1000}){1000}){1000}")"#).count == 1)
  }

  @Test("A field that `set` gives a value to is no longer optional, and stays a Float") func setKnows() {
    func found(_ steps: String) -> [String] {
      Support.compile(
        """
        type T { a: Int?, b: Float?, c: String? }
        pipeline p {
          source stdin.lines() |> decode json as T |> \(steps) |> encode json |> sink stdout.lines()
          on error halt
        }
        """
      ).diagnostics.map(\.message)
    }
    #expect(found("set { a: .a ?? 0, b: 1 } |> set { sum: .a + 1, half: .b / 2.5 }").isEmpty)
    #expect(found("set { c: .c?.upper() } |> set { length: length(.c) }").count == 1)
    #expect(found("set { a: null } |> set { a: 5 }").isEmpty)
  }

  @Test(
    "D38: a literal lies within the years 1 to 9999",
    arguments: ["0001-01-01T00:00:00+02:00", "9999-12-31T23:00:00-02:00", "0000-01-01T00:00:00Z", "0000-12-31"])
  func literals(_ literal: String) { #expect(messages(literal).count == 1) }
}
