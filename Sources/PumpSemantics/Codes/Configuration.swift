/// Findings of the checker: configuration.
import PumpSyntax

extension DiagnosticCode {
  public static let confSyntax = DiagnosticCode(
    "P0701", "a configuration file that cannot be read", .error,
    explanation:
      #"pipelines.conf is INI: `[section]`, `key = value`, comments with # or ;."#,
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
      #"The value cannot be read as the type that the spec declares."#,
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
      #"`${VAR}` reads the environment; `${VAR:-default}` gives a default."#,
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
      #"The setting has no default, neither the spec nor a configuration file gives it."#,
    failing: ###"""
      [general]
      """###,
    repaired: ###"""
      [shop]
      min = 1
      """###,
    isConfiguration: true)

  static let configurationCodes: [DiagnosticCode] = [.confSyntax, .confSection, .confKey, .confType, .confVariable, .confMissing]
}
