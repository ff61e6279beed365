import Foundation
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// Documents that are seen after others with greater keys, and small things that documents hold.
  @Suite(.serialized) struct DelayTests {
    @Test("D17: a document of MongoDB that is written late is read in its place") func lateDocuments() throws {
      let server = try Server("mongodb")
      let program = try TestProgram(
        """
        connection db: MongoDB { uri = env.MONGO, database = "app", security = plain }
        type Event { id: Int, part: Int }
        pipeline p {
          source db.find("ev", order: [part, id], every: 100ms) as Event |> encode json |> sink file.lines("out", mode: append)
          on error halt
        }
        """, settings: ["general.state=state"], environment: ["MONGO": server.text("uri")])
      func insert(_ code: String) throws {
        let script =
          "import pymongo, sys, time; c = pymongo.MongoClient('\(server.text("uri"))').app.ev; put = lambda *k: "
          + "c.insert_many([{'part': p, 'id': i} for p, i in k]); \(code)"
        let outcome = try Support.run(Support.python, ["-c", script])
        #expect(outcome.code == 0, "\(outcome.err)")
      }
      try insert("put((1, 1))")
      try program.start()
      #expect(program.wait { program.lines("out").count == 1 }, "\(program.log)")
      try insert("put((2, 5), (3, 1)); time.sleep(0.7); put((2, 4), (1, 2))")
      #expect(program.wait(seconds: 30) { program.lines("out").count >= 5 }, "\(program.read("out"))")
      #expect(try program.stop().code == 0)
      try insert("put((3, 2))")
      try program.start()
      #expect(program.wait(seconds: 30) { program.lines("out").count >= 6 }, "\(program.read("out"))")
      #expect(try program.stop().code == 0)
      let keys = program.lines("out").map { $0.matches(of: /\d/).map { String($0.0) }.joined() }
      #expect(keys == ["11", "21", "42", "52", "13", "23"], "\(keys)")
    }

    @Test("D17: a document of Elasticsearch that is seen late is read in its place") func lateHits() throws {
      let server = try Server("elasticsearch")
      let url = server.text("url")
      func ask(_ method: String, _ path: String, _ body: String) throws {
        let words = ["-sS", "--fail-with-body", "-X", method, "-H", "Content-Type: application/json", "--data-binary", "@-", url + path]
        let outcome = try Support.run("/usr/bin/curl", words, input: body)
        #expect(outcome.code == 0, "\(outcome.out)")
      }
      func put(_ keys: (at: String, id: Int)...) throws {
        let lines = keys.map { "{\"index\":{}}\n{\"at\":\"\($0.at)\",\"id\":\($0.id)}\n" }
        try ask("POST", "/ev/_bulk?refresh=true", lines.joined())
      }
      try ask("PUT", "/ev", #"{"mappings":{"properties":{"id":{"type":"long"},"at":{"type":"date"}}}}"#)
      let program = try TestProgram(
        """
        connection es: Elasticsearch { nodes = env.ES }
        type Event { at: Timestamp, id: Int }
        pipeline p {
          source es.search("ev", order: [at, id], every: 100ms) as Event |> map { id: .id } |> encode json
            |> sink file.lines("out", mode: append)
          on error halt
        }
        """, settings: ["general.state=state"], environment: ["ES": url])
      try put(("2026-01-01T00:00:00Z", 1))
      try program.start()
      #expect(program.wait { program.lines("out").count == 1 }, "\(program.log)")
      try put(("2026-01-02T00:00:00Z", 5), ("2026-01-03T00:00:00Z", 6))
      usleep(700_000)
      try put(("2026-01-02T00:00:00Z", 4), ("2026-01-01T00:00:00Z", 2))
      #expect(program.wait(seconds: 30) { program.lines("out").count >= 5 }, "\(program.read("out")) \(program.log)")
      #expect(try program.stop().code == 0)
      try put(("2026-01-04T00:00:00Z", 7))
      try program.start()
      #expect(program.wait(seconds: 30) { program.lines("out").count >= 6 }, "\(program.read("out"))")
      #expect(try program.stop().code == 0)
      #expect(program.lines("out") == [1, 2, 4, 5, 6, 7].map { "{\"id\":\($0)}" })
    }

    /// The texts are those of MongoDB's specification of extended JSON; the number that does not fit is E+6144 with 34 digits.
    @Test("D48, M33: zeros with a sign, dates before 1970, numbers that are cut") func documents() throws {
      let server = try Server("mongodb")
      let uri = server.text("uri")
      let script =
        "import pymongo, datetime, bson; c = pymongo.MongoClient('\(uri)').app.d; c.insert_one({'_id': 1, 'v': {'zero': -0.0, "
        + "'old': datetime.datetime(1969, 12, 31, 23, 59, 59, 999000), 'new': datetime.datetime(1970, 1, 1)}, "
        + "'n': bson.Decimal128('9.999999999999999999999999999999999E+6144')})"
      let made = try Support.run(Support.python, ["-c", script])
      #expect(made.code == 0, "\(made.err)")
      let connection = "connection db: MongoDB { uri = env.MONGO, database = \"app\", security = plain }\n"
      let read = try TestProgram(
        connection
          + """
          type D { v: Json }
          type N { n: Decimal }
          pipeline p {
            source db.find("d") as D |> encode json |> sink file.lines("out")
            on error halt
          }
          pipeline q {
            source db.find("d") as N |> encode json |> sink file.lines("none")
            on error |> map { m: .message } |> encode json |> sink file.lines("dead")
          }
          """, environment: ["MONGO": uri])
      #expect(try read.run(seconds: 60).code == 0, "\(read.log)")
      #expect(
        read.read("out")
          == "{\"v\":{\"zero\":-0.0,\"old\":{\"$date\":{\"$numberLong\":\"-1\"}},\"new\":{\"$date\":\"1970-01-01T00:00:00Z\"}}}\n")
      let dotted = try TestProgram(
        connection
          + """
          type D { v: Int as "a.b" }
          pipeline p { source file.lines("in") |> decode json as D |> sink db.collection("dots")
            on error halt }
          """, files: ["in": "{\"a.b\":1}\n"], environment: ["MONGO": uri])
      #expect(try dotted.run(seconds: 60).code == 0, "\(dotted.log)")
      let names = try Support.run(
        Support.python,
        ["-c", "import pymongo; print([k for k in pymongo.MongoClient('\(uri)').app.dots.find_one() if k != '_id'])"])
      #expect(names.out.contains("['a.b']"), "\(names.out)\(names.err)")
      #expect(read.read("dead").contains("found decimal 9.999999999999999999999999999999999E+614…"), "\(read.read("dead"))")
    }
  }
}
