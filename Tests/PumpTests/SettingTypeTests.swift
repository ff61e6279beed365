import PumpRuntime
import Testing

/// A setting is read as its type; what is of another, null or missing is nil.
@Suite struct SettingTypeTests {
  @Test func values() {
    enum Mode: String, SettingChoice { case low, atMostOnce = "at_most_once" }
    let settings = Settings([
      "time": .int(5), "day": .int(6), "share": .decimal(Decimal("0.50")!), "numbers": .list([.int(1), .int(2)]),
      "mode": .text("at_most_once"),
      "map": .map([.init("a", .float(1))]), "none": .null,
    ])
    #expect(settings.required("time") as Timestamp == Timestamp(5) && settings.required("time") as Duration == Duration(5))
    #expect(settings.required("day") as Day == Day(6) && settings.required("day") as Size == Size(6))
    #expect(settings.required("share") as Decimal == Decimal("0.5")!)
    #expect(settings.required("numbers") as [Int64] == [1, 2])
    #expect(settings.required("mode") as Mode == .atMostOnce)
    #expect(settings.required("map") as [String: Double] == ["a": 1])
    #expect(settings.read("none") as String? == nil && settings.read("time") as String? == nil && settings.read("other") as Int64? == nil)
  }
}
