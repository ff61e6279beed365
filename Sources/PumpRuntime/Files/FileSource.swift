import Glibc

/// `file.lines` and `file.bytes`: one file, or all that a pattern matches, in the order of their names.
final class FileSource: Source, @unchecked Sendable {
  private let context: EndpointContext
  private let paths: [String]
  private var index = 0
  /// The followed file's name has another file; what was written to this one before is still read.
  private var wasReplaced = false
  private var stream: ByteStream?
  private var splitter: LineSplitter
  private let follow: Bool
  private let whole: Bool
  private let limit: Int
  private var total: Int64 = 0
  private var before: Int64 = 0
  /// How far each file was read in earlier runs, by its path then.
  private var saved: [String: FilePosition] = [:]
  /// Numbers of the files that were there at the start.
  private var present: Set<UInt64> = []
  /// What the next batch adds to what is kept.
  private var checkpoint: Checkpoint = [:]
  private var keeps = false
  /// The number of the file that is being read, in its file system.
  private var number: UInt64 = 0

  init(_ context: EndpointContext, whole: Bool) throws(RunFailure) {
    self.context = context
    self.whole = whole
    limit = context.eventLimit
    follow = context.settings.bool("follow")
    splitter = LineSplitter(limit: whole ? 0 : limit)
    let path = context.settings.text("path") ?? ""
    paths = try FileSource.expand(path)
    for path in paths {
      var status = stat()
      guard stat(path, &status) == 0 else { continue }
      total += Int64(status.st_size)
      present.insert(UInt64(status.st_ino))
    }
  }

  /// A part is a path.
  func resume(_ positions: any PositionStore) throws(RunFailure) {
    keeps = true
    for (path, position) in try positions.load(nil) {
      saved[path] = FilePosition(position)
      // Files that are gone are forgotten.
      if !paths.contains(path) { checkpoint.updateValue(nil, forKey: path) }
    }
  }

  private func mark(_ end: Int64) {
    guard keeps, let stream else { return }
    checkpoint.updateValue(FilePosition(stream.fd, number, offset: end).text, forKey: paths[index])
  }

  /// The files that a pattern matches; a plain path is itself, so that its absence is reported.
  static func expand(_ pattern: String) throws(RunFailure) -> [String] {
    guard pattern.contains(where: { "*?[".contains($0) }) else { return [pattern] }
    var result = glob_t()
    defer { globfree(&result) }
    guard glob(pattern, 0, nil, &result) == 0, result.gl_pathc > 0 else {
      throw RunFailure("no file matches \(Shape.clean(pattern)); check the pattern and the folder it starts from")
    }
    return (0..<Int(result.gl_pathc)).map { String(cString: result.gl_pathv[$0]!) }
  }

  var progress: (done: Int64, total: Int64)? { (before + (stream?.consumed ?? 0), total) }

  private func openNext() throws(RunFailure) -> Bool {
    guard index < paths.count else { return false }
    let path = paths[index]
    var named = stat()
    // A named pipe is opened without waiting for its writer; reading does that, and heeds the stop.
    let isPipe = stat(path, &named) == 0 && named.st_mode & S_IFMT == S_IFIFO
    let fd = open(path, O_RDONLY | O_CLOEXEC | (isPipe ? O_NONBLOCK : 0))
    guard fd >= 0 else { throw RunFailure(FileProblem("open", path).message) }
    var status = stat()
    fstat(fd, &status)
    number = UInt64(status.st_ino)
    var start: Int64 = 0
    // The same file may have another name by now, and another file its name.
    if let known = saved.values.first(where: { $0.number == number && $0.fits(fd) }) {
      checkpoint.updateValue(known.text, forKey: path)
      if known.offset == Int64.max || (known.offset == Int64(status.st_size) && !follow) {
        Glibc.close(fd)
        index += 1
        return try openNext()
      }
      start = known.offset
    } else if let known = saved[path], !present.contains(known.number) || known.number == number {
      context.logger.warning(
        "\(Shape.clean(path)) is another file than in the last run; it is read from its beginning", pipeline: context.pipeline)
    }
    let unpack = context.settings.text("compression") != "none"
    let opened = try ByteStream(fd, path: path, unpack: unpack, stop: context.stop)
    if start > 0, !opened.isPacked, lseek(fd, off_t(start), SEEK_SET) >= 0 {
      splitter = LineSplitter(limit: limit, offset: start)
    } else if !whole {
      splitter = LineSplitter(limit: limit)
    }
    stream = opened
    return true
  }

