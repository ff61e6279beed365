/// Findings of the checker: tests.
import PumpSyntax

extension DiagnosticCode {
  public static let badSubject = DiagnosticCode(
    "P0601", "a test of something that is not there", .error,
    explanation:
      #"`given`, `expect` and `given lookup` name a source, sink or lookup of the pipeline under test, as it stands there or by its label; `expect @label` sees what passed any labelled step, or came to one that ends the chain."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      test "t" for p {
        expect file.lines("x") == []
      }
      """###,
    repaired: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      test "t" for p {
        expect stdout.lines() == []
      }
      """###)

  public static let badTestData = DiagnosticCode(
    "P0602", "test data that do not fit", .error,
    explanation:
      #"A test's data are literals with all fields of the type that the pipeline reads; more fields are skipped as `decode json` skips them, and broken input is given as text."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      test "t" for p {
        given json { id: 1 }
        expect count(errors) == 0
      }
      """###,
    repaired: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      test "t" for p {
        given json { id: 1, name: "a" }
        expect count(errors) == 0
      }
      """###)

  static let testsCodes: [DiagnosticCode] = [.badSubject, .badTestData]
}
