import Glibc

/// What sources of files have in common: how a file is opened where it was left, and what is said of its events.
struct FileOpener: Sendable {
  let context: EndpointContext
  /// Whether what begins as gzip does is unpacked.
  let unpacks: Bool
  let framing: Framing
  /// Whether events are records as the first step wants them; lines that were joined are not.
  let isFramed: Bool
  /// Events are known by their record's number, not by their line.
  let countsRecords: Bool
  let limit: Int
  /// How far each file was read in earlier runs, by its path then.
  var saved: [String: FilePosition] = [:]

  init(_ context: EndpointContext, unpacks: Bool, joined: Framing?, countsRecords: Bool) {
    self.context = context
    self.unpacks = unpacks
    framing = joined ?? context.framing ?? .lines
    isFramed = joined == nil && context.framing != nil
    self.countsRecords = countsRecords
    limit = context.eventLimit
  }

  func open(_ path: String, at known: FilePosition? = nil, name: String? = nil) throws(RunFailure) -> SourceFile {
    try SourceFile(path, at: known, name: name, unpacks: unpacks, framing: framing, stop: context.stop, limit: limit)
  }

  /// What is to be read of a name, in order: the rest of the file that had it in the last run, those that had it between,
  /// and the one that has it. `present` are the numbers of the files that are read under names of their own.
  func files(_ path: String, present: Set<UInt64>) throws(RunFailure) -> [SourceFile] {
    var current = try open(path)
    // The same file may have another name by now, and another file its name.
    if let known = saved.values.first(where: { $0.number == current.identity.number && $0.fits(current.stream.fd) }) {
      if known.offset > 0 { current = try open(path, at: known) }
      if known.offset == .max { current.finish() }
      return [current]
    }
    guard let old = saved[path], !present.contains(old.number) || old.number == current.identity.number else { return [current] }
    let isCut = old.number == current.identity.number
    guard old.offset < .max,
      let name = isCut ? Rotation.copy(old, of: path) : Rotation.renamed(old, from: path) ?? Rotation.copy(old, of: path)
    else {
      warn(
        "\(Shape.clean(path)) is another file than in the last run; it is read from its beginning, what was left of the other is not found")
      return [current]
    }
    let rest = try open(path, at: old, name: name)
    rest.isStatic = true
    let between = Rotation.missed(
      path, after: old, modified: Rotation.modified(rest.stream.fd), except: [rest.identity, current.identity])
    var result = [rest]
    for name in between {
      result.append(try open(path, name: name))
      result.last!.isStatic = true
    }
    return result + [current]
  }

  func warn(_ message: String) { context.logger.warning(message, pipeline: context.pipeline) }

  // MARK: What is said of events

  func meta(_ path: String, _ place: LineSplitter.Place) -> String {
    countsRecords ? Self.meta(path, "record", place.record) : Self.meta(path, "line", place.line)
  }

  static func meta(_ path: String, _ name: StaticString? = nil, _ number: Int64 = 0) -> String {
    let arena = Arena(chunkSize: 1024)
    return makeText(arena) { out in
      out.raw("{\"path\":")
      out.quoted(arena.copy(path))
      if let name {
        out.raw(",\"")
        out.raw(name)
        out.raw("\":")
        out.int(number)
      }
      out.byte(UInt8(ascii: "}"))
    }.string
  }

  func describe(_ batch: Batch, _ file: SourceFile) {
    let (places, path, number) = (file.splitter.places, file.path, file.identity.number)
    batch.describe = { [self] row in meta(path, row < places.count ? places[row] : .init()) }
    batch.origin = { "\(path) \(number) \(places[$0].offset)" }
    for name in context.meta {
      let column = batch.metaColumn(name, name == "path" ? .string : .int)
      let pathText = batch.context.arena.copy(path)
      for row in 0..<batch.count {
        switch name {
        case "path": column.set(pathText, row)
        case "line": column.set(places[row].line, row)
        default: column.set(places[row].offset, row)
        }
      }
    }
  }
}

/// `file.lines` and `file.bytes`: one file, or all that a pattern matches, in the order of their names.
final class FileSource: Source {
  private let context: EndpointContext
  private var opener: FileOpener
  private let paths: [String]
  private var index = 0
  /// What is to be read under the name at `index`, the first of them now.
  private var files: [SourceFile] = []
  /// An event is a file.
  private let whole: Bool
  private var total: Int64 = 0
  private var before: Int64 = 0
  /// Numbers of the files that were there at the start.
  private var present: Set<UInt64> = []
  /// What the next batch adds to what is kept.
  private var checkpoint: Checkpoint = [:]
  private var keeps = false

  init(_ context: EndpointContext, _ path: String, unpacks: Bool, whole: Bool, joined: Framing? = nil) throws(RunFailure) {
    self.context = context
    self.whole = whole && context.framing == nil
    opener = FileOpener(context, unpacks: unpacks, joined: joined, countsRecords: whole)
    paths = try FilePattern.expand(path)
    for path in paths {
      var status = stat()
      guard stat(path, &status) == 0 else { continue }
      total += Int64(status.st_size)
      present.insert(UInt64(status.st_ino))
    }
  }

  var ends: Bool { true }

  /// A part is a path.
  func resume(_ positions: any PositionStore) throws(RunFailure) {
    keeps = true
    for (path, position) in try positions.load(nil) {
      opener.saved[path] = FilePosition(position)
      // Files that are gone are forgotten.
      if !paths.contains(path) { checkpoint.updateValue(nil, forKey: path) }
    }
  }

