import Glibc
import Synchronization

/// Where the next run finds how far a source has come: of each of its parts (a file, a partition; `""` where there is but
/// one) a text of the source's own.
public protocol PositionStore: AnyObject, Sendable {
  /// What was kept of all parts, or of those named. A transient failure where the system that keeps them is down.
  func load(_ parts: [String]?) throws(RunFailure) -> [String: String]
  /// Whether positions are kept in the transaction of the events' effects. Then they alone say where to go on, whatever
  /// the source's own system was told.
  var isTransactional: Bool { get }
  /// Whether it begins with this run, and what came before would be missing where the positions belong with something else.
  var isNew: Bool { get }
}

extension PositionStore {
  public var isNew: Bool { false }
}

/// How far a source has come with a batch: the parts that have changed, nil if one is gone.
public typealias Checkpoint = [String: String?]

/// One part's new position, for a sink that keeps it.
public struct PositionChange: Sendable {
  /// The pipeline and the source's label.
  public let source: String
  public let part: String
  /// Nil if the part is gone.
  public let position: String?
  /// What was kept before; another value there means that another process went on from it.
  public let previous: String?
}

/// A sink that keeps positions in the transaction of its events, so that each has its effect once.
///
/// Its `commit` makes nothing durable while it refuses events. These are routed first, and it is called again: the others
/// and the positions go together then. Their numbers stay what they were until that.
public protocol PositionKeeper: Sink {
  /// Called by a source's thread, without the pipeline's lock: another source's events may be written meanwhile.
  func positions(_ source: String, _ parts: [String]?) throws(RunFailure) -> [String: String]
  /// What the next commit keeps, in place of what was said before.
  func keep(_ changes: [PositionChange])
}

extension PositionKeeper { public var keeper: (any PositionKeeper)? { self } }

/// Where the engine keeps the positions of a source: in a file after the commit, or with a sink's rows.
package enum PositionPlace {
  case file(FilePositions)
  case sink(KeptPositions)
  /// With what the steps of its pipeline keep.
  case log(any PositionStore)

  package var store: any PositionStore {
    switch self {
    case .log(let positions): positions
    case .file(let positions): positions
    case .sink(let positions): positions
    }
  }
}

extension RunFailure {
  /// Two processes read the same; of what the other has done this one must not do any again.
  public static func overtaken(_ change: PositionChange) -> RunFailure {
    RunFailure(
      "another process has gone on from the position of `\(Shape.clean(change.source))`"
        + (change.part.isEmpty ? "" : ", part `\(Shape.clean(change.part))`") + "; run one of them only")
  }
}

/// Positions in a table of a sink.
/// What is known is behind its lock. Of the keeper only `positions` is called, which any source's thread may.
package final class KeptPositions: PositionStore, @unchecked Sendable {
  private let keeper: any PositionKeeper
  private let source: String
  private let known = Mutex<[String: String]>([:])

  package init(_ keeper: any PositionKeeper, pipeline: String, label: String) {
    self.keeper = keeper
    source = "\(pipeline): \(label)"
  }

  package var isTransactional: Bool { true }

  package func load(_ parts: [String]?) throws(RunFailure) -> [String: String] {
    let found = try keeper.positions(source, parts)
    known.withLock { known in
      for part in parts ?? Array(found.keys) { known[part] = found[part] }
    }
    return found
  }

  package func changes(_ checkpoint: Checkpoint) -> [PositionChange] {
    known.withLock { known in
      checkpoint.sorted { $0.key < $1.key }.filter { known[$0.key] != $0.value }.map {
        PositionChange(source: source, part: $0.key, position: $0.value, previous: known[$0.key])
      }
    }
  }

  package func committed(_ changes: [PositionChange]) {
    known.withLock { known in
      for change in changes where change.source == source { known[change.part] = change.position }
    }
  }
}

/// A folder of positions, which one process has at a time: two that went on from the same would do everything twice.
package final class StateFolder: Sendable {
  private let fd: Int32

  /// The folders of this process that are in use, by their paths.
  private static let open = Mutex<[String: Unheld]>([:])
  private struct Unheld { weak var folder: StateFolder? }

  /// Makes the folder where it is not there, and holds it until nobody uses the result any more.
  package static func hold(_ path: String) throws(RunFailure) -> StateFolder {
    try open.withLock { open throws(RunFailure) in
      if let held = open[path]?.folder { return held }
      let folder = try StateFolder(path)
      open[path] = Unheld(folder: folder)
      return folder
    }
  }

  private init(_ path: String) throws(RunFailure) {
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw RunFailure(FileProblem("create", path).message) }
    fd = Glibc.open("\(path)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard fd >= 0 else { throw RunFailure(FileProblem("create", "\(path)/lock").message) }
    guard flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK else {
      throw RunFailure(
        "another process uses the state folder \(Shape.clean(path)); end that, or give each program a folder of its own")
    }
  }

  deinit { Glibc.close(fd) }
}

