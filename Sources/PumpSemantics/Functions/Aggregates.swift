import PumpProgram

/// What an aggregate takes and gives, for people; the checker reads the parameters' names.
public struct AggregateFunction: Sendable {
  public let function: AggregateSpec.Function
  /// Such as `sum(x: T, where: Bool) -> T`.
  public let signature: String
  public let docs: String
  /// A field of a group that it computes.
  public let example: String
  /// Its parameters in their order.
  let parameters: [String]
  /// How many of them must be given.
  let required: Int

  private init(_ function: AggregateSpec.Function, _ parameters: String, _ result: String, _ docs: String, _ example: String, required: Int)
  {
    self.function = function
    signature = "\(function.rawValue)(\(parameters)) -> \(result)"
    self.docs = docs
    self.example = example
    self.required = required
    self.parameters = parameters.split(separator: ",").map { String($0.prefix { $0 != ":" }).trimmed }
  }

  /// `where: Bool` may follow in each: only events for which it holds count.
  public static let all: [AggregateFunction] = [
    .init(.count, "where: Bool", "Int", "How many events.", "large: count(where: .amount > 100)", required: 0),
    .init(
      .sum, "x: T, where: Bool", "T", "The exact sum of numbers or durations, rounded once at the end.", "total: sum(.amount)", required: 1),
    .init(.average, "x: T, where: Bool", "T", "The mean; of whole numbers it is a Decimal.", "mean: average(.amount)", required: 1),
    .init(.min, "x: T, where: Bool", "T", "The least value.", "least: min(.amount)", required: 1),
    .init(.max, "x: T, where: Bool", "T", "The greatest value.", "most: max(.amount, where: .paid)", required: 1),
    .init(.first, "x: T, where: Bool", "T", "The value of the earliest event.", "opened: first(.at)", required: 1),
    .init(.last, "x: T, where: Bool", "T", "The value of the latest event.", "note: last(.note)", required: 1),
    .init(
      .list, "x: T, limit: Int, where: Bool", "[T]", "All values in the order of time; more than `limit` fail.",
      "ids: list(.id, limit: 1_000)", required: 1),
    .init(.any, "x: Bool, where: Bool", "Bool", "Whether it holds for at least one event.", "unpaid: any(not .paid)", required: 1),
    .init(.all, "x: Bool, where: Bool", "Bool", "Whether it holds for every event.", "settled: all(.paid)", required: 1),
    .init(
      .stddev, "x: T, where: Bool", "Float?", "The standard deviation of the sample; null of one value.", "spread: stddev(.amount)",
      required: 1),
    .init(
      .variance, "x: T, where: Bool", "Float?", "The variance of the sample; null of one value.", "spread: variance(.amount)", required: 1),
    .init(
      .median, "x: T, limit: Int, where: Bool", "T", "The value in the middle, or between the two there.",
      "usual: median(.amount, limit: 10_000)", required: 1),
    .init(
      .quantile, "x: T, q: Float, limit: Int, where: Bool", "T", "The value below which the share `q` of them lies, between two of them.",
      "p95: quantile(.amount, 0.95, limit: 10_000)",
      required: 2),
    .init(
      .approxDistinct, "x: T, where: Bool", "Int", "How many different values, within a percent or so, in little memory.",
      "users: approx_distinct(.user)", required: 1),
    .init(
      .distinct, "x: T, limit: Int, where: Bool", "Int", "How many different values; more than `limit` fail.",
      "users: distinct(.user, limit: 10_000)", required: 1),
    .init(
      .top, "n: Int, x: T, by: U, ties: cut | all, limit: Int, where: Bool", "[T]", "The `n` values with the greatest `by`.",
      "best: top(3, it, by: .amount, limit: 100)", required: 3),
    .init(.minBy, "x: T, by: U, where: Bool", "T", "The value with the least `by`.", "cheapest: min_by(.id, by: .amount)", required: 2),
    .init(.maxBy, "x: T, by: U, where: Bool", "T", "The value with the greatest `by`.", "dearest: max_by(.id, by: .amount)", required: 2),
  ]

  public static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.function.rawValue, $0) })
}

extension String {
  fileprivate var trimmed: String { String(drop { $0 == " " }) }
}
