/// A format as its own folder declares it: what the checker knows of it, and what `pumpc formats` prints. How it reads and
/// writes stands beside it, in the runtime.
public final class FormatSpec: Sendable {
  /// Events that a format gives or takes.
  public enum Events: String, Sendable {
    /// Of any type; a `decode` says which.
    case any = "any type"
    /// Records whose fields are scalars.
    case records = "records of scalars"
    /// Records whose fields may be records and lists of them as well.
    case nested = "records, with records and lists in them"
    case string = "String"
    case bytes = "Bytes"
    /// Either, for an `encode`.
    case text = "String or Bytes"
  }

  /// How it cuts a stream, for example of a whole file, into records.
  public enum Framing: Sendable {
    /// It does not: an event is one record.
    case none
    /// Where it is given a stream it cuts it; else an event is one record.
    case records
    /// It only cuts.
    case only
  }

  public final class Option: Sendable {
    public enum Kind: Sendable {
      /// True if it stands alone.
      case flag
      case text
      /// One ASCII character, and no line end.
      case character
      case oneOf([String])
      /// A regular expression; it needs no name.
      case pattern
    }
    /// The steps that take it.
    public enum Use: Sendable { case decode, encode, both }
    public let name: String
    public let kind: Kind
    public let use: Use
    public let docs: String
    /// What holds where it is not given; nil for a flag, which is false then, and for what must be given.
    public let value: String?
    public init(_ name: String, _ kind: Kind, _ docs: String, value: String? = nil, for use: Use = .both) {
      (self.name, self.kind, self.docs, self.value, self.use) = (name, kind, docs, value, use)
    }
    public var isRequired: Bool { if case .pattern = kind { true } else { false } }
  }

  /// A field of the record that is read or written: its name in the data, and whether there must be a value to read.
  public struct Field: Sendable {
    public let name: String
    public let type: Type
    public let isNeeded: Bool
    public init(_ name: String, _ type: Type, isNeeded: Bool) { (self.name, self.type, self.isNeeded) = (name, type, isNeeded) }
  }

  /// A field that the format names, whatever the data.
  public struct KnownField: Sendable {
    public let name: String
    /// String, Int, Timestamp or Json. As String each can be read, and a String as any scalar.
    public let type: Type
    public let docs: String
    public init(_ name: String, _ type: Type, _ docs: String) { (self.name, self.type, self.docs) = (name, type, docs) }

    public func canBe(_ type: Type) -> Bool {
      switch (self.type, type.wrapped) {
      case (.string, _), (_, .string), (_, .erroneous): true
      case (.int, .int), (.int, .float), (.int, .decimal), (.int, .size), (.int, .enumeration): true
      case (let own, let other): own == other
      }
    }
  }

  /// Who names the fields of a record.
  public enum Names: Sendable {
    /// The data.
    case free
    /// The format: there are no others.
    case only([KnownField])
    /// The format some of them, and the data the others, of which something is said.
    case also([KnownField], String)

    public var known: [KnownField] {
      switch self {
      case .free: []
      case .only(let fields), .also(let fields, _): fields
      }
    }
  }

  public let name: String
  public let docs: String
  /// What `decode` gives, and what `encode` takes; nil if there is no such step.
  public let decodes: Events?
  public let encodes: Events?
  public let framing: Framing
  public let names: Names
  public let options: [Option]
  private let decodeOptions: [Option]
  private let encodeOptions: [Option]
  /// Steps that show its use.
  public let example: String
  /// What to write in place of a step that is not there.
  public let instead: String?
  /// With `encode …(header)`: the first line of the file, of the names of the fields and the options.
  public let headerLine: (@Sendable ([String], [String: String]) -> String)?
  /// What is wrong with options that are right one by one, or with the fields of the record; and what to do.
  public let problem: (@Sendable ([String: String], [Field]) -> (message: String, help: String)?)?

  public init(
    name: String, docs: String, decodes: Events?, encodes: Events?, framing: Framing = .none, names: Names = .free,
    options: [Option] = [], example: String, instead: String? = nil,
    headerLine: (@Sendable ([String], [String: String]) -> String)? = nil,
    problem: (@Sendable ([String: String], [Field]) -> (message: String, help: String)?)? = nil
  ) {
    (self.name, self.docs, self.decodes, self.encodes, self.framing) = (name, docs, decodes, encodes, framing)
    (self.names, self.options, self.example, self.instead, self.headerLine, self.problem) = (
      names, options, example, instead, headerLine, problem
    )
    decodeOptions = options.filter { $0.use != .encode }
    encodeOptions = options.filter { $0.use != .decode }
  }

  /// The options of `decode`, or of `encode`.
  public func options(for use: Option.Use) -> [Option] {
    switch use {
    case .decode: decodeOptions
    case .encode: encodeOptions
    case .both: options
    }
  }
}
