/// One source file's bytes, its path as shown to people, and the table that turns byte offsets into lines.
public final class SourceText: Sendable {
  public let path: String
  public let bytes: [UInt8]
  /// Byte offset at which each line begins; the first is 0.
  public let lineStarts: [Int]

  public init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
    var starts = [0]
    for (offset, byte) in bytes.enumerated() where byte == 0x0A { starts.append(offset + 1) }
    lineStarts = starts
  }

  public convenience init(path: String, text: String) { self.init(path: path, bytes: Array(text.utf8)) }

  /// The text of a byte range, invalid UTF-8 replaced; a range outside the file is clamped.
  public func text(_ range: Range<Int>) -> String {
    String(decoding: bytes[range.clamped(to: 0..<bytes.count)], as: UTF8.self)
  }

  /// One-based line and column; the column counts Unicode scalars.
  public func position(_ offset: Int) -> (line: Int, column: Int) {
    var low = 0
    var high = lineStarts.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle - 1 }
    }
    let start = lineStarts[low]
    let end = min(max(offset, start), bytes.count)
    var column = 1
    for byte in bytes[start..<end] where byte & 0xC0 != 0x80 { column += 1 }
    return (low + 1, column)
  }

  /// The text of a one-based line without its line ending.
  public func line(_ number: Int) -> String {
    guard number >= 1, number <= lineStarts.count else { return "" }
    let start = lineStarts[number - 1]
    var end = number < lineStarts.count ? lineStarts[number] - 1 : bytes.count
    if end > start, bytes[end - 1] == 0x0D { end -= 1 }
    return text(start..<max(start, end))
  }
}

/// A range of bytes in one source file.
public struct Span: Sendable, CustomStringConvertible {
  public let source: SourceText
  public let range: Range<Int>

  public init(_ source: SourceText, _ range: Range<Int>) {
    self.source = source
    self.range = range
  }

  public var start: Int { range.lowerBound }
  public var end: Int { range.upperBound }
  public var text: String { source.text(range) }

  /// The smallest range that holds both; the other must be of the same file, else it is ignored.
  public func joined(_ other: Span) -> Span {
    guard other.source === source else { return self }
    return Span(source, min(start, other.start)..<max(end, other.end))
  }

  /// The empty range just after this one.
  public var after: Span { Span(source, end..<end) }

  /// `path:line:column`.
  public var description: String {
    let place = source.position(start)
    return "\(source.path):\(place.line):\(place.column)"
  }
}
