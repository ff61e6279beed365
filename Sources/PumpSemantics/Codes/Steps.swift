/// Findings of the checker: steps.
import PumpSyntax

extension DiagnosticCode {
  public static let wrongStep = DiagnosticCode(
    "P0301", "a step that does not fit the event", .error,
    explanation:
      #"Each step takes events of some types: `decode` Bytes or String, sinks of bytes what `encode` gives, `set` and `drop` records."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
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

  public static let notEnded = DiagnosticCode(
    "P0302", "a chain without an end", .error,
    explanation:
      #"Every chain ends in `sink`, `discard` or `route`, so that no event goes nowhere unsaid."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> encode json
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

  public static let afterEnd = DiagnosticCode(
    "P0303", "a step after the end", .error,
    explanation:
      #"`sink`, `discard` and `route` end a chain. `tee { … }` sends a copy aside and goes on."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> discard
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

  public static let badFormat = DiagnosticCode(
    "P0304", "a format or option that does not exist", .error,
    explanation:
      #"Each format has its own options; `pumpc formats` lists them."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode jsn as T
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

  public static let noElse = DiagnosticCode(
    "P0305", "a route that lets events fall", .warning,
    explanation:
      #"Events that match no branch are dropped and counted as filtered. Say so with `else => discard`, or cover all cases of an enum."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> route {
            when .id > 1 => discard
          }
        on error halt
      }
      """###,
    repaired: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> route {
            when .id > 1 => discard
            else => discard
          }
        on error halt
      }
      """###)

  public static let noErrorRoute = DiagnosticCode(
    "P0306", "failures halt the pipeline", .warning,
    explanation:
      #"An event can fail here: data may not be what the type says. Without `on error` the first failure halts the pipeline. Say what is wanted."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> encode json
          |> sink stdout.lines()
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

  public static let pipelineCycle = DiagnosticCode(
    "P0307", "pipelines in a circle", .error,
    explanation:
      #"Pipelines that feed each other in a circle would wait for themselves."#,
    failing: ###"""
      type T { id: Int }
      pipeline a {
        input T
          |> sink b
      }
      pipeline b {
        input T
          |> sink a
      }
      """###,
    repaired: ###"""
      type T { id: Int }
      pipeline a {
        source generate.records() as T
          |> sink b
      }
      pipeline b {
        input T
          |> discard
      }
      """###)

  public static let notFeedable = DiagnosticCode(
    "P0308", "a pipeline that takes no input", .error,
    explanation:
      #"`sink name` feeds a pipeline that begins with `input T`."#,
    failing: ###"""
      pipeline a {
        source stdin.lines()
          |> sink b
      }
      pipeline b {
        source stdin.lines()
          |> discard
      }
      """###,
    repaired: ###"""
      pipeline a {
        source stdin.lines()
          |> sink b
      }
      pipeline b {
        input Bytes
          |> discard
      }
      """###)

  public static let neverFed = DiagnosticCode(
    "P0309", "a pipeline that nobody feeds", .warning,
    explanation:
      #"A pipeline with `input` gets its events from other pipelines' `sink name`."#,
    failing: ###"""
      type T { id: Int }
      pipeline b {
        input T
          |> discard
      }
      """###,
    repaired: ###"""
      type T { id: Int }
      pipeline b {
        source generate.records() as T
          |> discard
      }
      """###)

  public static let delivery = DiagnosticCode(
    "P0310", "a promise that cannot be kept", .error,
    explanation:
      #"`delivery` is derived from what each endpoint declares it can do; a stronger one that is written is refused."#,
    failing: ###"""
      pipeline p {
        delivery = at_least_once
        source stdin.lines()
          |> sink file.lines("o")
      }
      """###,
    repaired: ###"""
      pipeline p {
        delivery = at_least_once
        source file.lines("i")
          |> sink file.lines("o")
      }
      """###)

  public static let labelCollision = DiagnosticCode(
    "P0311", "two steps with one label", .error,
    explanation:
      #"Labels name steps in configuration, positions, metrics and tests; unlabelled sources and sinks get one from endpoint and literal arguments."#,
    failing: ###"""
      pipeline p {
        source stdin.lines()
          |> tee { sink file.lines("o") }
          |> sink file.lines("o")
        on error halt
      }
      """###,
    repaired: ###"""
      pipeline p {
        source stdin.lines()
          |> tee { sink file.lines("o") }
          |> sink file.lines("o2")
        on error halt
      }
      """###)

  public static let badReply = DiagnosticCode(
    "P0315", "a reply to nobody", .error,
    explanation:
      #"`reply` ends a pipeline whose source takes requests, and gives each sender what became of its event. So it stands behind steps that make one event of one: not behind `expand`, in a `tee` or in `on error`. An event that fails is answered by a problem document, one that is filtered by 204."#,
    failing: ###"""
      pipeline p {
        source file.lines("in.ndjson")
          |> reply
      }
      """###,
    repaired: ###"""
      connection hooks: Webhook { port = 8080 }
      pipeline p {
        source hooks.post("/orders")
          |> reply
      }
      """###)

  static let stepsCodes: [DiagnosticCode] = [
    .wrongStep, .notEnded, .afterEnd, .badFormat, .noElse, .noErrorRoute, .pipelineCycle, .notFeedable, .neverFed, .delivery,
    .labelCollision, .badReply,
  ]
}
