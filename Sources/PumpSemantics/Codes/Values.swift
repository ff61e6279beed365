/// Findings of the checker: values, where they stand and what they may be.
import PumpSyntax

extension DiagnosticCode {
  public static let functionCycle = DiagnosticCode(
    "P0210", "functions or stages in a circle", .error,
    explanation:
      #"The language is total: nothing calls itself, directly or through others. Lists have functions such as map, sum and any."#,
    failing: ###"""
      fn f(x: Int) -> Int = f(x)
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> set { id: f(.id) }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      fn f(x: Int) -> Int = x
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> set { id: f(.id) }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let badValue = DiagnosticCode(
    "P0211", "a value out of its range", .error,
    explanation:
      #"Integers have 64 bits, Decimals 38 digits, dates stand in the calendar, shares lie between 0 and 100 %."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> filter .id > 99999999999999999999
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
          |> filter .id > 9
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let cannotInfer = DiagnosticCode(
    "P0212", "a value whose type is not known", .error,
    explanation:
      #"`null` and `[]` alone have no type; it comes from what they stand beside."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> map null
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
          |> map .id
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let badRegex = DiagnosticCode(
    "P0213", "no regular expression", .error,
    explanation:
      #"Patterns have characters, classes, groups, alternatives, counts, and the flags `i`, `m` and `s`, as in RE2. Look-around and back-references are left out, so that no pattern takes more than linear time. `\w \d \s \b` and `[:alpha:]` are of ASCII; `(?i)` and `\p{L}` know all of Unicode. A pattern has at most 10,000 instructions: counts multiply what they count."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> filter .name matches r"a(b"
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
          |> filter .name matches r"a(b)"
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let badLambda = DiagnosticCode(
    "P0214", "a lambda out of place", .error,
    explanation:
      #"`x => …` stands only as the argument of a function that takes one."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> map { f: (x => 1) }
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
          |> map { f: map([1], x => x) }
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let noEvent = DiagnosticCode(
    "P0215", "no event here", .error,
    explanation:
      #"`it`, `.field` and `meta` mean the current event; settings, defaults and arguments that hold for the whole run are evaluated before any event."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> encode json
          |> sink file.lines(.name)
        on error halt
      }
      """###,
    repaired: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> encode json
          |> sink file.lines("out.txt")
        on error halt
      }
      """###)

  public static let outsideSettings = DiagnosticCode(
    "P0216", "the environment outside settings", .error,
    explanation:
      #"`env.NAME` and `secret file` stand only in settings and in arguments that hold for the whole run; steps read `config.section.key`."#,
    failing: ###"""
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> filter .name == env.USER
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###,
    repaired: ###"""
      type T { id: Int, name: String, note: String? }
      config c { user: String = "x" }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> filter .name == config.c.user
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let notConfigurable = DiagnosticCode(
    "P0217", "a type that configuration cannot hold", .error,
    explanation:
      #"Keys, and the settings and arguments of a connector, are scalars, lists or maps of scalars; keys are without `where`."#,
    failing: ###"""
      config c { a: { x: Int } }
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
      config c { x: Int = 1 }
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> filter .id > config.c.x
          |> encode json
          |> sink stdout.lines()
        on error halt
      }
      """###)

  public static let reference = DiagnosticCode(
    "P0218", "a variable as a configuration file writes it", .warning,
    explanation:
      #"`${NAME}` is replaced in pipelines.conf only. A spec reads the environment by `env.NAME`, with `env.NAME ?? "default"` where the variable may be unset."#,
    failing: ###"""
      connection db: SQLite { path = "${DB_PATH}" }
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> sink db.table("t", key: [id])
        on error halt
      }
      """###,
    repaired: ###"""
      connection db: SQLite { path = env.DB_PATH }
      type T { id: Int, name: String, note: String? }
      pipeline p {
        source stdin.lines()
          |> decode json as T
          |> sink db.table("t", key: [id])
        on error halt
      }
      """###)

  static let valuesCodes: [DiagnosticCode] = [
    .functionCycle, .badValue, .cannotInfer, .badRegex, .badLambda, .noEvent, .outsideSettings, .notConfigurable, .reference,
  ]
}
