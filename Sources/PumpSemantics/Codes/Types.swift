/// Findings of the checker: types.
import PumpSyntax

extension DiagnosticCode {
  public static let mismatch = DiagnosticCode(
    "P0201", "a value of another type", .error,
    explanation:
      #"Nothing converts by itself but Int to Decimal and Float, and T to T?. Functions such as to_int, to_decimal and to_string convert."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> filter .id == "7"
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
          |> filter .id == 7
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let nullable = DiagnosticCode(
    "P0202", "a value that may be null", .error,
    explanation:
      #"A `T?` is used where a `T` is due. Give a value for null with `??`, reach into it with `?.`, or let only others pass with `filter .x != null`. A test shows it wherever it holds: after `.x != null and`, in `if .x != null then`, in the cases of a `match`, in the branches after `when .x == null`. `.x ?? fail("no x")` sends the event to `on error`."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> set { name: upper(.note) }
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
          |> set { name: upper(.note ?? "") }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let badOperator = DiagnosticCode(
    "P0203", "an operator that these types do not have", .error,
    explanation:
      #"Arithmetic is for numbers, durations and times; order for numbers, texts and times; texts are joined with \( )."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> set { name: .name + "!" }
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
          |> set { name: "\(.name)!" }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let badArguments = DiagnosticCode(
    "P0204", "arguments that do not fit", .error,
    explanation:
      #"The function, stage or endpoint takes other arguments; the message shows its signature."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> set { name: upper() }
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

  public static let notExhaustive = DiagnosticCode(
    "P0205", "a match that leaves cases open", .error,
    explanation:
      #"A `match` has a value for every case of an enum, or an `else`."#,
    failing: ###"""
      enum C { EUR, USD }
      type T { c: C }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> map { n: match .c { EUR => 1 } }
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
          |> map { n: match .c { EUR => 1, USD => 2 } }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let unreachable = DiagnosticCode(
    "P0206", "a branch that is never reached", .warning,
    explanation:
      #"What stands above takes every event that this branch could take."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> filter false
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

  public static let secret = DiagnosticCode(
    "P0207", "a secret where none may be", .error,
    explanation:
      #"A Secret converts to nothing: it stands only in settings, beside `==` and `!=`, and as the key of `hmac_sha256`, never in events, texts, logs or other functions."#,
    failing: ###"""
      type T { id: Int, name: Secret, note: String? }
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

  public static let notConstant = DiagnosticCode(
    "P0208", "a value that is no literal", .error,
    explanation:
      #"Defaults of fields and configuration keys are literals."#,
    failing: ###"""
      config c { a: Int = abs(-1) }
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> filter .id > config.c.a
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      config c { a: Int = 1 }
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> filter .id > config.c.a
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let typeCycle = DiagnosticCode(
    "P0209", "a type that contains itself", .error,
    explanation:
      #"Events are trees of known depth, so records do not nest in themselves. Use Json for a part of unknown depth."#,
    failing: ###"""
      type N { next: [N] }
      pipeline p {
        source stdin.lines()
          |> decode json as N
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      type N { next: Json }
      pipeline p {
        source stdin.lines()
          |> decode json as N
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  static let typesCodes: [DiagnosticCode] = [
    .mismatch, .nullable, .badOperator, .badArguments, .notExhaustive, .unreachable, .secret, .notConstant, .typeCycle,
  ]
}
