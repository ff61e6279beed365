import Foundation
import PumpTestSupport
import Testing

@testable import PumpConnectorKit
@testable import PumpRuntime
@testable import PumpValues

/// A whole pipeline over sinks that take effect at their commit only: what stays is what one sink for all would leave.
@Suite struct PipelineOrderTests {
  private static let record = RecordType(fields: [Field("id", .int), Field("n", .int)])

  /// Rows by id. Used by one thread.
  private final class Store { var rows: [Int64: Int64] = [:] }

  // One pipeline's thread writes and commits it.
  private final class StoreSink: Sink {
    let store: Store
    let deletes: Bool
    private var waiting: [(id: Int64, n: Int64)] = []
    init(_ store: Store, deletes: Bool) { (self.store, self.deletes) = (store, deletes) }
    func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
      let columns = buffer.records!.children
      for row in 0..<buffer.count { waiting.append((columns[0].get(Int64.self, row), columns[1].get(Int64.self, row))) }
      return []
    }
    func commit() throws(RunFailure) -> [Refusal] {
      for (id, n) in waiting { store.rows[id] = deletes ? nil : n }
      waiting = []
      return []
    }
    func close(completed: Bool) throws(RunFailure) {}
  }

  /// Events are `sink id n`.
  private final class Split: Processor {
    func process(_ batch: Batch, _ out: Outputs) {
      for row in 0..<batch.count {
        let words = batch.events[row].string.split(separator: " ").map { Int64($0)! }
        let buffer = out.sinks[Int(words[0])]
        let place = buffer.count
        buffer.records!.setPresent(place)
        buffer.records!.children[0].set(words[1], place)
        buffer.records!.children[1].set(words[2], place)
        buffer.origins.append(Int32(row))
      }
    }
  }

  // One pipeline's thread reads it.
  private final class Batches: Source {
    var left: [[String]]
    init(_ batches: [[String]]) { left = batches }
    func next(_ batch: Batch) throws(RunFailure) -> Bool {
      guard !left.isEmpty else { return false }
      for event in left.removeFirst() { batch.append(batch.context.arena.copy(event)) }
      return true
    }
  }

  @Test("D4: over many batches, with a barrier in the middle of one", arguments: 0..<200) func likeOneSink(_ seed: Int) throws {
    var random = Support.Random(UInt64(seed) &+ 77)
    let place = Place(file: "t.pump", line: 1, column: 1)
    func endpoint(_ name: String, _ label: String) -> EndpointSpec {
      let key = name == "table" ? [Setting(name: "key", type: .list(.string))] : []
      return EndpointSpec(
        connection: "db", connector: "Store", name: name, label: label, settings: [Setting(name: "name", type: .string)] + key,
        type: .record(Self.record), target: name == "table" ? .setting("name") : nil, place: place)
    }
    // Three sinks of one table: a delete whose target is not known, and two upserts.
    let endpoints = [endpoint("execute", "d"), endpoint("table", "a"), endpoint("table", "b")]
    let spec = PipelineSpec(
      id: "p", input: .bytes, stages: endpoints.map { StageSpec(name: $0.label, reason: .expression, place: place) },
      sinks: endpoints.enumerated().map { SinkSpec(step: $0, route: .main, target: .endpoint($1)) }, onError: .halt, delivery: .atLeastOnce,
      place: place)
    let upsert = Settings(["name": .text("t"), "key": .list([.text("id")])])
    let configuration = Configuration(
      sections: ["pipeline:p:d": Settings([:]), "pipeline:p:a": upsert, "pipeline:p:b": upsert], general: GeneralSettings(Settings([:])))
    let store = Store()
    let pipeline = Pipeline(
      spec, PipelineSteps(main: { _ in Split() }), configuration, sinks: endpoints.indices.map { StoreSink(store, deletes: $0 == 0) },
      lookups: [], keeper: nil, logger: Logger(asJSON: false, quiet: true), stop: StopSignal(), clock: { 0 })
    var model: [Int64: Int64] = [:]
    var n: Int64 = 0
    let batches = (0..<Int.random(in: 1...5, using: &random)).map { _ in
      (0..<Int.random(in: 1...12, using: &random)).map { _ in
        let (sink, id) = (Int.random(in: 0...2, using: &random), Int64.random(in: 0...3, using: &random))
        n += 1
        model[id] = sink == 0 ? nil : n
        return "\(sink) \(id) \(n)"
      }
    }
    _ = try pipeline.run(Batches(batches), RetryPolicy(RetrySettings(Settings([:])), limit: 0), "s", nil)
    #expect(store.rows == model, "\(batches)")
  }
}

@Suite struct BatchTests {
  /// Who reads JSON looks one byte further than the text: what lay there before must not be part of a number.
  @Test func ownedEventsEnd() {
    let batch = Batch()
    batch.append(batch.context.arena.copy("1234"))
    batch.clear()
    let memory = Arena()
    batch.append(memory.copy("1299").slice(0, 2))
    batch.own()
    #expect(batch.events[0].string == "12")
    #expect(batch.events[0].base[2] == 0)
  }

  /// Rows of one event are numbered, also where a buffer is written in parts: ids are made of these numbers.
  @Test func rowsOfOneEvent() {
    let buffer = SinkBuffer(records: nil, each: [])
    for origin in [0, 1, 1, 1, 2] {
      buffer.bytes.raw("x")
      buffer.end(origin)
    }
    #expect((0..<5).map { buffer.number($0) } == [0, 0, 1, 2, 0])
    #expect(buffer.number(3) == 2, "asked alone")
    let part = buffer.copy(2..<5)
    #expect((0..<3).map { part.number($0) } == [1, 2, 0])
  }

  /// A file of positions that is there and cannot be read is no reason to begin anew.
  @Test func unreadablePositions() throws {
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(try FilePositions(folder: folder, pipeline: "p", label: "s").load(nil).isEmpty)
    try FilePositions(folder: folder, pipeline: "p", label: "s").save(["": "5"])
    #expect(try FilePositions(folder: folder, pipeline: "p", label: "s").load(nil) == ["": "5"])
    let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first { $0.hasSuffix(".position") })
    try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
    try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: false)
    #expect(throws: RunFailure.self) { try FilePositions(folder: folder, pipeline: "p", label: "s").load(nil) }
  }
}
