import Foundation
import PumpTestSupport
import Testing

/// What a failing test of the language shows.
@Suite struct TestReportTests {
  private static let spec = """
    type T { id: Int, name: String, at: [{ x: Int }] = [] }
    pipeline p {
      source file.lines("in")
        |> decode json as T
        |> assert .id < 10, "too large"
        |> @small filter .id > 0
        |> encode json
        |> sink file.lines("out")
      on error skip
    }
    test "t" for p {
      given json { id: 1, name: "EAST STREET  ", at: [{ x: 1 }, { x: 2 }] }
      given json { id: 12, name: "b" }
      given json { id: 0, name: "c" }
      CLAUSE
    }
    """

  private static func run(_ clause: String) throws -> Support.Outcome {
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try Data(spec.replacing("CLAUSE", with: clause).utf8).write(to: URL(fileURLWithPath: folder + "/a.pump"))
    return try Support.run("pumpc", ["test", "a.pump"], folder: folder)
  }

  @Test("M22: the field that differs, texts as they are, the failures with their reasons, what was filtered") func differences() throws {
    let name = try Self.run("expect @small matches [{ name: \"EAST STREET\" }]")
    #expect(
      name.out == """
        FAIL  t
          a.pump:15:3: expect @small matches [{ name: "EAST STREET" }]
            event 1 differs at .name
              expected "EAST STREET"
              came     "EAST STREET  "
            came: {"id":1,"name":"EAST STREET  ","at":[{"x":1},{"x":2}]}
          1 event failed:
            assert: too large
          1 event was filtered
        0 passed, 1 failed

        """)
    for (clause, wanted) in [
      (
        "expect @small == [{ id: 1, name: \"EAST STREET  \", at: [{ x: 1 }, { x: 3 }] }]",
        "at .at[1].x\n      expected 3\n      came     2\n"
      ),
      ("expect @small == [{ id: 1, name: \"EAST STREET  \" }]", "at .at\n      expected null\n      came     [{\"x\":1},{\"x\":2}]\n"),
      ("expect @small matches [{ at: [{ x: 1 }] }]", "at .at\n      expected [{\"x\":1}]\n"),
      ("expect count(@small) == 2", "expected 2, came: {\"id\":1"),
      ("expect file.lines(\"out\") == [\"x\"]", "event 1 differs\n      expected \"x\"\n"),
    ] {
      let outcome = try Self.run(clause)
      #expect(outcome.code == 1 && outcome.out.contains(wanted), "\(outcome.out)")
    }
    #expect(try Self.run("expect @small matches [{ at: [{ x: 1 }, { x: 2 }] }]").code == 0)
  }
}
