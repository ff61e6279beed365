import Foundation
import PumpTestSupport
import Testing

@testable import PumpConnectorKit
@testable import PumpRuntime
@testable import PumpValues

/// The server of HTTP that webhooks and the status page have: heads and bodies as RFC 9112 has them, and clients that are slow.
@Suite struct HttpServerTests {
  private func head(_ text: String) throws -> RequestHead { try RequestHead(Array(text.utf8)[...]) }

  @Test func heads() throws {
    let head = try head(
      "POST /a%20b/c?x=1%202&y&z=a+b HTTP/1.1\r\nHost: h\r\nX-Kind:\t one \r\nx-kind: two\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
    )
    #expect(head.method == "POST" && head.path == "/a b/c" && head.framing == .length(5) && head.keepsAlive && head.expectsContinue)
    #expect(head.query.map(\.name) == ["x", "y", "z"] && head.query.map(\.value) == ["1 2", "", "a b"])
    #expect(head.headers.filter { $0.name == "x-kind" }.map { String(decoding: $0.value, as: UTF8.self) } == ["one", "two"])
    #expect(try self.head("GET http://h:1/p?q=1 HTTP/1.1\r\nHost: h\r\n\r\n").path == "/p")
    let old = try self.head("GET / HTTP/1.0\r\n\r\n")
    #expect(!old.keepsAlive && old.framing == .length(0))
    #expect(try self.head("PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\nConnection: Close\r\n\r\n").framing == .chunked)
  }

