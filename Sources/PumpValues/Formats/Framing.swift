import Glibc

/// Finds where the records of a stream end, in whatever pieces the stream comes.
public protocol RecordScanner {
  /// Goes on at `from`, where the call before stopped, and returns the place of the line feed that ends the record; nil
  /// where it ends after `to`, or with it where that `isLast`. After a record the next one begins anew.
  mutating func end(_ base: UnsafePointer<UInt8>, _ from: Int, _ to: Int, isLast: Bool) -> Int?
  /// How many of the last bytes that were looked at may belong to the next record.
  var undecided: Int { get }
}

extension RecordScanner {
  public var undecided: Int { 0 }
}

/// How a stream is cut into the records of a format. A source of files or lines that is followed by a `decode` of such a
/// format cuts its stream so: each record is an event, and only one is held in memory.
public struct Framing: Sendable {
  /// Whether the first record names the columns; it is not an event then.
  public let hasHeader: Bool
  /// Whether records are lines that were joined, with LF between them whatever ended them.
  package let joinsLines: Bool
  /// Why a header does not fit, nil if it does.
  package let headerProblem: @Sendable (Text) -> String?
  /// Nil if records are lines.
  package let scanner: @Sendable () -> (any RecordScanner)?

  /// Lines: what stands between line feeds.
  public static let lines = Framing(hasHeader: false, headerProblem: { _ in nil }, scanner: { nil })

  public init(
    hasHeader: Bool, headerProblem: @escaping @Sendable (Text) -> String?, scanner: @escaping @Sendable () -> (any RecordScanner)?
  ) {
    self.init(hasHeader: hasHeader, joinsLines: false, headerProblem: headerProblem, scanner: scanner)
  }

  package init(
    hasHeader: Bool, joinsLines: Bool, headerProblem: @escaping @Sendable (Text) -> String?,
    scanner: @escaping @Sendable () -> (any RecordScanner)?
  ) {
    self.hasHeader = hasHeader
    self.joinsLines = joinsLines
    self.headerProblem = headerProblem
    self.scanner = scanner
  }

  /// Calls the body with each record of a text that is whole. The header comes first, on its own; one that does not fit is
  /// thrown.
  package func forEach(
    _ text: Text, header: (Header) -> Void = { _ in }, _ body: (Text) throws(EventFailure) -> Void
  ) throws(EventFailure) {
    let (found, records) = cut(text)
    if hasHeader, let problem = headerProblem(found?.text ?? Text()) { throw EventFailure(problem) }
    if let found { header(found) }
    for record in records { try body(record) }
  }

  /// The records of a text that is whole, and its header. Empty lines are none.
  package func cut(_ text: Text) -> (header: Header?, records: [Text]) {
    var scanner = scanner()
    var header: Header?
    var records: [Text] = []
    var start = text.beginsWithMark ? 3 : 0
    while start < text.count {
      let end = (scanner == nil ? text.feed(start) : scanner!.end(text.base, start, text.count, isLast: true)) ?? text.count
      let record = text.slice(start, end - start).withoutReturn
      start = end + 1
      if record.isEmpty { continue }
      if hasHeader, header == nil { header = Header(record) } else { records.append(record) }
    }
    return (header, records)
  }
}

/// The first record of a stream, which names its columns. One object a stream: who reads records compares identities.
/// Nothing of it changes once it is made.
public final class Header: Sendable {
  private let memory = Arena(chunkSize: 256)
  public let text: Text
  public init(_ text: Text) { self.text = memory.copy(text) }
}

extension Text {
  /// The same with LF in place of each CR LF.
  package func withoutReturns(_ arena: Arena) -> Text {
    guard memchr(base, 0x0D, count) != nil else { return self }
    return makeText(arena) { out in
      var start = 0
      for at in 0..<count where base[at] == 0x0D && at + 1 < count && base[at + 1] == 0x0A {
        out.raw(slice(start, at - start))
        start = at + 1
      }
      out.raw(slice(start, count - start))
    }
  }

  /// Lines may end with CR LF.
  package var withoutReturn: Text { count > 0 && base[count - 1] == 0x0D ? slice(0, count - 1) : self }

  /// The place of the next line feed.
  fileprivate func feed(_ start: Int) -> Int? {
    memchr(base + start, 0x0A, count - start).map { UnsafePointer($0.assumingMemoryBound(to: UInt8.self)) - base }
  }
}

extension Text {
  /// A byte order mark of UTF-8 stands before what is meant.
  package var beginsWithMark: Bool { count >= 3 && base[0] == 0xEF && base[1] == 0xBB && base[2] == 0xBF }
  package var withoutMark: Text { slice(3, count - 3) }
  @usableFromInline @inline(never) var unmarked: Text { beginsWithMark ? withoutMark : self }
}
