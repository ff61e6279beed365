import Foundation
import PumpTestSupport
import Testing

@testable import PumpValues

/// Zones, patterns and leap seconds.
@Suite(.serialized) struct TimeTests {
  private let c = Context()
  private func text(_ string: String) -> Text { c.arena.copy(string) }
  private func parse(_ string: String, _ pattern: String, _ zone: String = "UTC") throws -> String {
    Fn.toString(try Fn.parseTime(text(string), text(pattern), text(zone), c), c).string
  }

  @Test(
    "D37: the rule behind the last transition counts",
    arguments: [
      ("2040-07-01T12:00:00Z", "Europe/Prague", "14:00 +0200"), ("2040-01-01T12:00:00Z", "Europe/Prague", "13:00 +0100"),
      ("2038-07-01T12:00:00Z", "America/New_York", "08:00 -0400"), ("2050-01-01T00:00:00Z", "Australia/Sydney", "11:00 +1100"),
      ("1800-01-01T12:00:00Z", "Europe/Prague", "12:57 +0057"), ("2050-06-01T12:00:00Z", "Etc/GMT+5", "07:00 -0500"),
      ("9999-07-01T12:00:00Z", "Europe/Prague", "14:00 +0200"),
    ])
  func zones(_ time: String, _ zone: String, _ expected: String) throws {
    let t = try Fn.toTimestamp(text(time), c)
    #expect(try Fn.formatTime(t, text("%H:%M %z"), text(zone), c).string == expected)
  }

