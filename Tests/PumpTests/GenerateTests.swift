import Foundation
import PumpCompiler
import PumpTestSupport
import Testing

@Suite struct GenerateTests {
  private static let type = """
    {
      id: Int, age: Int where it >= 0 and it < 120, year: Int where it > 1990 and it <= 1991, price: Decimal where 0.5 <= it and it < 2,
      rate: Float where it > 0 and it < 0.004, name: String where length(it) >= 3 and length(it) <= 5, code: String where it in ["a", "b"],
      kind: enum { red, green, blue } where it == green or it == blue, day: Date where it >= 2030-01-01, took: Duration where it <= 1s,
      size: Size where it >= 2MiB, at: Timestamp where it < 2000-01-01T00:00:00Z, list: [Int where it > 5] where length(it) > 0,
      inner: { n: Int where it < 0 }, maybe: Int? where (it ?? 7) > 3
    }
    """

  @Test("D46: records are within what their type's `where` allows, interpreted and compiled") func refined() throws {
    let spec = """
      type T \(Self.type)
      pipeline p {
        source generate.records(count: 2000) as T |> encode json |> sink file.lines("out.ndjson")
        on error |> map { m: .message } |> encode json |> sink file.lines("dead.ndjson")
      }
      """
    let program = try TestProgram(spec)
    let run = try Support.run("pumpc", ["run", program.folder])
    #expect(run.code == 0, "\(run.err)")
    // Of `maybe` no limits are known, so that some of its values fail, as those of any source.
    let dead = program.lines("dead.ndjson")
    #expect(dead.allSatisfy { $0.contains(".maybe breaks") } && dead.count < 40, "\(dead.count) \(dead.first ?? "")")
    let lines = program.lines("out.ndjson")
    #expect(lines.count > 1900)
    let values = try lines.map { try JSONSerialization.jsonObject(with: Data($0.utf8)) as! [String: Any] }
    #expect(Set(values.map { $0["age"] as! Int }).count > 60 && values.allSatisfy { (0..<120).contains($0["age"] as! Int) })
    #expect(values.allSatisfy { $0["year"] as! Int == 1991 && ["green", "blue"].contains($0["kind"] as! String) })
    #expect(Set(values.map { $0["code"] as! String }) == ["a", "b"])
    #expect(try Support.run("pumpc", ["build", "-o", program.folder + "/built", program.folder]).code == 0)
    #expect(try Support.run(program.folder + "/built", [], folder: program.folder).code == 0)
    #expect(program.lines("out.ndjson") == lines)
  }
}