  private func closeCurrent() {
    before += stream?.consumed ?? 0
    // Packed files have no place to go on from: read to the end they are done.
    mark(whole || stream?.isPacked ?? false ? Int64.max : splitter.position)
    stream = nil
    index += 1
  }

  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    let goesOn = try read(batch)
    swap(&batch.checkpoint, &checkpoint)
    return goesOn
  }

  private func read(_ batch: Batch) throws(RunFailure) -> Bool {
    while true {
      if stream == nil, try !openNext() { return false }
      if whole { return try nextWhole(batch) }
      let path = paths[index]
      let meta = { (line: Int64) in FileSource.meta(path, line) }
      if try splitter.next(stream!, batch, final: !follow || wasReplaced, meta: meta) {
        describe(batch, path)
        mark(splitter.position)
        return true
      }
      if follow, index == paths.count - 1 {
        // The name has another file: this one was read to its end since that was seen.
        if wasReplaced {
          begin()
          continue
        }
        // The end for now: look again a little later, and whether the name has another file.
        guard context.stop.wait(micros: 100_000) else { return false }
        var (mine, named) = (stat(), stat())
        fstat(stream!.fd, &mine)
        let isCut = Int64(mine.st_size) < splitter.position
        if isCut {
          context.logger.warning("\(Shape.clean(path)) was cut; it is read from its beginning", pipeline: context.pipeline)
        }
        if isCut { begin() } else { wasReplaced = stat(path, &named) == 0 && named.st_ino != mine.st_ino }
        return true
      }
      closeCurrent()
    }
  }

  /// The file that now has the name, from its beginning.
  private func begin() {
    stream = nil
    splitter = LineSplitter(limit: limit)
    wasReplaced = false
  }

  static func meta(_ path: String, _ line: Int64) -> String {
    let arena = Arena()
    var out = ByteBuffer(capacity: 128)
    defer { out.release() }
    out.raw("{\"path\":")
    out.quoted(arena.copy(path))
    out.raw(",\"line\":")
    out.int(line)
    out.byte(UInt8(ascii: "}"))
    return out.string
  }

  private func describe(_ batch: Batch, _ path: String) {
    let numbers = splitter.numbers
    batch.describe = { FileSource.meta(path, $0 < numbers.count ? numbers[$0] : 0) }
    let (offsets, file) = (splitter.offsets, number)
    batch.origin = { "\(path) \(file) \(offsets[$0])" }
    for name in context.meta {
      let column = batch.meta[name] ?? Column(name == "path" ? .string : .int)
      batch.meta[name] = column
      let pathText = batch.context.arena.copy(path)
      for row in 0..<batch.count {
        switch name {
        case "path": column.set(pathText, row)
        case "line": column.set(splitter.numbers[row], row)
        default: column.set(splitter.offsets[row], row)
        }
      }
    }
  }

  /// One file, one event.
  private func nextWhole(_ batch: Batch) throws(RunFailure) -> Bool {
    let path = paths[index]
    var content = ByteBuffer(capacity: 64 << 10)
    defer { content.release() }
    var over = false
    while true {
      content.reserve(64 << 10)
      let count = try stream!.read(content.base + content.count, 64 << 10)
      if count < 0 { continue }
      if count == 0 { break }
      content.count += count
      if content.count > limit {
        over = true
        break
      }
    }
    let meta = FileSource.meta(path, 1)
    let text = batch.context.arena.copy(content.bytes)
    (UnsafeMutablePointer(mutating: text.base) + text.count).pointee = 0
    if over {
      batch.refused.append(
        Failure(
          row: 0, step: -1, message: "the file is longer than max_event (\(limit) bytes)",
          payload: (text.slice(0, min(limit, text.count)), meta)))
    } else {
      batch.append(text)
    }
    batch.describe = { _ in meta }
    if context.meta.contains("path"), !over {
      let column = batch.meta["path"] ?? Column(.string)
      batch.meta["path"] = column
      column.set(batch.context.arena.copy(path), 0)
    }
    let number = number
    batch.origin = { _ in "\(path) \(number)" }
    closeCurrent()
    return true
  }
}

/// `stdin.lines`.
final class StdinSource: Source, @unchecked Sendable {
  private let splitter: LineSplitter
  private let stream: ByteStream
  private let context: EndpointContext

  init(_ context: EndpointContext) throws(RunFailure) {
    self.context = context
    splitter = LineSplitter(limit: context.eventLimit)
    stream = try ByteStream(0, path: "standard input", unpack: false, stop: context.stop)
  }

  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    let more = try splitter.next(stream, batch, final: true) { "{\"line\":\($0)}" }
    let numbers = splitter.numbers
    batch.describe = { "{\"line\":\($0 < numbers.count ? numbers[$0] : 0)}" }
    if context.meta.contains("line") {
      let column = batch.meta["line"] ?? Column(.int)
      batch.meta["line"] = column
      for row in 0..<batch.count { column.set(splitter.numbers[row], row) }
    }
    return more
  }
}
