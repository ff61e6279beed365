/// Findings of the checker: names of connections, connectors, endpoints, pipelines and stages.
import PumpSyntax

extension DiagnosticCode {
  public static let unknownConnection = DiagnosticCode(
    "P0104", "an unknown connection", .error,
    explanation:
      #"An endpoint is written `connection.endpoint(…)`: the connection is declared in this program, or it is one of file, stdin, stdout, timer and generate."#,
    failing: ###"""
      pipeline p {
        source fil.lines("in.txt")
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      pipeline p {
        source file.lines("in.txt")
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let unknownConnector = DiagnosticCode(
    "P0105", "an unknown kind of connection", .error,
    explanation:
      #"The kind after the colon is the name of a connector; `pumpc connectors` lists them."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      connection db: SQLlite { path = "a.db" }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> sink db.table("t")
        on error halt
      }
      """###,
    repaired: ###"""
      type T { id: Int, name: String, note: String? }
      connection db: SQLite { path = "a.db" }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> sink db.table("t")
        on error halt
      }
      """###)

  public static let unusedConnection = DiagnosticCode(
    "P0108", "a connection that nothing uses", .warning,
    explanation:
      #"Every declared connection is opened by the pipelines that name it; none names this one."#,
    failing: ###"""
      connection db: SQLite { path = "a.db" }
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> encode json
          |> sink stdout.lines()
        on error halt
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
      """###)

  public static let unknownEndpoint = DiagnosticCode(
    "P0110", "an unknown endpoint", .error,
    explanation:
      #"The connector has no such source, sink or lookup; `pumpc connectors NAME` lists what it has."#,
    failing: ###"""
      pipeline p {
        source file.linse("in.txt")
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      pipeline p {
        source file.lines("in.txt")
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let unknownPipeline = DiagnosticCode(
    "P0111", "an unknown pipeline", .error,
    explanation:
      #"A test names a pipeline of this program."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      test "t" for q {
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
        expect count(errors) == 0
      }
      """###)

  public static let unknownStage = DiagnosticCode(
    "P0115", "an unknown stage", .error,
    explanation:
      #"A step with parentheses is a stage that is declared with `stage name(params) on T = |> …`."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> big()
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      type T { id: Int, name: String, note: String? }
      stage big() on T = |> filter .id > 10
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> big()
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let unknownPattern = DiagnosticCode(
    "P0116", "an unknown pattern", .error,
    explanation:
      #"`%{name}` in a pattern stands for one that is declared with `pattern name = r"…"`, or for one of the library, which `pumpc explain patterns` lists. `%{name:group}` makes a named group of it. The text `%{` itself is written `\%{`."#,
    failing: ###"""
      type T { ip: String, rest: String }
      pipeline p {
        source stdin.lines()
          |> decode regex(r"^%{client_ip:ip} %{rest:rest}$") as T
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      type T { ip: String, rest: String }
      pattern client_ip = r"(?:%{ip}|unknown)"
      pipeline p {
        source stdin.lines()
          |> decode regex(r"^%{client_ip:ip} %{rest:rest}$") as T
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)
}
