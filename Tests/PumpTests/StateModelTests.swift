import PumpTestSupport
import Testing

/// `Tests/State/model`: random programs with steps that keep something of the events before give what the definitions say.
@Suite struct StateModelTests {
  @Test(arguments: [[], ["--size", "40"]]) func givesWhatTheDefinitionsSay(_ size: [String]) throws {
    let outcome = try Support.run(
      Support.root + "/Tests/State/model", ["--pumpc", Support.products + "/pumpc", "--seed", "7", "--rounds", "12"] + size)
    #expect(outcome.code == 0, "\(outcome.out) \(outcome.err)")
  }
}
