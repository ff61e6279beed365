import Foundation
import PumpCompiler
import PumpTestSupport
import Testing

extension ConnectorTests {
  /// `examples/custom-connection`: a system of which nothing is shipped, against the real server.
  @Suite(.serialized) struct CustomConnectorTests {
    private static let example = Support.root + "/examples/custom-connection"

    private func redis(_ server: Server, _ words: String...) throws -> String {
      try Support.run("/usr/bin/env", ["redis-cli", "-p", server.port] + words).out.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test func bindingIsCurrent() throws {
      for connector in compile(try Project.load(Self.example)).customConnectors { #expect(try !connector.bind()) }
    }

    /// Interpreted and compiled: all arrive, what cannot be read goes aside, a killed run's elements come again.
    @Test(arguments: ["run", "build"]) func works(_ way: String) throws {
      let server = try Server("redis")
      _ = try redis(server, "set", "customer:a", #"{"name":"Ada"}"#)
      for id in 1...50 { _ = try redis(server, "lpush", "orders", #"{"id":\#(id),"customer":"a"}"#) }
      _ = try redis(server, "lpush", "orders", "not json")
      // As a run leaves it that was killed between taking and delivering.
      _ = try redis(server, "lpush", "orders.taken", #"{"id":51,"customer":"nobody"}"#)
      let program = Process()
      if way == "build" {
        let folder = try Support.temporaryFolder()
        let built = try Support.run("pumpc", ["build", Self.example, "-o", folder + "/redis"])
        #expect(built.code == 0, "\(built.err)")
        program.executableURL = URL(fileURLWithPath: folder + "/redis")
        program.arguments = ["--set", "connection.redis.port=\(server.port)"]
      } else {
        program.executableURL = URL(fileURLWithPath: "\(Support.products)/pumpc")
        program.arguments = ["run", "--set", "connection.redis.port=\(server.port)", Self.example]
      }
      let log = try Support.temporaryFolder() + "/log"
      _ = FileManager.default.createFile(atPath: log, contents: nil)
      program.standardError = FileHandle(forWritingAtPath: log)
      try program.run()
      defer { program.terminate() }
      // The first run on a machine compiles the interpreter.
      let end = Date(timeIntervalSinceNow: 300)
      while try redis(server, "llen", "named") != "51", Date() < end { usleep(100_000) }
      #expect(try redis(server, "llen", "named") == "51")
      #expect(try redis(server, "lrange", "named", "0", "-1").contains(#"{"id":51,"name":"unknown"}"#))
      #expect(try redis(server, "llen", "dead") == "1")
      // The pool comes back with the server, and a server that answers but cannot serve yet is waited for.
      try server.tell("restart")
      _ = try redis(server, "config", "set", "replica-serve-stale-data", "no")
      _ = try redis(server, "replicaof", "127.0.0.1", "1")
      #expect(try redis(server, "llen", "named").contains("MASTERDOWN"))
      usleep(300_000)
      _ = try redis(server, "replicaof", "no", "one")
      _ = try redis(server, "lpush", "orders", #"{"id":52,"customer":"a"}"#)
      while try !redis(server, "lrange", "named", "0", "-1").contains(#""id":52"#), Date() < end { usleep(100_000) }
      #expect(try redis(server, "lrange", "named", "0", "-1").contains(#""id":52"#))
      program.terminate()
      program.waitUntilExit()
      let told = try String(contentsOfFile: log, encoding: .utf8)
      #expect(program.terminationStatus == 0, "\(told)")
    }
  }
}
