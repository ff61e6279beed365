import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// D4: upserts and deletes of one index or collection by two sinks, in batches of 50: it ends as the events say.
  @Suite(.serialized) struct UpsertsAndDeletesTests {
    /// 2,000 events over 20 ids, and what is left after them: the number of the last upsert by id.
    static func events(_ seed: UInt64) -> (text: String, model: [Int: Int]) {
      var random = Support.Random(seed)
      var model: [Int: Int] = [:]
      let lines = (1...2000).map { number in
        let id = Int(random.next() % 20)
        let isDelete = random.next() % 3 == 0
        model[id] = isDelete ? nil : number
        return "{\"id\":\(id),\"v\":\(number),\"op\":\"\(isDelete ? "d" : "c")\"}\n"
      }
      return (lines.joined(), model)
    }

    private static func spec(_ connection: String, delete: String, upsert: String) -> String {
      """
      \(connection)
      type E { id: Int, v: Int, op: String }
      pipeline load {
        source file.lines("in.ndjson") |> decode json as E |> route {
          when .op == "d" => map { id: .id, v: .v } |> @gone sink \(delete) { batch { max = 50 } }
          else => map { id: .id, v: .v } |> @kept sink \(upsert) { batch { max = 50 } }
        }
        on error |> encode json |> sink file.lines("dead.ndjson")
      }
      """
    }

    @Test func elasticsearch() throws {
      let server = try Server("elasticsearch")
      let (text, model) = Self.events(21)
      let program = try TestProgram(
        Self.spec(
          "connection es: Elasticsearch { nodes = env.ES }", delete: "es.index(\"e\", id: to_string(.id), mode: delete)",
          upsert: "es.index(\"e\", id: to_string(.id))"), files: ["in.ndjson": text], environment: ["ES": server.text("url")])
      #expect(try program.run(seconds: 90).code == 0, "\(program.log)")
      _ = try Support.run("/usr/bin/curl", ["-s", "-X", "POST", "\(server.text("url"))/e/_refresh"])
      let found = try Support.run("/usr/bin/curl", ["-s", "\(server.text("url"))/e/_search?size=100"]).out
      let documents = found.matches(of: /"id": ?(\d+), ?"v": ?(\d+)/).map { (Int($0.1)!, Int($0.2)!) }
      #expect(Dictionary(documents) { first, _ in first } == model, "\(found.prefix(500))")
    }

    @Test func mongoDB() throws {
      let server = try Server("mongodb")
      let uri = server.text("uri")
      let (text, model) = Self.events(22)
      let program = try TestProgram(
        Self.spec(
          "connection db: MongoDB { uri = env.MONGO, database = \"app\", security = plain }",
          delete: "db.collection(\"e\", key: [id], mode: delete)", upsert: "db.collection(\"e\", key: [id])"),
        files: ["in.ndjson": text], environment: ["MONGO": uri])
      #expect(try program.run(seconds: 90).code == 0, "\(program.log)")
      let script = "import pymongo; print(sorted((d['id'], d['v']) for d in pymongo.MongoClient('\(uri)').app.e.find()))"
      let found = try Support.run(Support.python, ["-c", script]).out
      let documents = found.matches(of: /\((\d+), (\d+)\)/).map { (Int($0.1)!, Int($0.2)!) }
      #expect(Dictionary(documents) { first, _ in first } == model && documents.count == model.count, "\(found)")
    }
  }
}
