/// For each place of a text the instructions of a program from which a match is reached, found in one walk backwards.
///
/// The answer is one bit an instruction and place. For long texts it is kept for one segment at a time: the walk leaves
/// the answer at the end of each segment, and a segment is walked again when it is asked for. So memory is that of two
/// segments and of the ends, and each place is walked over at most twice.
struct RegexSweep {
  private let regex: Regex
  let text: Text
  /// Words of 64 bits for the answer at one place.
  private let words: Int
  /// Answers at the ends of the segments, of which the last is the end of the text, and their places.
  private var ends: [UInt64] = []
  private var places: [Int] = []
  /// Answers for the places from `base` up to the end of the segment that was walked last.
  private var segment: [UInt64] = []
  private var base = 0
  /// What is reached at the place where the walk is, as a list and as bits.
  private var list: [Int32] = []
  private var next: [Int32] = []
  private var bits: [UInt64]
  /// Instructions that were entered at a place are marked with its number, which is another one each time.
  var marks: [Int]
  var mark = 0
  /// Steps that a search may take: far more than any sensible one needs, and about two seconds of time.
  private var budget = 1 << 29

  private static let segmentSize = 4096

  init(_ regex: Regex, _ text: Text) {
    self.regex = regex
    self.text = text
    words = (regex.program.count + 63) / 64
    bits = [UInt64](repeating: 0, count: words)
    marks = [Int](repeating: 0, count: regex.program.count)
  }

  /// Whether a match begins anywhere. The walk ends as soon as it knows.
  mutating func anyStart() throws(EventFailure) -> Bool {
    var position = text.count
    try close(position)
    while bits[0] & 1 == 0 {
      guard position > 0 else { return false }
      position = try step(position)
    }
    return true
  }

  /// Walks the text down to its first segment, keeps what is reached at the ends of segments, and loads the first one.
  mutating func prepare() throws(EventFailure) {
    var position = text.count
    try close(position)
    places.append(position)
    ends += bits
    while position > Self.segmentSize {
      position = try step(position)
      if places.last! - position >= Self.segmentSize {
        places.append(position)
        ends += bits
      }
    }
    try load(0)
  }

  /// Walks the segment that holds a place, and keeps what is reached at each of its places.
  private mutating func load(_ place: Int) throws(EventFailure) {
    var end = places.count - 1
    while places[end] < place { end -= 1 }
    let last = places[end]
    let first = end + 1 < places.count ? places[end + 1] : 0
    base = first
    segment = [UInt64](repeating: 0, count: (last - first + 1) * words)
    for word in 0..<words { bits[word] = ends[end * words + word] }
    list.removeAll(keepingCapacity: true)
    for pc in 0..<regex.program.count where bits[pc / 64] >> UInt64(pc & 63) & 1 != 0 { list.append(Int32(pc)) }
    var position = last
    while true {
      for word in 0..<words { segment[(position - first) * words + word] = bits[word] }
      guard position > first else { break }
      position = try step(position)
    }
  }

  /// Whether a match is reached from an instruction at a place, which the caller has come to from left to right.
  mutating func reaches(_ pc: Int, _ place: Int) throws(EventFailure) -> Bool {
    if (place - base) * words >= segment.count { try load(place) }
    return segment[(place - base) * words + pc / 64] >> UInt64(pc & 63) & 1 != 0
  }

  /// From a place to the one before it, by the character between them.
  private mutating func step(_ position: Int) throws(EventFailure) -> Int {
    let (scalar, start) = Self.previous(text, position)
    next.removeAll(keepingCapacity: true)
    for pc in list where pc > 0 {
      if case .set(let set) = regex.program[Int(pc) - 1], regex.sets[set].contains(scalar) { next.append(pc - 1) }
    }
    for pc in list { bits[Int(pc) / 64] = 0 }
    swap(&list, &next)
    for pc in list { bits[Int(pc) / 64] |= 1 << UInt64(pc & 63) }
    try close(start)
    return start
  }

  /// Adds the match, which is reached everywhere, and all that leads to what is reached without reading.
  private mutating func close(_ position: Int) throws(EventFailure) {
    reach(Int32(regex.program.count - 1))
    var index = 0
    while index < list.count {
      let pc = Int(list[index])
      index += 1
      for lead in Int(regex.leadStarts[pc])..<Int(regex.leadStarts[pc + 1]) {
        let source = regex.leads[lead]
        if case .assert(let assertion) = regex.program[Int(source)], !holds(assertion, position) { continue }
        reach(source)
      }
    }
    budget -= list.count
    guard budget > 0 else { throw EventFailure("the text is too long for a pattern of this size") }
  }

  private mutating func reach(_ pc: Int32) {
    let bit: UInt64 = 1 << UInt64(pc & 63)
    guard bits[Int(pc) / 64] & bit == 0 else { return }
    bits[Int(pc) / 64] |= bit
    list.append(pc)
  }

  private func holds(_ assertion: Regex.Assertion, _ position: Int) -> Bool {
    switch assertion {
    case .start: position == 0
    case .end: position == text.count
    case .lineStart: position == 0 || text[position - 1] == 0x0A
    case .lineEnd: position == text.count || text[position] == 0x0A
    case .boundary: isBoundary(position)
    case .noBoundary: !isBoundary(position)
    }
  }

  private func isBoundary(_ position: Int) -> Bool {
    func isWord(_ byte: UInt8) -> Bool { (byte | 0x20 >= 97 && byte | 0x20 <= 122) || (byte >= 48 && byte <= 57) || byte == 95 }
    return (position > 0 && isWord(text[position - 1])) != (position < text.count && isWord(text[position]))
  }

  /// The character at a place. A byte that begins none is one by itself, so that both directions cut any bytes alike.
  static func scalar(_ text: Text, _ i: Int) -> (value: UInt32, width: Int) {
    let first = text[i]
    if first < 0x80 { return (UInt32(first), 1) }
    let width = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
    guard i + width <= text.count, first >= 0xC2, first <= 0xF4 else { return (UInt32(first), 1) }
    var scalar = UInt32(first) & (0xFF >> UInt32(width + 1))
    for k in 1..<width {
      guard text[i + k] & 0xC0 == 0x80 else { return (UInt32(first), 1) }
      scalar = scalar << 6 | UInt32(text[i + k] & 0x3F)
    }
    return scalar <= 0x10FFFF ? (scalar, width) : (UInt32(first), 1)
  }

  private static func previous(_ text: Text, _ end: Int) -> (value: UInt32, start: Int) {
    var start = end - 1
    while start > 0, end - start < 4, text[start] & 0xC0 == 0x80 { start -= 1 }
    let (value, width) = scalar(text, start)
    if start + width == end { return (value, start) }
    return (UInt32(text[end - 1]), end - 1)
  }
}