/// Positions in a small file for each source, replaced atomically: lengths and texts in turn, part and position.
/// What is known is behind its lock; the folder is held by the first `load`, before anything is stored.
package final class FilePositions: PositionStore, @unchecked Sendable {
  private let folder: String
  private var held: StateFolder?
  package let path: String
  private let known = Mutex<[String: String]?>(nil)

  package init(folder: String, path: String) { (self.folder, self.path) = (folder, path) }

  package init(folder: String, pipeline: String, label: String) {
    self.folder = folder
    path = "\(folder)/\(Self.fileName("\(pipeline)-\(label)")).position"
  }

  /// A file's name that no other text has.
  package static func fileName(_ text: String) -> String {
    let name = text.utf8.map { byte -> String in
      let isPlain = (byte | 0x20 >= 97 && byte | 0x20 <= 122) || (byte >= 48 && byte <= 57) || byte == 45 || byte == 46
      return isPlain ? String(UnicodeScalar(byte)) : "_" + String(byte, radix: 16)
    }.joined()
    // File names end at 255 bytes; of a longer one the rest stands as a number.
    let rest = name.utf8.dropFirst(180).fnv1a
    return name.utf8.count > 180 ? "\(name.prefix(180))-\(String(rest, radix: 16))" : name
  }

  package var isTransactional: Bool { false }

  package func load(_ parts: [String]?) throws(RunFailure) -> [String: String] {
    if held == nil { held = try StateFolder.hold(folder) }
    let kept: [String]
    do throws(FileProblem) { kept = String(decoding: try readWholeFile(path, limit: 1 << 30), as: UTF8.self).netstrings } catch {
      // Whatever else is wrong with it, to begin anew would give every event again.
      guard error.code == ENOENT else { throw RunFailure("\(error.message); positions of earlier runs are kept there") }
      kept = []
    }
    let all = known.withLock { known in
      if let known { return known }
      let texts = kept
      let pairs = stride(from: 0, to: texts.count - 1, by: 2).map { (texts[$0], texts[$0 + 1]) }
      let found = Dictionary(pairs, uniquingKeysWith: { $1 })
      known = found
      return found
    }
    return parts.map { parts in all.filter { parts.contains($0.key) } } ?? all
  }

  package func save(_ checkpoint: Checkpoint) throws(RunFailure) {
    _ = try load(nil)
    let all = known.withLock { known in
      // They were loaded just now.
      for (part, position) in checkpoint { known![part] = position }
      return known!
    }
    let text = String(netstrings: all.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] })
    do throws(FileProblem) { try replaceFile(path, Array(text.utf8)) } catch { throw RunFailure(error.message) }
  }
}

extension String {
  /// Texts in one, each after its length in bytes: `5:hello,`, whatever they hold.
  public init(netstrings texts: [String]) { self = texts.map { "\($0.utf8.count):\($0)," }.joined() }

  /// The texts again; what is cut off or none of these is left out.
  public var netstrings: [String] {
    var rest = Array(utf8)[...]
    var result: [String] = []
    while let colon = rest.firstIndex(of: UInt8(ascii: ":")), let count = Int(String(decoding: rest[..<colon], as: UTF8.self)),
      count >= 0, count < rest.endIndex - colon - 1
    {
      let body = rest[(colon + 1)...].prefix(count)
      result.append(String(decoding: body, as: UTF8.self))
      rest = rest[body.endIndex...].dropFirst()
    }
    return result
  }
}

/// Writes a file under another name and puts it in place, durable before it is seen.
func replaceFile(_ path: String, _ bytes: [UInt8]) throws(FileProblem) {
  let temporary = path + ".tmp"
  let fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
  guard fd >= 0 else { throw FileProblem("create", temporary) }
  defer { close(fd) }
  try writeAll(fd, bytes, bytes.count, temporary)
  guard fsync(fd) == 0, rename(temporary, path) == 0 else { throw FileProblem("replace", path) }
}
