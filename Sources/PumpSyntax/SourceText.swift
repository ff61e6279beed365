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

  /// Zero-based line and column of a byte, the column in UTF-16 code units: how editors count (Language Server Protocol 3.17,
  /// Position).
  public func editorPosition(_ offset: Int) -> (line: Int, column: Int) {
    let line = position(offset).line - 1
    let end = min(max(offset, lineStarts[line]), bytes.count)
    return (line, String(decoding: bytes[lineStarts[line]..<end], as: UTF8.self).utf16.count)
  }

  /// The byte at an editor's position; beyond a line's end it is that end.
  public func offset(line: Int, column: Int) -> Int {
    guard line < lineStarts.count else { return bytes.count }
    let end = line + 1 < lineStarts.count ? lineStarts[line + 1] - 1 : bytes.count
    var (offset, units) = (lineStarts[max(0, line)], 0)
    while offset < end, units < column {
      let lead = bytes[offset]
      // A scalar of four bytes has two code units, every other one.
      units += lead >= 0xF0 ? 2 : 1
      offset += 1
      while offset < end, bytes[offset] & 0xC0 == 0x80 { offset += 1 }
    }
    return offset
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
