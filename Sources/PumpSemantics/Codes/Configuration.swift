/// Findings of the checker: configuration.
import PumpSyntax

extension DiagnosticCode {
  public static let confSyntax = DiagnosticCode(
    "P0701", "a configuration file that cannot be read", .error,
    explanation:
      #"pipelines.conf is INI: `[section]`, `key = value`, indented lines that go on with a value, and comments: lines that begin with # or ;. A comment may also stand behind `[section]`, not behind a value."#,
    failing: ###"""
      [shop
      min = 1
      """###,
    repaired: ###"""
      [shop]
      min = 1
      """###,
    isConfiguration: true)

  public static let confSection = DiagnosticCode(
    "P0702", "an unknown section", .error,
    explanation:
      #"Sections are `[connection:ID]`, `[pipeline:ID]`, `[pipeline:ID:LABEL]`, `[general]` and those declared with `config`. Sections of other programs are named in `[general] ignore=`."#,
    failing: ###"""
      [shpo]
      min = 1
      """###,
    repaired: ###"""
      [shop]
      min = 1
      """###,
    isConfiguration: true)

  public static let confKey = DiagnosticCode(
    "P0703", "an unknown key", .error,
    explanation:
      #"The section has no such key."#,
    failing: ###"""
      [shop]
      mni = 1
      """###,
    repaired: ###"""
      [shop]
      min = 1
      """###,
    isConfiguration: true)

  public static let confType = DiagnosticCode(
    "P0704", "a value of another type", .error,
    explanation:
      #"The value cannot be read as the type that the spec declares, or is beyond what the setting may be. Elements of a list have commas between them; a list in brackets is one as specs write it, with texts in quotes where they hold commas."#,
    failing: ###"""
      [shop]
      min = many
      """###,
    repaired: ###"""
      [shop]
      min = 5
      """###,
    isConfiguration: true)

  public static let confVariable = DiagnosticCode(
    "P0705", "a variable that is not set", .error,
    explanation:
      #"`${VAR}` reads the environment; `${VAR:-default}` gives a default where it is not set or empty. `${THIS_DIR}` is the folder of the configuration file."#,
    failing: ###"""
      [shop]
      min = ${PUMP_EXPLAIN_UNSET}
      """###,
    repaired: ###"""
      [shop]
      min = ${PUMP_EXPLAIN_UNSET:-1}
      """###,
    isConfiguration: true)

  public static let confMissing = DiagnosticCode(
    "P0706", "a required value is missing", .error,
    explanation:
      #"The setting has no default, and neither the spec nor a configuration file gives it; or the spec takes it from an environment variable that is not set. Where a variable may be unset, the spec says what holds then: `env.API_TOKEN ?? null`."#,
    failing: ###"""
      [general]
      """###,
    repaired: ###"""
      [shop]
      min = 1
      """###,
    isConfiguration: true)

  public static let confDoubtful = DiagnosticCode(
    "P0707", "a value that is probably not meant", .warning,
    explanation:
      #"All behind the sign is the value: quotes, what looks like a comment, `$NAME` without braces, and white space within an element of a list. Some readers of INI files take these for something else."#,
    failing: ###"""
      [general]
      state = "positions"
      [shop]
      min = 1
      """###,
    repaired: ###"""
      [general]
      state = positions
      [shop]
      min = 1
      """###,
    isConfiguration: true)

  static let configurationCodes: [DiagnosticCode] = [
    .confSyntax, .confSection, .confKey, .confType, .confVariable, .confMissing, .confDoubtful,
  ]
}