  /// R29, R31: what could be read in two ways is not read.
  @Test(arguments: [
    ("", "Content-Length: 5\r\nContent-Length: 6\r\n", "400"), ("", "Content-Length: 5, 6\r\n", "400"),
    ("", "Content-Length: 5\r\nContent-Length: 5\r\n", "400"), ("", "Content-Length: +5\r\n", "400"),
    ("", "Content-Length: 0x5\r\n", "400"),
    ("", "Content-Length:\r\n", "400"), ("", "Content-Length: 99999999999999999999\r\n", "413"),
    ("", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "400"), ("", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "400"),
    ("", "Transfer-Encoding: chunked, identity\r\n", "400"), ("", "Transfer-Encoding: gzip, chunked\r\n", "501"),
    ("", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "501"), ("", "Transfer-Encoding: xchunked\r\n", "400"),
    ("", "Content-Length : 5\r\n", "400"), ("", " Content-Length: 5\r\n", "400"), ("", "X: a\r\n b\r\n", "400"), ("", "X\r\n", "400"),
    ("", "X: a\u{0}b\r\n", "400"), ("", "X: a\rb\r\n", "400"), ("", "X: a\nContent-Length: 5\r\n", "400"), ("", ": x\r\n", "400"),
    ("", "Host: other\r\n", "400"), ("", "Expect: 200-maybe\r\n", "417"), ("POST  / HTTP/1.1", "", "400"), ("POST / HTTP/2.0", "", "505"),
    ("POST /", "", "400"), ("POST /\u{0} HTTP/1.1", "", "400"), ("PO(ST / HTTP/1.1", "", "400"), ("POST / ICY/1.1", "", "400"),
  ]) func refusedHeads(_ first: String, _ more: String, _ status: String) {
    let text = (first.isEmpty ? "POST / HTTP/1.1" : first) + "\r\nHost: h\r\n" + more + "\r\n"
    do throws(RequestHead.Problem) {
      _ = try RequestHead(Array(text.utf8)[...])
      Issue.record("it was taken: \(text.debugDescription)")
    } catch { #expect(error.status.hasPrefix(status), "\(error)") }
  }

  /// A body is the same however its bytes come.
  @Test func chunks() throws {
    let bytes = Array("5\r\nhello\r\n1;name=\"x\"\r\n \r\nA \r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\nGET".utf8)
    for split in 0...bytes.count {
      var reader = ChunkReader()
      var body: [UInt8] = []
      var rest: [UInt8] = []
      for part in [Array(bytes[..<split]), Array(bytes[split...])] {
        let used = try reader.read(part, from: 0) {
          body += $0
          return true
        }
        rest += part[used...]
      }
      #expect(reader.isAtEnd && body == Array("hello 0123456789".utf8) && rest == Array("GET".utf8), "split at \(split)")
    }
  }

  @Test(arguments: [
    "\r\n", "g\r\n", "5\r\nhello5", "5\r\nhelloX\n", "5\nhello\r\n0\r\n\r\n", "-5\r\n", "5\r\r\n", "FFFFFFFFFFFFFFFF\r\n", "1;\u{0}\r\n",
    "0\r\nX\rY\r\n", "0\r\n\n",
  ]) func brokenChunks(_ text: String) {
    var reader = ChunkReader()
    #expect(throws: RequestHead.Problem.self) { _ = try reader.read(Array(text.utf8), from: 0) { _ in true } }
  }

  @Test func gzip() throws {
    // `printf hello | gzip -n`, twice in a row.
    let member: [UInt8] = [
      0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0xCB, 0x48, 0xCD, 0xC9, 0xC9, 7, 0, 0x86, 0xA6, 0x10, 0x36, 5, 0, 0, 0,
    ]
    #expect(try Gzip.unpack(member, limit: 5) == Array("hello".utf8))
    #expect(try Gzip.unpack(member + member, limit: 10) == Array("hellohello".utf8))
    for (bytes, limit, problem) in [
      (member, 4, Gzip.Problem.tooLong), (member + member, 9, .tooLong), ([], 9, .broken), (Array(member.dropLast()), 9, .broken),
      (member + [1], 9, .broken), (member.map { $0 == 0x36 ? 0x37 : $0 }, 9, .broken), (Array("hello".utf8), 9, .broken),
    ] { #expect(throws: problem) { _ = try Gzip.unpack(bytes, limit: limit) } }
  }

  private func statusServer() throws -> StatusServer {
    try StatusServer("127.0.0.1:0") { $0 == "/livez" ? ("200 OK", "alive\n") : ("404 Not Found", "") }
  }

  /// R32: more silent clients than there is room for hold nobody up.
  @Test func silentClients() throws {
    let server = try statusServer()
    defer { server.end() }
    let silent = (0..<100).map { _ in RawClient(server.port) }
    for _ in 0..<3 {
      let client = RawClient(server.port)
      client.send("GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      let answer = client.rest()
      #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n") && answer.hasSuffix("alive\n"), "\(answer)")
    }
    withExtendedLifetime(silent) {}
  }

  /// R32: a head may come in pieces, and several requests in one.
  @Test func piecesAndPipelines() throws {
    let server = try statusServer()
    defer { server.end() }
    let client = RawClient(server.port)
    for piece in [
      "GET /li", "vez HTTP/1.1\r\nHo", "st: x\r\n\r", "\nHEAD /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /x HTTP/1.1\r\n", "Host: x\r\n\r\n",
    ] {
      client.send(piece)
      usleep(20_000)
    }
    client.send("POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}GET /livez HTTP/1.0\r\n\r\n")
    let statuses = client.rest().split(separator: "HTTP/1.1 ").map { $0.prefix(3) }
    #expect(statuses == ["200", "200", "404", "405", "200"])
  }

  /// One that goes on sending has its time all the same, and one that sends a head without end is told.
  @Test func slowAndEndlessHeads() throws {
    let server = try statusServer()
    defer { server.end() }
    let slow = RawClient(server.port)
    let end = Date(timeIntervalSinceNow: 20)
    slow.send("GET / HTTP/1.1\r\nX: ")
    while !slow.isClosed, Date() < end {
      slow.send("x")
      usleep(50_000)
    }
    #expect(Date() < end)
    let endless = RawClient(server.port)
    endless.send("GET / HTTP/1.1\r\nX: " + String(repeating: "x", count: 10_000))
    #expect(endless.rest().hasPrefix("HTTP/1.1 431 "))
  }
}
