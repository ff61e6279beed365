/// An aggregate of a `group` or a `running`: what it computes of its events, and where its inputs stand.
public struct AggregateSpec: Codable, Sendable, Hashable {
  /// By their names in the language.
  public enum Function: String, Codable, Sendable, CaseIterable {
    case count, sum, average, min, max, first, last, list, any, all, stddev, variance, median, quantile
    case approxDistinct = "approx_distinct"
    case distinct, top
    case minBy = "min_by"
    case maxBy = "max_by"
  }

  public var function: Function
  /// The place of the argument's column among those that are given for each batch; `count` has none.
  public var argument: Int?
  /// The place of the Bool column of `where:`.
  public var condition: Int?
  /// The place of the column by which `top`, `min_by` and `max_by` order.
  public var by: Int?
  /// The most values that a result may need to keep: beyond it the result fails.
  public var limit: Int?
  /// The share of `quantile`, 0 to 1.
  public var share: Double?
  /// How many `top` gives.
  public var count: Int?
  /// Whether `top` gives all whose order equals that of the last.
  public var keepsTies: Bool
  public var argumentType: Type?
  public var byType: Type?
  /// Of the result: `T?` where `where:` may leave nothing to compute it from.
  public var result: Type

  public init(
    function: Function, argument: Int? = nil, condition: Int? = nil, by: Int? = nil, limit: Int? = nil, share: Double? = nil,
    count: Int? = nil, keepsTies: Bool = false, argumentType: Type? = nil, byType: Type? = nil, result: Type
  ) {
    self.function = function
    self.argument = argument
    self.condition = condition
    self.by = by
    self.limit = limit
    self.share = share
    self.count = count
    self.keepsTies = keepsTies
    self.argumentType = argumentType
    self.byType = byType
    self.result = result
  }
}
