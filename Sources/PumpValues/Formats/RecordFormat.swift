/// A format, ready to read and write records of one shape: the same object serves the interpreter and generated programs.
/// Each is used by one thread at a time. A new format is a folder beside this file and a line in `Formats.all`.
public protocol RecordFormat: AnyObject {
  static var spec: FormatSpec { get }
  /// The options have been checked against `spec`.
  init(_ shape: Shape, _ options: FormatOptions)
  /// How it cuts a stream into records; nil if it does not.
  var framing: Framing? { get }
  /// The header of the stream that the next records come from, where they have one.
  func begin(_ header: Header?)
  /// Reads one record into a row; why it is none is returned. What is read may be slices of the text.
  func read(_ text: Text, into column: Column, _ row: Int, _ c: Context) -> String?
  /// Writes one record, without an end of line.
  func write(_ column: Column, _ row: Int, _ out: inout ByteBuffer)
}

extension RecordFormat {
  public var framing: Framing? { nil }
  public func begin(_ header: Header?) {}
  /// Of a format that is only read: the checker lets no `encode` of it be.
  public func write(_ column: Column, _ row: Int, _ out: inout ByteBuffer) { preconditionFailure("\(Self.spec.name) is not written") }
}

/// What is written in the parentheses of a format, as text: `["separator": ";", "header": "true"]`.
public struct FormatOptions: Sendable, ExpressibleByDictionaryLiteral {
  private let values: [String: String]
  public init(_ values: [String: String]) { self.values = values }
  public init(dictionaryLiteral elements: (String, String)...) { values = Dictionary(elements, uniquingKeysWith: { $1 }) }
  public func flag(_ name: String) -> Bool { values[name] == "true" }
  public func text(_ name: String, _ otherwise: String) -> String { values[name] ?? otherwise }
  public func byte(_ name: String, _ otherwise: String) -> UInt8 { text(name, otherwise).utf8.first ?? 0 }
}

/// All formats, one line each.
public enum Formats {
  public static var all: [any RecordFormat.Type] {
    [
      JSONFormat.self,
      CSVFormat.self,
      LinesFormat.self,
      TextFormat.self,
      KVFormat.self,
      LogfmtFormat.self,
      AccessLogFormat.self,
      SyslogFormat.self,
      CEFFormat.self,
      XMLFormat.self,
      RegexFormat.self,
    ]
  }

  /// The checker has made sure of the name.
  public static func make(_ name: String, _ shape: Shape, _ options: FormatOptions = [:]) -> any RecordFormat {
    all.first { $0.spec.name == name }!.init(shape, options)
  }
}