  var progress: (done: Int64, total: Int64)? { (before + (files.first?.stream.consumed ?? 0), total) }

  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    let goesOn = try read(batch)
    swap(&batch.checkpoint, &checkpoint)
    return goesOn
  }

  private func read(_ batch: Batch) throws(RunFailure) -> Bool {
    while true {
      guard let file = files.first else {
        guard index < paths.count else { return false }
        files = try opener.files(paths[index], present: present)
        if let first = files.first, first.mark.offset > 0 { keep(first) }
        if files.isEmpty { index += 1 }
        continue
      }
      if file.mark.offset == .max {
        leave()
        continue
      }
      batch.isFramed = opener.isFramed
      if whole { return try readWhole(file, batch) }
      // What is written later may end a line that has no end yet; without kept positions it would never be read.
      let final = !keeps || opener.countsRecords || file.isStatic
      let meta = { [opener] in opener.meta(file.path, $0) }
      // What is there when its end is reached is an event, though more may be written that would go on with it.
      if try file.read(batch, final: final, meta: meta) || !file.stream.wasStopped && file.readWaiting(batch, after: 0, meta: meta) {
        opener.describe(batch, file)
        keep(file)
        return true
      }
      if file.stream.wasStopped { return false }
      if file.splitter.isWithinRecord {
        opener.warn(
          "\(Shape.clean(file.path)) ends within a line; `state` is kept, so that it is read when its end is there")
      }
      // Packed files have no place to go on from: read to the end they are done.
      if file.stream.isPacked { file.finish() }
      keep(file)
      leave()
    }
  }

  private func keep(_ file: SourceFile) {
    guard keeps else { return }
    if file.mark.offset < .max { file.moveMark() }
    // Behind the first of several under one name it would not be known that the others were not read.
    if !file.stream.isPacked || file.mark.offset == .max { checkpoint.updateValue(file.mark.text, forKey: file.path) }
  }

  private func leave() {
    before += files[0].stream.consumed
    files.removeFirst()
    if files.isEmpty { index += 1 }
  }

  /// One file, one event.
  private func readWhole(_ file: SourceFile, _ batch: Batch) throws(RunFailure) -> Bool {
    let limit = opener.limit
    var content = ByteBuffer(capacity: 64 << 10)
    defer { content.release() }
    while content.count <= limit {
      content.reserve(64 << 10)
      let count = try file.stream.read(content.base + content.count, 64 << 10)
      if count < 0 { continue }
      if count == 0 { break }
      content.count += count
    }
    // A pipe that a stop cut short is not an event.
    if file.stream.wasStopped { return false }
    let path = file.path
    let meta = FileOpener.meta(path)
    let text = batch.context.arena.copy(content.bytes)
    if content.count > limit {
      let message =
        "\(Shape.clean(path)) is longer than max_event (\(limit) bytes); raise it: `file.bytes(\(Shape.quote(path))) { max_event = 200MiB }`"
      batch.refused.append(
        Failure(row: 0, step: -1, message: message, reason: .tooLarge, payload: (text.slice(0, min(limit, text.count)), meta)))
    } else {
      batch.append(text)
    }
    batch.describe = { _ in meta }
    let number = file.identity.number
    batch.origin = { _ in "\(path) \(number)" }
    if context.meta.contains("path"), batch.count > 0 {
      let column = batch.metaColumn("path", .string)
      column.set(batch.context.arena.copy(path), 0)
    }
    file.finish()
    keep(file)
    leave()
    return true
  }
}

/// `stdin.lines`.
final class StdinSource: Source {
  private let splitter: LineSplitter
  private let stream: ByteStream
  private let context: EndpointContext
  private let isFramed: Bool
  /// So long an event of joined lines waits for a line that goes on with it, in microseconds.
  private let wait: Int64
  private var touched = monotonicMicros()

  init(_ context: EndpointContext) throws(RunFailure) {
    self.context = context
    let arguments = StdinLinesSourceArguments(context.settings)
    let joined = try Framing.joined(by: arguments.join, context.spec.label, limit: context.eventLimit)
    wait = arguments.joinWait.micros
    isFramed = joined == nil && context.framing != nil
    splitter = LineSplitter(limit: context.eventLimit, framing: joined ?? context.framing ?? .lines)
    stream = try ByteStream(0, path: "standard input", unpack: false, stop: context.stop)
  }

  var ends: Bool { true }

  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    batch.isFramed = isFramed
    let held = splitter.unfinished
    let more = try splitter.next(stream, batch, final: true, meta: Self.meta)
    if batch.count > 0 || splitter.unfinished != held { touched = monotonicMicros() }
    let isEmpty = batch.count == 0 && batch.refused.isEmpty
    if more, isEmpty, monotonicMicros() - touched >= wait { _ = splitter.takeWaiting(batch, meta: Self.meta) }
    let places = splitter.places
    batch.describe = { "{\"line\":\($0 < places.count ? places[$0].line : 0)}" }
    if context.meta.contains("line") {
      let column = batch.metaColumn("line", .int)
      for row in 0..<batch.count { column.set(places[row].line, row) }
    }
    return more
  }

  private static func meta(_ place: LineSplitter.Place) -> String { "{\"line\":\(place.line)}" }
}
