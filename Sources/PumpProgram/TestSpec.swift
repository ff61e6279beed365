/// A `test` of the spec; its data are JSON texts.
public struct TestSpec: Codable, Sendable {
  public enum Input: Codable, Sendable {
    /// One event as JSON.
    case json(String)
    /// One event as it comes.
    case bytes(String)
    /// The events of a file.
    case file(String)
  }
  public struct Given: Codable, Sendable {
    public let input: Input
    /// What the source says of it, as a JSON object.
    public let meta: String?
    /// The stream whose source gives it; nil of the pipeline's own.
    public let stream: String?
    public init(input: Input, meta: String? = nil, stream: String? = nil) {
      self.input = input
      self.meta = meta
      self.stream = stream
    }
  }
  /// What a lookup finds.
  public struct Rows: Codable, Sendable {
    /// The lookup's place in its pipeline.
    public let lookup: Int
    /// The member of a row that the key is compared with.
    public let key: String
    /// A JSON array of records.
    public let rows: String
    public init(lookup: Int, key: String, rows: String) {
      self.lookup = lookup
      self.key = key
      self.rows = rows
    }
  }
  public struct Override: Codable, Sendable {
    public let section: String
    public let key: String
    public let value: Literal
    public init(section: String, key: String, value: Literal) {
      self.section = section
      self.key = key
      self.value = value
    }
  }
  public enum Expectation: Codable, Sendable {
    /// A JSON array: exactly these.
    case equals(String)
    /// A JSON array: these, of which only the written fields count.
    case matches(String)
    case count(Int)
  }
  /// Whose events are looked at: by places in the pipeline.
  public enum Subject: Codable, Sendable {
    case sink(Int)
    case probe(Int)
    case errors
  }
  public struct Expect: Codable, Sendable {
    public let subject: Subject
    public let expectation: Expectation
    /// As the spec writes it.
    public let text: String
    public let place: Place
    public init(subject: Subject, expectation: Expectation, text: String, place: Place) {
      self.subject = subject
      self.expectation = expectation
      self.text = text
      self.place = place
    }
  }
  public let title: String
  public let pipeline: String
  /// The streams that the pipeline reads and joins, those before others that these read.
  public let streams: [String]
  public let given: [Given]
  public let lookups: [Rows]
  public let config: [Override]
  /// Where the clock stands, in microseconds since 1970.
  public let now: Int64?
  public let expects: [Expect]
  public let place: Place
  public init(
    title: String, pipeline: String, streams: [String] = [], given: [Given] = [], lookups: [Rows] = [], config: [Override] = [],
    now: Int64? = nil,
    expects: [Expect] = [], place: Place
  ) {
    self.title = title
    self.pipeline = pipeline
    self.streams = streams
    self.given = given
    self.lookups = lookups
    self.config = config
    self.now = now
    self.expects = expects
    self.place = place
  }
}
