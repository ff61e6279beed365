import PumpConnectorKit
import PumpTestSupport
import Testing

@Suite struct ConfFileTests {
  /// A value goes on over all indented lines, whatever stands in them.
  @Test func continuedValues() {
    let file = ConfFile(path: "a.conf", text: "[db]\nkey = one\n  two=\n\tthree: four\nother = 5\n")
    #expect(file.problems.isEmpty)
    #expect(file.entries.map(\.key) == ["key", "other"] && file.entries.map(\.value) == ["one\ntwo=\nthree: four", "5"])
    #expect(file.entries.map(\.line) == [2, 5])
  }

  /// Changed at random: an answer each time, never a crash.
  @Test func configurationFiles() {
    var random = Support.Random(3)
    let text =
      "[general]\nstate=a\n# note\n[connection:db]\npath = ${HOME:-x}\n  more\npool.max=8\nproperties.linger.ms=5\n[shop]\nmin_amount: 500\n"
    for _ in 0..<2000 {
      let file = ConfFile(path: "f.conf", text: String(decoding: random.changed(text), as: UTF8.self))
      for problem in file.problems { #expect(problem.line > 0 && !problem.message.isEmpty) }
    }
  }
}
