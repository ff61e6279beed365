// Generated from Embedded.pump by `PUMP_UPDATE_GOLDEN=1 swift test --filter SettingsFilesTests`; changes here are lost.
import PumpConnectorKit

struct FileLinesSourceArguments: Sendable {
  enum Compression: String, SettingChoice {
    case auto
    case none
  }

  /// A path, or a pattern such as `logs/*.ndjson`.
  var path: String
  /// Goes on with what is appended, to all files that match and those that will, until the stop. A file that is renamed
  /// or copied within its folder and cut, as log rotation does, is read to its end first, also where that happened between
  /// two runs with `state`. What is packed or deleted at once, and what a writer adds between the copy and the cut, is lost.
  var follow: Bool
  /// `auto` unpacks what begins as gzip does.
  var compression: Compression
  /// Lines that this pattern matches go on with the event of the line before, as those of a stack trace do: `join: r"^\s"`.
  /// The event has its lines with LF between them, and `max_event` holds for all of them together. An empty line ends it,
  /// unless the pattern matches that, too.
  var join: String?
  /// The last event of a file that is followed waits so long for a line that goes on with it. One that comes later begins an
  /// event of its own.
  var joinWait: Duration

  init(_ settings: Settings) {
    path = settings.required("path")
    follow = settings.read("follow") ?? false
    compression = settings.read("compression") ?? .auto
    join = settings.read("join")
    joinWait = settings.read("join_wait") ?? Duration(1_000_000)
  }
}

struct FileBytesSourceArguments: Sendable {
  enum Compression: String, SettingChoice {
    case auto
    case none
  }

  var path: String
  var compression: Compression

  init(_ settings: Settings) {
    path = settings.required("path")
    compression = settings.read("compression") ?? .auto
  }
}

struct FileLinesSinkArguments: Sendable {
  enum Mode: String, SettingChoice {
    case replace
    case append
  }

  var path: String
  /// A replaced file appears whole when its pipeline has ended, and until then is `path.part`, which a stop before the
  /// end leaves; an appended one grows, and is cut to its last whole line first. Where an appended one is moved or removed
  /// meanwhile, a new one is begun.
  var mode: Mode
  /// Written at the start of each file; `encode csv(header)` sets it.
  var header: String?
  /// From this size on the file is put aside as `path.1`, `path.2`, ….
  var rotate: Size?

  init(_ settings: Settings) {
    path = settings.required("path")
    mode = settings.read("mode") ?? .replace
    header = settings.read("header")
    rotate = settings.read("rotate")
  }
}

struct FileBytesSinkArguments: Sendable {
  enum Mode: String, SettingChoice {
    case replace
    case append
  }

  var path: String
  var mode: Mode
  var rotate: Size?

  init(_ settings: Settings) {
    path = settings.required("path")
    mode = settings.read("mode") ?? .replace
    rotate = settings.read("rotate")
  }
}

struct FileCsvLookupArguments: Sendable {
  var path: String
  var column: String

  init(_ settings: Settings) {
    path = settings.required("path")
    column = settings.required("column")
  }
}

struct FileJsonLookupArguments: Sendable {
  var path: String
  var column: String

  init(_ settings: Settings) {
    path = settings.required("path")
    column = settings.required("column")
  }
}

struct StdinLinesSourceArguments: Sendable {
  /// Lines that this pattern matches go on with the event of the line before: `join: r"^\s"`.
  var join: String?
  /// So long an event waits for a line that goes on with it.
  var joinWait: Duration

  init(_ settings: Settings) {
    join = settings.read("join")
    joinWait = settings.read("join_wait") ?? Duration(1_000_000)
  }
}

struct StdoutLinesSinkArguments: Sendable {
  var header: String?

  init(_ settings: Settings) { header = settings.read("header") }
}

struct TimerEverySourceArguments: Sendable {
  var interval: Duration
  /// Ends after so many.
  var limit: Int64?

  init(_ settings: Settings) {
    interval = settings.required("interval")
    limit = settings.read("limit")
  }
}

struct GenerateRecordsSourceArguments: Sendable {
  /// Without it they never end.
  var count: Int64?
  var seed: Int64
  /// What the `where` of the type allows; the spec says it.
  var `where`: String?

  init(_ settings: Settings) {
    count = settings.read("count")
    seed = settings.read("seed") ?? 1
    `where` = settings.read("where")
  }
}
