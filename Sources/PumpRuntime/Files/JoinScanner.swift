import Glibc

/// Where events of several lines end: a line that the pattern matches goes on with the event of the line before, as those of
/// a stack trace do. So an event's end is known when the line after it is whole, or longer than an event may be.
struct JoinScanner: RecordScanner {
  private enum State {
    /// Within a line of the event; so many of its bytes were seen.
    case within(Int)
    /// Behind a line feed, which ends the event unless the line after it goes on with it; so many bytes were seen from there on.
    case behind(Int)
  }
  private let pattern: Regex
  private let limit: Int
  private var state = State.within(0)

  init(_ pattern: Regex, limit: Int) { (self.pattern, self.limit) = (pattern, limit) }

  var undecided: Int { if case .behind(let seen) = state { seen } else { 0 } }

  mutating func end(_ base: UnsafePointer<UInt8>, _ from: Int, _ to: Int, isLast: Bool) -> Int? {
    var at = from
    while true {
      let feed = memchr(base + at, 0x0A, to - at).map { UnsafePointer($0.assumingMemoryBound(to: UInt8.self)) - base }
      switch state {
      case .within(let seen):
        guard let feed else {
          state = .within(seen + to - at)
          return nil
        }
        let length = seen + feed - at
        // An empty line is no event, and nothing goes on with it.
        if length == 0 || (length == 1 && base[feed - 1] == 0x0D) {
          state = .within(0)
          return feed
        }
        (state, at) = (.behind(1), feed + 1)
      case .behind(let seen):
        let end = at - seen
        let line = end + 1
        guard let next = feed ?? (isLast || to - line > limit ? to : nil) else {
          state = .behind(to - end)
          return nil
        }
        // After the last line feed there is no line.
        guard feed != nil || line < to, goesOn(Text(base + line, next - line)) else {
          state = .within(0)
          return end
        }
        guard feed != nil else {
          state = .within(to - line)
          return nil
        }
        (state, at) = (.behind(1), next + 1)
      }
    }
  }

  private func goesOn(_ line: Text) -> Bool {
    let line = line.withoutReturn
    if let found = try? pattern.matches(line) { return found }
    // Of a line that is not UTF-8, what is counts.
    return (try? pattern.matches(Arena(chunkSize: 1024).copy(line.string))) ?? false
  }
}

extension Framing {
  /// Events of the lines that a pattern joins, for a source; nil where it joins none.
  static func joined(by pattern: String?, _ context: String, limit: Int) throws(RunFailure) -> Framing? {
    guard let pattern else { return nil }
    do throws(Regex.Problem) {
      let regex = try Regex(pattern)
      return Framing(hasHeader: false, joinsLines: true, headerProblem: { _ in nil }, scanner: { JoinScanner(regex, limit: limit) })
    } catch { throw RunFailure("`\(context)`: `join` is no regular expression: \(Shape.clean(error.message))") }
  }
}