  /// Every zone of the system, and all of them as `zic` makes them now ("slim"), against Python's reading of the same file.
  @Test("D37: all zones, fat and slim") func everyZone() throws {
    let script = """
      import sys, zoneinfo
      from datetime import datetime, timezone, timedelta
      root = sys.argv[1]
      zoneinfo.reset_tzpath(to=[root])
      for name in sorted(zoneinfo.available_timezones()):
          if name == "localtime": continue
          zone = zoneinfo.ZoneInfo(name)
          out = []
          for step in range(60):
              utc = datetime(1900, 1, 1, tzinfo=timezone.utc) + timedelta(days=1213 * step, hours=7 * step)
              out.append(str(int(utc.astimezone(zone).utcoffset().total_seconds())))
          # The hours around the changes of years behind the table.
          for step in range(48):
              utc = datetime(2043, 3, 29, tzinfo=timezone.utc) + timedelta(hours=step)
              out.append(str(int(utc.astimezone(zone).utcoffset().total_seconds())))
          print(name, *out)
      """
    var folders = ["/usr/share/zoneinfo"]
    let slim = try Support.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: slim) }
    if FileManager.default.fileExists(atPath: "/usr/share/zoneinfo/tzdata.zi"),
      let zic = ["/usr/sbin/zic", "/usr/bin/zic"].first(where: { FileManager.default.isExecutableFile(atPath: $0) })
    {
      #expect(try Support.run(zic, ["-b", "slim", "-d", slim, "/usr/share/zoneinfo/tzdata.zi"]).code == 0)
      folders.append(slim)
    }
    for folder in folders {
      let outcome = try Support.run("/usr/bin/env", ["python3", "-c", script, folder])
      let lines = outcome.out.split(separator: "\n")
      try #require(lines.count > 200, "\(outcome.err)")
      var zones = Zones(folder: folder)
      var wrong: [String] = []
      for line in lines {
        let parts = line.split(separator: " ")
        let name = text(String(parts[0]))
        for (step, expected) in parts.dropFirst().enumerated() {
          let seconds: Int64 =
            step < 60
            ? Calendar.days(1900, 1, 1) * 86_400 + Int64(step) * (1213 * 86_400 + 7 * 3600)
            : Calendar.days(2043, 3, 29) * 86_400 + Int64(step - 60) * 3600
          if try zones.offset(name, at: Timestamp(seconds * 1_000_000)) != Int64(expected) { wrong.append("\(parts[0]) \(step)") }
        }
      }
      #expect(wrong.isEmpty, "\(folder): \(wrong.count), \(wrong.prefix(10))")
    }
  }

  /// Rules in all forms of POSIX and RFC 9636, by seconds since 1970 in UTC.
  @Test(
    "D37: rules",
    arguments: [
      ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T00:59:59Z", 3600), ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-03-29T01:00:00Z", 7200),
      ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T00:59:59Z", 7200), ("CET-1CEST,M3.5.0,M10.5.0/3", "2026-10-25T01:00:00Z", 3600),
      ("<+03>-3", "2026-07-01T00:00:00Z", 10800), ("XXX3EDT4,0/0,J365/23", "2026-01-01T02:59:59Z", -14400),
      ("XXX3EDT4,0/0,J365/23", "2026-07-01T00:00:00Z", -14400),
      ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T00:59:59Z", -7200),
      ("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29T01:00:00Z", -3600),
      ("IST-2IDT,M3.4.4/26,M10.5.0", "2026-03-26T23:59:59Z", 7200), ("IST-2IDT,M3.4.4/26,M10.5.0", "2026-03-27T00:00:00Z", 10800),
      ("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-01-01T00:00:00Z", 0), ("IST-1GMT0,M10.5.0,M3.5.0/1", "2026-07-01T00:00:00Z", 3600),
      ("AAA0BBB,J60/0,J300/0", "2028-02-29T23:59:59Z", 0), ("AAA0BBB,J60/0,J300/0", "2028-03-01T00:00:00Z", 3600),
      ("AAA0BBB,59/0,299/0", "2028-02-29T00:00:00Z", 3600),
      ("ABC+1:30:15", "2026-01-01T00:00:00Z", -5415),
    ])
  func rules(_ rule: String, _ time: String, _ offset: Int64) throws {
    let parsed = try #require(ZoneRule(Array(rule.utf8)))
    #expect(parsed.offset(at: Calendar.timestamp(text(time))!.micros / 1_000_000) == offset)
  }

  @Test(
    "D37: what is no rule",
    arguments: [
      "", "CE-1", "CET", "CET-1CEST", "CET-1CEST,M13.1.0,M10.5.0", "CET-168", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,M10.5.0x", "<+03",
    ])
  func noRules(_ rule: String) { #expect(ZoneRule(Array(rule.utf8)) == nil) }

  /// Files cut anywhere and changed anywhere are refused or read, never more.
  @Test("D37: damaged files") func damaged() throws {
    let whole = try readWholeFile("/usr/share/zoneinfo/Europe/Prague", limit: 1 << 20)
    #expect(ZoneFile(whole) != nil)
    for length in 0..<whole.count { _ = ZoneFile(Array(whole[..<length]))?.offset(at: 3_000_000_000) }
    var random = Support.Random(37)
    for _ in 0..<3000 {
      var bytes = whole
      for _ in 0..<3 { bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random) }
      _ = ZoneFile(bytes)?.offset(at: 3_000_000_000)
    }
  }

  @Test(
    "L13: numbers without their zeros, blanks, nine digits, zones",
    arguments: [
      ("2026 Jul  2 13:33:01", "%Y %b %d %H:%M:%S", "2026-07-02T13:33:01Z"),
      ("2026 Jul  2 13:33:01", "%Y %b  %d %H:%M:%S", "2026-07-02T13:33:01Z"),
      ("2026 Jul 12 13:33:01", "%Y %b %e %H:%M:%S", "2026-07-12T13:33:01Z"), ("4.3.2026 8:45", "%d.%m.%Y %H:%M", "2026-03-04T08:45:00Z"),
      ("20260304 084500", "%Y%m%d %H%M%S", "2026-03-04T08:45:00Z"),
      ("2026-03-04 08:45:00.123456789", "%Y-%m-%d %H:%M:%S.%f", "2026-03-04T08:45:00.123456Z"),
      ("Thu, 02 Jul 2026 10:00:00 +0200", "%a, %d %b %Y %H:%M:%S %z", "2026-07-02T08:00:00Z"),
    ])
  func patterns(_ string: String, _ pattern: String, _ expected: String) throws { #expect(try parse(string, pattern) == expected) }

  @Test(
    "L13: a local time of a zone",
    arguments: [
      ("2026-07-02 10:00", "2026-07-02T08:00:00Z"), ("2026-01-02 10:00", "2026-01-02T09:00:00Z"),
      // Twice and never, as Python's `fold=0` has them.
      ("2026-10-25 02:30", "2026-10-25T00:30:00Z"), ("2026-03-29 02:30", "2026-03-29T01:30:00Z"),
      ("2050-07-02 10:00", "2050-07-02T08:00:00Z"),
    ])
  func local(_ string: String, _ expected: String) throws { #expect(try parse(string, "%Y-%m-%d %H:%M", "Europe/Prague") == expected) }

  @Test(
    "L13: what does not follow",
    arguments: [
      ("2026-02-30", "%Y-%m-%d"), ("26-02-01", "%Y-%m-%d"), ("2026-02-01x", "%Y-%m-%d"), ("2026-02-", "%Y-%m-%d"),
      ("2026-02-01 24", "%Y-%m-%d %H"), ("2026", "%Y %m"), ("2026 13", "%Y %m"),
      ("x", "%q"), ("+2500", "%z"),
    ])
  func notFollowing(_ string: String, _ pattern: String) { #expect(throws: EventFailure.self) { try parse(string, pattern) } }

  @Test("L13: a day with a blank is written as it is read") func blankDay() throws {
    let t = try Fn.toTimestamp(text("2026-07-02T13:33:01Z"), c)
    #expect(try Fn.formatTime(t, text("%b %e %H:%M:%S"), text("UTC"), c).string == "Jul  2 13:33:01")
  }

  /// RFC 3339 5.6 and 5.7; the value is PostgreSQL's.
  @Test(
    "D40: a second 60 stands at the end of a month in UTC only",
    arguments: [
      ("1998-12-31T23:59:60Z", "1999-01-01T00:00:00Z"), ("1990-12-31T15:59:60-08:00", "1991-01-01T00:00:00Z"),
      ("2016-12-31T23:59:60.5Z", "2017-01-01T00:00:00.500Z"),
      ("2012-07-01T01:59:60+02:00", "2012-07-01T00:00:00Z"), ("1998-12-31T23:58:60Z", nil), ("2026-01-15T12:30:60Z", nil),
      ("2026-01-15T23:59:60Z", nil), ("1998-12-31T23:59:60+01:00", nil),
      ("1998-12-31T23:59:61Z", nil), ("9999-12-31T23:59:60Z", nil),
    ])
  func leapSeconds(_ string: String, _ expected: String?) throws {
    #expect(Calendar.timestamp(text(string)).map { Fn.toString($0, c).string } == expected)
    guard !string.contains("."), !string.contains("9999") else { return }
    let parsed = try? parse(string, "%Y-%m-%dT%H:%M:%S%z")
    #expect(parsed == expected)
  }
}
