import Glibc

/// `file.lines(…, follow: true)`: one file, or all that a pattern matches and ever will, read on as they grow, until the
/// stop. Each name may have several files in a row: those that were rotated away are read to their end first.
final class FollowSource: Source {
  /// A name, and the files that have or had it, the oldest first; the last has it now.
  private final class Lane {
    let path: String
    var files: [SourceFile]
    /// Files that were rotated away and seemed done, for lines that their writer still adds.
    var late: [SourceFile] = []
    init(_ path: String, _ files: [SourceFile]) { (self.path, self.files) = (path, files) }
  }

  private let context: EndpointContext
  private var opener: FileOpener
  private let pattern: String
  private var lanes: [Lane] = []
  private var turn = 0
  private var looked: Int64 = 0
  /// Files that are no longer open, and how far they were read.
  private var done: [FileIdentity: FilePosition] = [:]
  private var checkpoint: Checkpoint = [:]
  private var hasBegun = false

  /// Microseconds between two looks at names.
  private static let pause: Int64 = 100_000
  /// So long a file that was rotated away must give nothing before the next of its name is read.
  private static let quiet: Int64 = 1_000_000
  /// So long it stays open after that: its writer may not have heard of the rotation.
  private static let patience: Int64 = 60_000_000

  /// So long an event of joined lines waits for a line that goes on with it, in microseconds.
  private let wait: Int64

  init(_ context: EndpointContext, _ path: String, unpacks: Bool, joined: Framing?, wait: Int64) throws(RunFailure) {
    self.context = context
    self.wait = wait
    opener = FileOpener(context, unpacks: unpacks, joined: joined, countsRecords: false)
    pattern = path
    // What cannot be opened is said before anything flows.
    guard FilePattern.isPattern(pattern) || FileIdentity(of: pattern) != nil else {
      throw RunFailure(FileProblem("open", pattern, ENOENT).message)
    }
  }

  func resume(_ positions: any PositionStore) throws(RunFailure) {
    for (path, position) in try positions.load(nil) { opener.saved[path] = FilePosition(position) }
  }

  func next(_ batch: Batch) throws(RunFailure) -> Bool {
    let goesOn = try read(batch)
    swap(&batch.checkpoint, &checkpoint)
    return goesOn
  }

  private func read(_ batch: Batch) throws(RunFailure) -> Bool {
    if !hasBegun { try begin() }
    batch.isFramed = opener.isFramed
    if monotonicMicros() - looked >= Self.pause { try look() }
    for _ in lanes.indices {
      turn = (turn + 1) % lanes.count
      if try read(lanes[turn], batch) { return true }
    }
    return context.stop.wait(micros: Self.pause)
  }

  /// The files that are there at the start. Those of earlier runs that are gone are forgotten.
  private func begin() throws(RunFailure) {
    hasBegun = true
    let isPattern = FilePattern.isPattern(pattern)
    let paths = isPattern ? FilePattern.matches(pattern) : [pattern]
    if paths.isEmpty { opener.warn("no file matches \(Shape.clean(pattern)) yet; it is waited for") }
    let present = Set(paths.compactMap { FileIdentity(of: $0)?.number })
    for path in paths { add(Lane(path, try opener.files(path, present: present))) }
    for path in opener.saved.keys where !paths.contains(path) { checkpoint.updateValue(nil, forKey: path) }
    looked = monotonicMicros()
  }

  private func add(_ lane: Lane) {
    lanes.append(lane)
    if let first = lane.files.first { checkpoint.updateValue(first.mark.text, forKey: lane.path) }
  }

  private func read(_ lane: Lane, _ batch: Batch) throws(RunFailure) -> Bool {
    for file in lane.late where try give(file, batch, final: false) { return true }
    guard let file = lane.files.first else { return false }
    if !file.isStatic, file.isRewritten() { try restart(lane, file) }
    let current = lane.files[0]
    let isPassed = lane.files.count > 1 && current.isQuiet(for: Self.quiet)
    if try give(current, batch, final: isPassed) {
      current.moveMark()
      checkpoint.updateValue(current.mark.text, forKey: lane.path)
      return true
    }
    guard isPassed else { return false }
    lane.files.removeFirst()
    if current.isStatic { done[current.identity] = current.mark } else { lane.late.append(current) }
    checkpoint.updateValue(lane.files[0].mark.text, forKey: lane.path)
    return false
  }

