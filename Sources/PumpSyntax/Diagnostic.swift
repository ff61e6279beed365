/// How much a finding matters: errors stop a build, warnings do not.
public enum Severity: String, Sendable, Codable { case error, warning }

/// A replacement of text.
public struct Edit: Sendable {
  public let span: Span
  public let replacement: String
  public init(_ span: Span, _ replacement: String) {
    self.span = span
    self.replacement = replacement
  }
}

/// Edits that mend a finding together.
public struct Fix: Sendable {
  public enum Confidence: String, Sendable {
    /// What was meant: `check --fix` applies it.
    case certain
    /// A guess, for a person to choose.
    case maybe
  }
  /// What it does, as an editor's menu shows it.
  public let title: String
  public let confidence: Confidence
  public let edits: [Edit]

  public init(_ title: String, _ confidence: Confidence, _ edits: [Edit]) {
    self.title = title
    self.confidence = confidence
    self.edits = edits
  }

  /// Another name in place of a mistyped one: certain if only the case of letters differs, or if of five letters or more
  /// one is missing or too many, or two stand in the wrong order. Another letter may be another word.
  public init(renaming span: Span, _ found: String, to name: String) {
    let (a, b) = (Array(found.lowercased().utf8), Array(name.lowercased().utf8))
    let isCase = a == b
    let isTypo = max(a.count, b.count) >= 5 && editDistance(a, b) == 1 && (a.count != b.count || a.sorted() == b.sorted())
    self.init("write `\(name)`", isCase || isTypo ? .certain : .maybe, [Edit(span, name)])
  }
}

/// One finding, as a value: renderers in PumpReports turn it into text, JSON, SARIF or GitHub annotations.
public struct Diagnostic: Sendable {
  /// A second place that explains the first, underlined with its own words.
  public struct Label: Sendable {
    public let span: Span
    public let text: String
  }

  public let code: DiagnosticCode
  public let span: Span
  /// What was found and what was expected.
  public let message: String
  public var labels: [Label] = []
  /// One thing to try.
  public var help: String?
  public var fix: Fix?

  public var severity: Severity { code.severity }

  public init(
    _ code: DiagnosticCode, at span: Span, _ message: String, help: String? = nil, fix: Fix? = nil,
    labels: [(Span, String)] = []
  ) {
    self.code = code
    self.span = span
    self.message = message
    self.help = help
    self.fix = fix
    self.labels = labels.map { Label(span: $0.0, text: $0.1) }
  }
}

/// A stable code with its explanation: `pumpc explain CODE` prints it, tests compile both examples.
public struct DiagnosticCode: Sendable, Hashable {
  public let id: String
  public let title: String
  public let severity: Severity
  public let explanation: String
  /// A complete spec, or a `pipelines.conf` where `isConfiguration`, that provokes the code.
  public let failing: String
  public let repaired: String
  public let isConfiguration: Bool

  public init(
    _ id: String, _ title: String, _ severity: Severity = .error, explanation: String, failing: String, repaired: String,
    isConfiguration: Bool = false
  ) {
    self.id = id
    self.title = title
    self.severity = severity
    self.explanation = explanation
    self.failing = failing
    self.repaired = repaired
    self.isConfiguration = isConfiguration
  }

  public static func == (a: DiagnosticCode, b: DiagnosticCode) -> Bool { a.id == b.id }
  public func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

/// The candidate nearest to a mistyped name, or nil if none is near enough to be meant.
public func nearest<S: Sequence<String>>(to name: String, in candidates: S) -> String? {
  let wanted = Array(name.lowercased().utf8)
  var best: (String, Int)?
  for candidate in candidates {
    let other = Array(candidate.lowercased().utf8)
    let limit = max(1, min(3, max(wanted.count, other.count) / 3))
    guard abs(wanted.count - other.count) <= limit else { continue }
    let distance = editDistance(wanted, other)
    if distance <= limit, distance < (best?.1 ?? .max) || (distance == best?.1 && candidate < best!.0) {
      best = (candidate, distance)
    }
  }
  return best?.0
}

/// Damerau-Levenshtein distance (adjacent transpositions count once).
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
  if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
  var beforeLast = [Int](repeating: 0, count: b.count + 1)
  var last = Array(0...b.count)
  for i in 1...a.count {
    var row = [i] + [Int](repeating: 0, count: b.count)
    for j in 1...b.count {
      let cost = a[i - 1] == b[j - 1] ? 0 : 1
      row[j] = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost)
      if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { row[j] = min(row[j], beforeLast[j - 2] + 1) }
    }
    beforeLast = last
    last = row
  }
  return last[b.count]
}
