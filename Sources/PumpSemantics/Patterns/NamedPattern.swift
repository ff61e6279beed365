/// A regular expression with a name: what `%{name}` stands for in the patterns of a program.
public struct NamedPattern: Sendable {
  public let name: String
  /// As it is written here: with references to others of these.
  public let text: String
  public let docs: String
  /// A text that it matches, whole.
  public let example: String

  private init(_ name: String, _ text: String, _ docs: String, _ example: String) {
    (self.name, self.text, self.docs, self.example) = (name, text, docs, example)
  }

  private static let months = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
  private static let octet = #"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"#
  private static let hextet = "[0-9A-Fa-f]{1,4}"

  /// The library. None has a group that counts or has a name.
  public static let all = [
    NamedPattern("word", #"\w+"#, "Letters, digits and `_`.", "user_1"),
    NamedPattern("token", #"\S+"#, "Up to the next white space.", "a/b?c=1"),
    NamedPattern("int", #"[+-]?\d+"#, "A whole number.", "-12"),
    NamedPattern(
      "number", #"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"#, "A number, with a fraction and an exponent or without.", "1.5e-3"),
    NamedPattern("hex", "(?:0[xX])?[0-9A-Fa-f]+", "A hexadecimal number.", "0x1F"),
    NamedPattern("quoted", #""(?:[^"\\]|\\.)*""#, #"A text in `"…"` with its quotes; `\"` does not end it."#, #""say \"x\"""#),
    NamedPattern("text", ".*?", "As little as will do, up to what follows.", ""),
    NamedPattern("rest", ".*", "All that is left of the line.", "all of it"),
    NamedPattern("ipv4", "\(octet)(?:\\.\(octet)){3}", "An IPv4 address.", "192.0.2.7"),
    NamedPattern(
      "ipv6",
      "(?:\(hextet)(?::\(hextet)){7}|(?:\(hextet)(?::\(hextet)){0,6})?::(?:(?:\(hextet):){0,5}%{ipv4}|\(hextet)(?::\(hextet)){0,6})?)",
      "An IPv6 address.", "2001:db8::7"),
    NamedPattern("ip", "%{ipv6}|%{ipv4}", "An address of either kind.", "2001:db8::7"),
    NamedPattern("mac", "[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}", "The address of a network card.", "00:00:5e:00:53:01"),
    NamedPattern(
      "hostname", "[0-9A-Za-z](?:[0-9A-Za-z-]{0,62})(?:\\.[0-9A-Za-z](?:[0-9A-Za-z-]{0,62}))*\\.?", "The name of a host.",
      "web-1.example.org"),
    NamedPattern("email", #"[\w.+-]+@%{hostname}"#, "An address of mail.", "ada@example.org"),
    NamedPattern("uuid", "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", "A UUID.", "6fa459ea-ee8a-3ca4-894e-db77e160355e"),
    NamedPattern("path", #"/(?:[^\s"'?#]*)"#, "A path from the root, without a query.", "/var/log/messages"),
    NamedPattern("uri", #"[A-Za-z][A-Za-z0-9+.-]*://[^\s"']+"#, "A URI with its scheme.", "https://example.org/a?b=c"),
    NamedPattern(
      "level", "(?i:trace|debug|info(?:rmational)?|notice|warn(?:ing)?|err(?:or)?|crit(?:ical)?|alert|fatal|severe|emerg(?:ency)?)",
      "How bad it is, in capitals or not.", "WARNING"),
    NamedPattern("date", #"\d{4}-\d{2}-\d{2}"#, "A date as ISO 8601 has it.", "2026-01-02"),
    NamedPattern("time", #"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?"#, "A time of day.", "13:55:36.5"),
    NamedPattern(
      "rfc3339", #"%{date}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})"#, "A time that `to_timestamp` reads.",
      "2026-01-02T03:04:05.6Z"),
    NamedPattern(
      "syslog_time", "\(months) [ \\d]?\\d \\d{2}:\\d{2}:\\d{2}", "RFC 3164's; `parse_time` reads it by `%b %e %H:%M:%S`.",
      "Oct  2 22:14:15"),
    NamedPattern(
      "access_time", "\\d{2}/\(months)/\\d{4}:\\d{2}:\\d{2}:\\d{2} [+-]\\d{4}",
      "Of logs of web servers; `parse_time` reads it by `%d/%b/%Y:%H:%M:%S %z`.", "10/Oct/2025:13:55:36 -0700"),
  ]
  static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
}
