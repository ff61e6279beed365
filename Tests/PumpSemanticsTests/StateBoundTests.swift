import PumpCompiler
import PumpProgram
import PumpReports
import PumpRuntime
import Testing

/// The words that a bound counts are those that the runtime keeps.
@Suite struct StateBoundTests {
  @Test(arguments: AggregateSpec.Function.allCases) func words(_ function: AggregateSpec.Function) {
    let types: [Type] =
      switch function {
      case .count: [.int]
      case .any, .all: [.bool]
      case .sum, .average: [.int, .decimal, .float, .duration]
      case .stddev, .variance: [.int, .decimal, .float]
      case .median, .quantile: [.int, .decimal, .float, .timestamp]
      default: [.int, .decimal, .float, .string, .timestamp, .date]
      }
    for type in types {
      func spec(_ condition: Int?) -> AggregateSpec {
        AggregateSpec(
          function: function, argument: function == .count ? nil : 0, condition: condition,
          by: [.top, .minBy, .maxBy].contains(function) ? 1 : nil, limit: 10, share: 0.5, count: 3, argumentType: type, byType: .int,
          result: type)
      }
      for specs in [[spec(nil)], [spec(nil), spec(2)], [spec(2), spec(2), spec(nil)]] {
        #expect(StateBound.words(specs) == AggregateSet(specs).words, "\(function) of \(type)")
      }
    }
  }
}
