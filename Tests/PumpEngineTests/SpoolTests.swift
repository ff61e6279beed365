import Foundation
import PumpTestSupport
import Synchronization
import Testing

@testable import PumpConnectorKit
@testable import PumpRuntime
@testable import PumpValues

/// The queue on disk of a branch that holds no other back.
@Suite struct SpoolTests {
  private func open(_ folder: String, fileLimit: Int = 200) throws -> SpoolLog {
    try SpoolLog(folder: folder, pipeline: "p", label: "s", fileLimit: fileLimit)
  }

  /// What is read over many files, reopened now and then, is what was appended: what was passed never comes again, all else does.
  @Test(arguments: 0..<40) func likeAList(_ seed: Int) throws {
    var random = Support.Random(UInt64(seed) &+ 5)
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var log: SpoolLog? = try open(folder)
    var (waiting, unsynced, unread): ([String], [String], ArraySlice<String>) = ([], [], [])
    var number = 0
    for _ in 0..<120 {
      switch Int.random(in: 0..<10, using: &random) {
      case 0..<4:
        number += 1
        let text = String(repeating: "x", count: Int.random(in: 0...90, using: &random)) + "\(number)"
        log!.append { $0.text(text) }
        unsynced.append(text)
      case 4..<6:
        try log!.sync()
        waiting += unsynced
        unread += unsynced
        unsynced = []
      case 6..<9:
        guard let (frames, end) = try log!.read(upTo: Int.random(in: 1...150, using: &random)) else {
          #expect(unread.isEmpty)
          continue
        }
        #expect(frames.map { String(decoding: $0, as: UTF8.self) } == Array(unread.prefix(frames.count)))
        unread = unread.dropFirst(frames.count)
        if Bool.random(using: &random) {
          try log!.pass(end)
          waiting = Array(unread)
        }
      default:
        // What was not synced is lost with the process.
        log = nil
        log = try open(folder)
        (unsynced, unread) = ([], waiting[...])
      }
      if unread.isEmpty, waiting.isEmpty { #expect(log!.waiting == 0) }
    }
  }

  /// What a branch has left that is gone from the program is told, what was sent is not.
  @Test func orphans() throws {
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var log: SpoolLog? = try open(folder)
    #expect(SpoolLog.orphans(in: folder, besides: []).isEmpty)
    log!.append { $0.text("one") }
    try log!.sync()
    #expect(SpoolLog.orphans(in: folder, besides: [("p", "s")]).isEmpty)
    #expect(SpoolLog.orphans(in: folder, besides: [("p", "other")]).count == 1)
    let (_, end) = try #require(try log!.read(upTo: 100))
    try log!.pass(end)
    log = nil
    #expect(SpoolLog.orphans(in: folder, besides: []).isEmpty)
  }

  /// A crash in the middle of a write leaves a part of a frame, which was never synced; damage before whole frames is told.
  @Test func brokenEnds() throws {
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var log: SpoolLog? = try open(folder, fileLimit: 1 << 20)
    for text in ["one", "two", "three"] { log!.append { $0.text(text) } }
    try log!.sync()
    log = nil
    let name = try #require(try FileManager.default.contentsOfDirectory(atPath: folder).first { $0.contains(".spool.") })
    let whole = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
    for cut in 1..<16 {
      try whole.dropLast(cut).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
      log = try open(folder, fileLimit: 1 << 20)
      #expect(try log!.read(upTo: 1 << 20)?.frames.map { String(decoding: $0, as: UTF8.self) } == ["one", "two"])
      // What is appended then stands where the part stood.
      log!.append { $0.text("four") }
      try log!.sync()
      #expect(try log!.read(upTo: 1 << 20)?.frames.map { String(decoding: $0, as: UTF8.self) } == ["four"])
      log = nil
    }
    var damaged = whole
    damaged[13] ^= 1
    try damaged.write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
    #expect(throws: RunFailure.self) { _ = try open(folder, fileLimit: 1 << 20) }
  }

  /// Refuses odd numbers, early or at its commit, and is down when it is told to be.
  private final class TestSink: Sink, Sendable {
    struct State {
      var isDown = false
      var waiting: [Int64] = []
      var stored: [Int64] = []
      var origins: [String] = []
    }
    let state = Mutex(State())
    let refusesLate: Bool
    init(late: Bool) { refusesLate = late }

    func write(_ buffer: SinkBuffer) throws(RunFailure) -> [Refusal] {
      let ids = (0..<buffer.count).map { buffer.records!.children[0].get(Int64.self, $0) }
      let origins = (0..<buffer.count).compactMap { buffer.origin($0) }
      return state.withLock { state in
        state.origins += origins
        var refused: [Refusal] = []
        for (row, id) in ids.enumerated() {
          if !refusesLate, id % 2 == 1 { refused.append(Refusal(row: row, message: "odd")) } else { state.waiting.append(id) }
        }
        return refused
      }
    }
    func commit() throws(RunFailure) -> [Refusal] {
      let result = state.withLock { state -> Result<[Refusal], RunFailure> in
        if state.isDown { return .failure(RunFailure("down", transient: true)) }
        let refused = refusesLate ? state.waiting.enumerated().filter { $1 % 2 == 1 }.map { Refusal(row: $0.offset, message: "odd") } : []
        state.stored += state.waiting.filter { !refusesLate || $0 % 2 == 0 }
        state.waiting = []
        return .success(refused)
      }
      return try result.get()
    }
    func close(completed: Bool) throws(RunFailure) {}
  }

  private static let record = RecordType(fields: [Field("id", .int), Field("name", .string.asOptional)])

  private func spool(_ sink: TestSink, _ folder: String, _ whenDown: WhenDown) throws -> SpoolSink {
    let spec = EndpointSpec(
      connection: "db", connector: "Store", name: "table", label: "s", type: .record(Self.record), whenDown: whenDown,
      place: Place(file: "t.pump", line: 1, column: 1))
    let retry = RetryPolicy(RetrySettings(Settings(["retry.initial": .int(1000), "retry.max": .int(1000)])), limit: 0)
    return try SpoolSink(sink, spec, whenDown, try open(folder, fileLimit: 1000), retry, StopSignal()) { _, _ in }
  }

  private func give(_ spool: SpoolSink, _ ids: some Sequence<Int64>) throws -> [Refusal] {
    let buffer = SinkBuffer(records: .of(.record(Self.record)), each: [])
    buffer.batchOrigin = { "row \($0)" }
    for (row, id) in ids.enumerated() {
      buffer.records!.setPresent(row)
      buffer.records!.children[0].set(id, row)
      buffer.records!.children[1].setNull(row)
      buffer.origins.append(Int32(row))
    }
    return try spool.write(buffer)
  }

  private func wait(_ condition: () -> Bool) {
    for _ in 0..<2000 where !condition() { usleep(5000) }
  }

  /// A system that is down holds nothing back; what it refuses later comes back once, and all others reach it, in their order.
  @Test(arguments: [false, true]) func spills(late: Bool) throws {
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let sink = TestSink(late: late)
    sink.state.withLock { $0.isDown = true }
    var spool: SpoolSink? = try spool(sink, folder, .spill(1 << 30))
    for start in stride(from: Int64(0), to: 100, by: 10) {
      #expect(try give(spool!, start..<(start + 10)).isEmpty)
      #expect(try spool!.commit().isEmpty)
    }
    #expect(sink.state.withLock { $0.stored.isEmpty })
    // The next run goes on with what this one has left.
    try spool!.close(completed: false)
    spool = nil
    sink.state.withLock { ($0.isDown, $0.waiting, $0.origins) = (false, [], []) }
    spool = try self.spool(sink, folder, .spill(1 << 30))
    var refused: [String] = []
    wait {
      for item in spool!.takeRefused() { refused.append(String(decoding: item.payload, as: UTF8.self)) }
      spool!.settled()
      return spool!.waiting == 0
    }
    #expect(sink.state.withLock { $0.stored } == Array(stride(from: Int64(0), to: 100, by: 2)))
    #expect(refused == stride(from: 1, to: 100, by: 2).map { "{\"id\":\($0),\"name\":null}" })
    #expect(sink.state.withLock { $0.origins.count == 100 && $0.origins[3] == "row 3\n0" })
    try spool!.close(completed: true)
  }

  @Test func shedsWhileDown() throws {
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let sink = TestSink(late: false)
    sink.state.withLock { $0.isDown = true }
    let spool = try spool(sink, folder, .shed)
    #expect(try give(spool, [2]).isEmpty)
    _ = try spool.commit()
    var shed: [Refusal] = []
    wait {
      shed = (try? give(spool, [4])) ?? []
      return !shed.isEmpty
    }
    #expect(shed.first?.reason == .shed)
    sink.state.withLock { $0.isDown = false }
    wait { (try? spool.commit()) != nil && spool.waiting == 0 }
    #expect(sink.state.withLock { $0.stored.first } == 2)
    #expect(try give(spool, [6]).isEmpty)
    try spool.close(completed: false)
  }

  /// More than it may hold asks the pipeline to wait, which is what it does where its system is down.
  @Test func holdsBackWhereItIsFull() throws {
    let folder = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let sink = TestSink(late: false)
    sink.state.withLock { $0.isDown = true }
    let spool = try spool(sink, folder, .spill(1000))
    _ = try give(spool, stride(from: 0, to: 200, by: 2))
    #expect(throws: RunFailure.self) { _ = try spool.commit() }
    sink.state.withLock { $0.isDown = false }
    wait { (try? spool.commit()) != nil }
    #expect(spool.waiting <= 1000)
    try spool.close(completed: false)
  }
}
