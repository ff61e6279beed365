/// A mistake in configuration, or what is probably one.
public struct ConfProblem: Error, Sendable {
  public enum Kind: String, Sendable {
    case syntax = "P0701", section = "P0702", key = "P0703", type = "P0704", variable = "P0705", missing = "P0706", doubtful = "P0707"
  }

  /// Whole lines of the file, and what to write in their place.
  public struct Fix: Sendable, Equatable {
    public let lines: ClosedRange<Int>
    public let text: String
    /// Whether nothing else can be meant.
    public let isCertain: Bool
  }

  public let kind: Kind
  /// The file; `--set` for an override; empty where nothing stands anywhere.
  public let path: String
  /// From 1.
  public let line: Int
  public let column: Int
  /// The key that an override names.
  public let override: String?
  public let message: String
  public let help: String
  public let fix: Fix?

  init(
    _ kind: Kind, path: String = "", line: Int = 1, column: Int = 1, override: String? = nil, _ message: String, help: String,
    fix: Fix? = nil
  ) {
    self.kind = kind
    self.path = path
    self.line = line
    self.column = column
    self.override = override
    self.message = message
    self.help = help
    self.fix = fix
  }

  public var isError: Bool { kind != .doubtful }

  /// As `pumpc check` prints it, but for the line that it shows.
  public var description: String {
    let margin = String(repeating: " ", count: String(line).count)
    let place = override.map { "\(path) \(Shape.clean($0))=…" } ?? "\(Shape.clean(path)):\(line):\(column)"
    let arrow = path.isEmpty ? "" : "  \(margin)--> \(place)\n"
    return "\(isError ? "error" : "warning")[\(kind.rawValue)]: \(message)\n\(arrow)  help: \(help)"
  }
}
