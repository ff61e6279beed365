import PumpSyntax

extension DiagnosticCode {
  /// Every code of the compiler, in the order of their ids.
  public static let all: [DiagnosticCode] =
    syntaxCodes + namesCodes + typesCodes + valuesCodes + stepsCodes + endpointsCodes + testsCodes + configurationCodes
    + stateCodes

  /// The spec that the configuration examples of P07xx belong to.
  public static let configurationSpec = ###"""
    config shop {
      min: Int
    }
    type T { id: Int, name: String, note: String? }
    pipeline p {
      source stdin.lines()
        |> decode json as T
        |> filter .id > config.shop.min
        |> encode json
        |> sink stdout.lines()
      on error halt
    }
    """###
}
