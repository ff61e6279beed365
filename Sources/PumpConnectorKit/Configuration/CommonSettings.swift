// Generated from PumpSemantics/Interfaces/CommonSettings.swift and `[general]` by `PUMP_UPDATE_GOLDEN=1 swift test --filter SettingsFilesTests`; changes here are lost.
import PumpValues

/// Settings `pool`.
public struct PoolSettings: Sendable {
  /// Most clients open at once.
  public var max: Int64
  /// Clients kept open while idle.
  public var min: Int64
  /// How long a step waits for a client.
  public var acquireTimeout: Duration
  /// An idle client above `min` is closed after this.
  public var idleTimeout: Duration
  /// A client is replaced after this.
  public var maxLifetime: Duration

  public init(_ settings: Settings) {
    max = settings.read("pool.max") ?? 4
    min = settings.read("pool.min") ?? 0
    acquireTimeout = settings.read("pool.acquire_timeout") ?? Duration(30_000_000)
    idleTimeout = settings.read("pool.idle_timeout") ?? Duration(300_000_000)
    maxLifetime = settings.read("pool.max_lifetime") ?? Duration(1_800_000_000)
  }
}

/// Settings `reconnect`.
public struct ReconnectSettings: Sendable {
  /// The first pause after a failed attempt.
  public var initial: Duration
  /// The longest pause between two attempts.
  public var max: Duration
  /// By how much each pause is longer than the one before.
  public var multiplier: Double
  /// The random share of a pause, from 0 to 1.
  public var jitter: Double
  /// Ends the program where the system was down for so long; else it never gives up.
  public var giveUpAfter: Duration?

  public init(_ settings: Settings) {
    initial = settings.read("reconnect.initial") ?? Duration(100_000)
    max = settings.read("reconnect.max") ?? Duration(750_000)
    multiplier = settings.read("reconnect.multiplier") ?? 2.0
    jitter = settings.read("reconnect.jitter") ?? 1.0
    giveUpAfter = settings.read("reconnect.give_up_after")
  }
}

/// Settings `tls`.
public struct TlsSettings: Sendable {
  /// File of the authorities that may have signed the server's certificate; else the system's.
  public var ca: String?
  /// File of this client's certificate.
  public var certificate: String?
  /// File of its private key.
  public var key: String?
  /// Whether the server's certificate and name are checked.
  public var verify: Bool
  /// The name that the certificate must have, where it is not the host's.
  public var serverName: String?

  public init(_ settings: Settings) {
    ca = settings.read("tls.ca")
    certificate = settings.read("tls.certificate")
    key = settings.read("tls.key")
    verify = settings.read("tls.verify") ?? true
    serverName = settings.read("tls.server_name")
  }
}

/// What every connection may be told.
public struct ConnectionSettings: Sendable {
  public enum Connect: String, SettingChoice {
    case retry
    case required
  }

  /// What a start does where the system is down: wait for it, or end the program at once.
  public var connect: Connect
  /// How long one attempt to connect may take.
  public var connectTimeout: Duration
  public var pool: PoolSettings
  public var reconnect: ReconnectSettings
  public var tls: TlsSettings

  public init(_ settings: Settings) {
    connect = settings.read("connect") ?? .retry
    connectTimeout = settings.read("connect_timeout") ?? Duration(10_000_000)
    pool = PoolSettings(settings)
    reconnect = ReconnectSettings(settings)
    tls = TlsSettings(settings)
  }
}

/// What every source, sink and lookup may be told.
public struct RetrySettings: Sendable {
  /// Attempts to go on where the system is down or busy; else it is tried until it is back.
  public var attempts: Int64?
  /// The first pause between two attempts; where a connection is down, its `reconnect` says when.
  public var initial: Duration
  /// The longest pause between two attempts.
  public var max: Duration

  public init(_ settings: Settings) {
    attempts = settings.read("retry.attempts")
    initial = settings.read("retry.initial") ?? Duration(100_000)
    max = settings.read("retry.max") ?? Duration(750_000)
  }
}

/// What every sink may be told besides.
public struct BatchSettings: Sendable {
  /// Events until what was written is made durable and acknowledged.
  public var max: Int64
  /// Time until then, where fewer come.
  public var linger: Duration

  public init(_ settings: Settings) {
    max = settings.read("batch.max") ?? 50_000
    linger = settings.read("batch.linger") ?? Duration(1_000_000)
  }
}

/// What every source may be told besides.
public struct SourceSettings: Sendable {
  /// A longer event fails; it is never held in memory whole.
  public var maxEvent: Size

  public init(_ settings: Settings) { maxEvent = settings.read("max_event") ?? Size(1_048_576) }
}

/// What the engine itself reads of a sink's arguments, where its interface has them.
public struct SinkArguments: Sendable {
  public enum Mode: String, SettingChoice {
    case ignore
    case mirror
  }

  /// Fields that identify what an event changes.
  public var key: [String]
  /// Modes by which it is not known before what an event changes.
  public var mode: Mode?
  /// Where the positions of the pipeline's sources are kept.
  public var positions: String?

  public init(_ settings: Settings) {
    key = settings.read("key") ?? []
    mode = settings.read("mode")
    positions = settings.read("positions")
  }
}

/// What every program may be told.
public struct GeneralSettings: Sendable {
  /// Folder that keeps positions of files, tables and change streams, and what steps keep of events, from run to run.
  public var state: String?
  /// Address and port that serve /metrics, /readyz and /livez, such as 127.0.0.1:9464.
  public var metrics: String?
  /// How long a stop waits for systems that are down or give no answer.
  public var shutdownTimeout: Duration
  /// More configuration files, as names or patterns; a relative one starts from this file's folder.
  public var include: [String]
  /// Sections of other programs in these files; `web*` is all that begin so.
  public var ignore: [String]

  public init(_ settings: Settings) {
    state = settings.read("state")
    metrics = settings.read("metrics")
    shutdownTimeout = settings.read("shutdown_timeout") ?? Duration(30_000_000)
    include = settings.read("include") ?? []
    ignore = settings.read("ignore") ?? []
  }
}
