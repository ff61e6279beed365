import Glibc

/// The one reader of CSV's syntax (RFC 4180): where cells and records end. A quote opens a quoted cell only where a cell
/// begins; within another cell it is a character like any other, so that it never takes the records after it.
struct CSVScanner: RecordScanner, Sendable {
  let separator: UInt8
  let quote: UInt8

  private enum State {
    /// Before the first byte of a cell.
    case start
    case plain
    case quoted
    /// Behind a quote in a quoted cell: its end, or the first of two.
    case closing
    /// Behind that and a carriage return, which a line feed must follow.
    case returned
    /// Text stands after the quote that ends a cell. The record is refused, and ends where it would otherwise.
    case broken
  }
  private var state = State.start

  init(separator: UInt8, quote: UInt8) {
    self.separator = separator
    self.quote = quote
  }

  mutating func end(_ base: UnsafePointer<UInt8>, _ from: Int, _ to: Int, isLast: Bool) -> Int? {
    var i = from
    while let place = cellEnd(base, i, to) {
      if base[place] == 0x0A { return place }
      i = place + 1
    }
    return nil
  }

  /// The place of the separator or line feed that ends the cell; nil if there is none before `to`.
  private mutating func cellEnd(_ base: UnsafePointer<UInt8>, _ from: Int, _ to: Int) -> Int? {
    var i = from
    while i < to {
      let byte = base[i]
      switch state {
      case .quoted:
        guard let found = memchr(base + i, Int32(quote), to - i) else { return nil }
        i = UnsafePointer(found.assumingMemoryBound(to: UInt8.self)) - base
        state = .closing
      case .start where byte == quote: state = .quoted
      case .closing where byte == quote: state = .quoted
      default:
        if byte == separator || byte == 0x0A {
          state = .start
          return i
        }
        switch state {
        case .start: state = .plain
        case .closing: state = byte == 0x0D ? .returned : .broken
        case .returned: state = .broken
        default: break
        }
      }
      i += 1
    }
    return nil
  }

  struct Cell {
    var text: Text
    var isQuoted: Bool
  }

  /// The cells of one record, in place of what is in the list; a problem where it is none.
  func cells(_ record: Text, into cells: inout [Cell], _ arena: Arena) -> String? {
    cells.removeAll(keepingCapacity: true)
    var scanner = CSVScanner(separator: separator, quote: quote)
    var start = 0
    while true {
      let found = scanner.cellEnd(record.base, start, record.count)
      if let found, record[found] == 0x0A { return "a line feed stands in a cell without quotes" }
      let end = found ?? record.count
      let isQuoted = start < end && record[start] == quote
      if isQuoted {
        guard let text = unquoted(record.slice(start, end - start), arena) else {
          return found == nil && scanner.state == .quoted
            ? "a quoted cell has no end" : "text stands behind the quote that ends a cell"
        }
        cells.append(Cell(text: text, isQuoted: true))
      } else {
        cells.append(Cell(text: record.slice(start, end - start), isQuoted: false))
      }
      guard found != nil else { return nil }
      start = end + 1
    }
  }

  /// What stands between the quotes, two of them within being one; nil if the last byte is not the closing one.
  private func unquoted(_ cell: Text, _ arena: Arena) -> Text? {
    let inner = cell.slice(1, cell.count - 1)
    var doubled = 0
    var i = 0
    while i < inner.count {
      if inner[i] == quote {
        guard i + 1 < inner.count, inner[i + 1] == quote else { break }
        doubled += 1
        i += 1
      }
      i += 1
    }
    guard i == inner.count - 1 else { return nil }
    if doubled == 0 { return inner.slice(0, i) }
    return makeText(arena) { out in
      var j = 0
      while j < i {
        out.byte(inner[j])
        j += inner[j] == quote ? 2 : 1
      }
    }
  }
}