  private func give(_ file: SourceFile, _ batch: Batch, final: Bool) throws(RunFailure) -> Bool {
    let meta = { [opener] in opener.meta(file.path, $0) }
    guard try file.read(batch, final: final, meta: meta) || file.readWaiting(batch, after: wait, meta: meta) else { return false }
    opener.describe(batch, file)
    return true
  }

  /// Opens what a look has found; nil if its name is gone by now, so that the next look finds what there is.
  private func open(_ path: String, at mark: FilePosition? = nil, name: String? = nil) throws(RunFailure) -> SourceFile? {
    do throws(RunFailure) {
      return try opener.open(path, at: mark, name: name)
    } catch {
      guard FileIdentity(of: name ?? path) == nil else { throw error }
      return nil
    }
  }

  /// A file was cut, perhaps copied before that, or written anew.
  private func restart(_ lane: Lane, _ file: SourceFile) throws(RunFailure) {
    var anew: SourceFile?
    if lane.files.count == 1 {
      guard let opened = try open(lane.path) else { return }
      anew = opened
    }
    opener.warn("\(Shape.clean(lane.path)) was cut or written anew; it is read from its beginning")
    var files: [SourceFile] = []
    if let copy = Rotation.copy(file.mark, of: lane.path), let opened = try open(lane.path, at: file.mark, name: copy) {
      opened.isStatic = true
      files.append(opened)
    }
    if let anew { files.append(anew) }
    lane.files.replaceSubrange(0..<1, with: files)
    checkpoint.updateValue(lane.files[0].mark.text, forKey: lane.path)
  }

  // MARK: Names

  private var known: Set<FileIdentity> { Set(lanes.flatMap { ($0.files + $0.late).map(\.identity) }) }

  /// Looks which files the names have now.
  private func look() throws(RunFailure) {
    looked = monotonicMicros()
    if FilePattern.isPattern(pattern) {
      let names = Set(lanes.map(\.path))
      for path in FilePattern.matches(pattern) where !names.contains(path) { try appeared(path) }
    }
    for lane in lanes {
      if let named = FileIdentity(of: lane.path), named != lane.files.last?.identity { try replaced(lane, named) }
      lane.late.removeAll { file in
        guard looked - file.touched > Self.patience else { return false }
        file.moveMark()
        done[file.identity] = file.mark
        return true
      }
    }
    // A name of a pattern that has no file any more, and whose last is done.
    lanes.removeAll { lane in
      guard FilePattern.isPattern(pattern), let last = lane.files.last, lane.files.count == 1, lane.late.isEmpty,
        looked - last.touched > Self.patience, FileIdentity(of: lane.path) == nil
      else { return false }
      done[last.identity] = last.mark
      checkpoint.updateValue(nil, forKey: lane.path)
      return true
    }
    if turn >= lanes.count { turn = 0 }
  }

  /// A name that matches and did not before: a new file, or one that had another name.
  private func appeared(_ path: String) throws(RunFailure) {
    guard let identity = FileIdentity(of: path), !known.contains(identity) else { return }
    guard let file = try open(path) else { return }
    guard let mark = done[identity], mark.fits(file.stream.fd) else { return add(Lane(path, [file])) }
    // It is the file that was read under another name; what came since is new.
    var status = stat()
    fstat(file.stream.fd, &status)
    if Int64(status.st_size) > mark.offset {
      if let grown = try open(path, at: mark) { add(Lane(path, [grown])) }
    }
  }

  /// A name has another file: those that had it in between come first.
  private func replaced(_ lane: Lane, _ named: FileIdentity) throws(RunFailure) {
    guard !known.contains(named) else { return }
    guard let current = try open(lane.path) else { return }
    if let old = lane.files.last {
      let between = Rotation.missed(
        lane.path, after: old.mark, modified: Rotation.modified(old.stream.fd), except: known.union([current.identity]))
      for name in between {
        guard let identity = FileIdentity(of: name), done[identity] == nil, let file = try open(lane.path, name: name) else { continue }
        file.wasReplaced()
        lane.files.append(file)
      }
      old.wasReplaced()
    }
    lane.files.append(current)
  }
}
