/// Findings of the checker: names.
import PumpSyntax

extension DiagnosticCode {
  public static let unknownName = DiagnosticCode(
    "P0101", "an unknown name", .error,
    explanation:
      #"A bare name is a local, a parameter, or a case of the enum that is expected at its place. Fields of the event are written with a dot."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> filter name == "a"
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
          |> filter .name == "a"
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let unknownType = DiagnosticCode(
    "P0102", "an unknown type", .error,
    explanation:
      #"Types are the built-in ones and those declared with `type` and `enum` in this program's files."#,
    failing: ###"""
      type T { id: Int, name: String, note: Strin? }
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

  public static let unknownFunction = DiagnosticCode(
    "P0103", "an unknown function", .error,
    explanation:
      #"Functions are the library's, see `pumpc functions`, and those declared with `fn`."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> set { name: uper(.name) }
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
          |> set { name: upper(.name) }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let duplicate = DiagnosticCode(
    "P0106", "declared twice", .error,
    explanation:
      #"Within one namespace every name is declared once; a record's fields and an enum's cases differ from each other, also on the wire."#,
    failing: ###"""
      type T { id: Int, name: String, name: String? }
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

  public static let unknownField = DiagnosticCode(
    "P0107", "an unknown field", .error,
    explanation:
      #"The event at this step has no such field. The message shows what it has; earlier steps may have dropped or renamed it."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> filter .nmae == "a"
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
          |> filter .name == "a"
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let unused = DiagnosticCode(
    "P0109", "a declaration that nothing uses", .warning,
    explanation:
      #"Types, functions, stages and configuration keys that nothing reads are noise, or a sign that a name was mistyped elsewhere."#,
    failing: ###"""
      fn f() -> Int = 1
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

  public static let takenName = DiagnosticCode(
    "P0112", "a name with a meaning of its own", .error,
    explanation:
      #"file, stdin, stdout, timer, generate, merge, meta, config and env, the built-in types and the library's functions cannot be declared again, and no stage has the name of a step, be it one that the language will have: time, group, join, dedupe, previous, running, fold, order, reply."#,
    failing: ###"""
      fn upper(x: Int) -> Int = x
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> set { id: upper(.id) }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      fn next(x: Int) -> Int = x
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> set { id: next(.id) }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let badImport = DiagnosticCode(
    "P0113", "an import that cannot be read", .error,
    explanation:
      #"`import "path"` names a file beside this one or a folder of specs; the path is relative to the importing file."#,
    failing: ###"""
      import "missing.pump"
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

  public static let unknownCase = DiagnosticCode(
    "P0114", "an unknown case of an enum", .error,
    explanation:
      #"The enum has no such case."#,
    failing: ###"""
      enum C { EUR, USD }
      type T { c: C }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> filter .c == EURO
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      enum C { EUR, USD }
      type T { c: C }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> filter .c == EUR
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  static let namesCodes: [DiagnosticCode] = [
    .unknownName, .unknownType, .unknownFunction, .unknownConnection, .unknownConnector, .duplicate, .unknownField, .unusedConnection,
    .unused, .unknownEndpoint, .unknownPipeline, .takenName, .badImport, .unknownCase, .unknownStage, .unknownPattern,
  ]
}
