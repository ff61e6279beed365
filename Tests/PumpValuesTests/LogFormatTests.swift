import PumpTestSupport
import Testing

@testable import PumpValues

/// Formats of logs, each on samples in the shape that its specification gives.
@Suite struct LogFormatTests {
  /// 2026-01-02T03:04:05Z.
  static let now = Timestamp(1_767_323_045_000_000)

  /// The record as JSON, or why it is none.
  static func read(_ format: String, _ shape: Shape, _ text: String, _ options: FormatOptions = [:]) -> String {
    read(format, shape, Array(text.utf8), options)
  }

  static func read(_ format: String, _ shape: Shape, _ bytes: [UInt8], _ options: FormatOptions = [:]) -> String {
    let context = Context(now: now)
    let column = Column(shape)
    let text = bytes.withUnsafeBufferPointer { context.arena.copy($0) }
    let records = Formats.make(format, shape, options)
    if let problem = records.read(text, into: column, 0, context) { return problem }
    var out = ByteBuffer(capacity: 256)
    defer { out.release() }
    out.json(column, 0, JSONOptions(omitNull: true))
    return out.string
  }

  private static func record(_ fields: (String, Shape)...) -> Shape { .record("R", fields.map { .init($0.0, $0.1) }) }

  // MARK: logfmt

  static let pairs = record(
    ("level", .string), ("msg", Shape.string.optional), ("code", Shape.int.optional), ("cached", Shape.bool.optional),
    ("took", Shape.duration.optional), ("raw", Shape.bytes.optional))

  @Test(arguments: [
    (#"level=info msg="all good" code=200 cached took=5ms"#, #"{"level":"info","msg":"all good","code":200,"cached":true,"took":"5ms"}"#),
    // A key alone is true, also as text; white space of any kind is between pairs.
    ("level\tmsg=x  \n cached=false ", #"{"level":"true","msg":"x","cached":false}"#),
    // Nothing is null where there is null, and in quotes the empty text.
    (#"level= msg="" code= cached="#, #"{"level":"","msg":""}"#),
    ("level=a msg=", #"{"level":"a"}"#),
    // Of two the last counts; what the type does not name is left out.
    (#"level=a other="x y" level=b level2=c"#, #"{"level":"b"}"#),
    (#"level="a\"b\\c\/d\n\t\u00e9\ud83d\ude00\x41\q\u12" msg=C:\new"#, ##"{"level":"a\"b\\c/d\n\té😀A\\q\\u12","msg":"C:\\new"}"##),
    // In what is not quoted there may be anything but blanks.
    (#"level=a=b msg=say"x""#, ##"{"level":"a=b","msg":"say\"x\""}"##),
    (#"level="a\"#, #"the value of "level" has no closing quote"#),
    (#"level="a"b"#, #"after the closing quote of "level" a blank is expected"#),
    ("level=a =b", "there is no key before `=` at byte 8"),
    (#"user said "hello" to all"#, #""hello" is no key: keys hold no quotes"#),
    ("level=a code=x", #".code: expected Int?, found "x""#), ("", ".level: missing, expected String"),
    ("code=1", ".level: missing, expected String"),
  ]) func logfmt(_ text: String, _ expected: String) { #expect(Self.read("logfmt", Self.pairs, text) == expected) }

  /// What is written is read back as it was, and is one line.
  @Test func logfmtWritten() {
    let shape = Self.record(("a", .string), ("b", Shape.string.optional), ("c", .bool), ("d", .bytes))
    let format = Formats.make("logfmt", shape)
    let context = Context()
    let texts = ["", "x", "a b", "k=v", "\"", "\\", "C:\\new\\table", "line\nfeed\r\t", "é😀", "\u{0}\u{1B}\u{7F}", "true", "a\\\"b"]
    for text in texts {
      for other in texts + [nil] {
        let column = Column(shape)
        column.setPresent(0)
        column.children[0].set(context.arena.copy(text), 0)
        if let other { column.children[1].set(context.arena.copy(other), 0) } else { column.children[1].setNull(0) }
        column.children[2].set(true, 0)
        column.children[3].set(context.arena.copy(text), 0)
        var out = ByteBuffer(capacity: 16)
        defer { out.release() }
        format.write(column, 0, &out)
        #expect(!out.bytes.contains(0x0A) && !out.bytes.contains(0x0D))
        let back = Column(shape)
        #expect(format.read(context.arena.copy(out.bytes), into: back, 0, context) == nil)
        #expect(Column.equal(column, 0, back, 0), "\(out.string)")
      }
    }
  }

  // MARK: access_log

  static let access = record(
    ("client", .string), ("identity", Shape.string.optional), ("user", Shape.string.optional), ("time", .timestamp),
    ("method", Shape.string.optional), ("path", Shape.string.optional), ("protocol", Shape.string.optional), ("status", .int),
    ("bytes", Shape.size.optional), ("referer", Shape.string.optional), ("agent", Shape.string.optional),
    ("forwarded", Shape.string.optional))

  @Test(arguments: [
    (
      #"192.0.2.7 - ada [10/Oct/2025:13:55:36 -0700] "GET /logo.gif HTTP/1.0" 200 2326"#,
      #"{"client":"192.0.2.7","user":"ada","time":"2025-10-10T20:55:36Z","method":"GET","path":"/logo.gif","protocol":"HTTP/1.0","status":200,"bytes":2326}"#
    ),
    (
      #"2001:db8::7 id0 - [01/Feb/2026:00:00:00 +0000] "GET /a?q=x%20y HTTP/2.0" 304 - "https://example.org/start.html" "Mozilla/5.0 (X11; Linux) \"quoted\" \x22hex\x22""#,
      ##"{"client":"2001:db8::7","identity":"id0","time":"2026-02-01T00:00:00Z","method":"GET","path":"/a?q=x%20y","protocol":"HTTP/2.0","status":304,"referer":"https://example.org/start.html","agent":"Mozilla/5.0 (X11; Linux) \"quoted\" \"hex\""}"##
    ),
    // As nginx's `main`, with more behind it.
    (
      #"192.0.2.7 - - [01/Feb/2026:00:00:00 +0000] "POST / HTTP/1.1" 499 0 "-" "-" "198.51.100.2, 192.0.2.9" 0.003 "x""#,
      #"{"client":"192.0.2.7","time":"2026-02-01T00:00:00Z","method":"POST","path":"/","protocol":"HTTP/1.1","status":499,"bytes":0,"forwarded":"198.51.100.2, 192.0.2.9"}"#
    ),
    // Requests that are none: TLS sent to a plain port, nothing, HTTP/0.9, blanks in the path.
    (
      #"h - - [01/Feb/2026:00:00:00 +0000] "\x16\x03\x01\x00" 400 226"#,
      #"{"client":"h","time":"2026-02-01T00:00:00Z","status":400,"bytes":226}"#
    ),
    (#"h - - [01/Feb/2026:00:00:00 +0000] "-" 408 -"#, #"{"client":"h","time":"2026-02-01T00:00:00Z","status":408}"#),
    (#"h - - [01/Feb/2026:00:00:00 +0000] "" 000 0"#, #"{"client":"h","time":"2026-02-01T00:00:00Z","status":0,"bytes":0}"#),
    (
      #"h - - [01/Feb/2026:00:00:00 +0000] "GET /old" 200 1"#,
      #"{"client":"h","time":"2026-02-01T00:00:00Z","method":"GET","path":"/old","status":200,"bytes":1}"#
    ),
    (
      #"h - a b [01/Feb/2026:00:00:00 +0000] "GET /a b HTTP/1.1" 200 1"#,
      #"{"client":"h","user":"a b","time":"2026-02-01T00:00:00Z","method":"GET","path":"/a b","protocol":"HTTP/1.1","status":200,"bytes":1}"#
    ),
    ("", "expected the client at byte 0, found the end"), ("h", "expected the client's identity, or `-` at byte 1, found the end"),
    ("h - - nothing", #"expected the user, or `-`, and the time in `[…]` at byte 4, found "- nothing""#),
    (
      #"www.example.org:80 h - - [01/Feb/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 1"#,
      #"there are more than client, identity and user before the time: "www.example.org:80 h - - [01/Feb/2026:00…""#
    ),
    (
      #"h - - [32/Feb/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 1"#,
      #"the time "32/Feb/2026:00:00:00 +0000" is none such as 10/Oct/2025:13:55:36 +0200"#
    ),
    ("h - - [01/Feb/2026:00:00:00 +0000] GET / 200 1", #"expected the request in quotes, and a blank at byte 35, found "GET / 200 1""#),
    (
      #"h - - [01/Feb/2026:00:00:00 +0000] "GET / HTTP/1.1"#,
      #"expected the request in quotes, and a blank at byte 35, found ""GET / HTTP/1.1""#
    ),
    (#"h - - [01/Feb/2026:00:00:00 +0000] "GET / HTTP/1.1" x 1"#, #".status: expected Int, found "x""#),
    (#"h - - [01/Feb/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 1 "cut o"#, "the referer has no closing quote"),
  ]) func accessLog(_ text: String, _ expected: String) { #expect(Self.read("access_log", Self.access, text) == expected) }

  @Test func accessLogOfOtherTypes() {
    let line = #"192.0.2.7 - ada [10/Oct/2025:13:55:36 -0700] "GET /logo.gif HTTP/1.0" 200 2326"#
    #expect(
      Self.read("access_log", Self.record(("time", .string), ("status", .string), ("request", .bytes)), line)
        == #"{"time":"2025-10-10T20:55:36Z","status":"200","request":"R0VUIC9sb2dvLmdpZiBIVFRQLzEuMA=="}"#)
    // A broken request fails where the type needs one.
    #expect(
      Self.read("access_log", Self.record(("method", .string)), #"h - - [01/Feb/2026:00:00:00 +0000] "-" 408 -"#)
        == ".method: missing, expected String")
    #expect(
      Self.read("access_log", Self.record(("agent", .string)), Array((line + #" "-" "x"#).utf8) + [0xE9, 0x22])
        == ".agent: the text is not UTF-8: byte 1 is 0xE9")
  }

  // MARK: syslog

  static let syslog = record(
    ("priority", Shape.int.optional), ("facility", Shape.string.optional), ("severity", Shape.int.optional),
    ("time", Shape.timestamp.optional),
    ("host", Shape.string.optional), ("app", Shape.string.optional), ("pid", Shape.string.optional), ("msgid", Shape.string.optional),
    ("data", Shape.json.optional), ("message", Shape.string.optional))

  @Test(arguments: [
    // In the shape of RFC 5424 6.5.
    (
      "<34>1 2025-10-11T22:14:15.003Z web-1.example.org su - ID47 - \u{FEFF}'su root' failed for ada on /dev/pts/8",
      #"{"priority":34,"facility":"auth","severity":2,"time":"2025-10-11T22:14:15.003Z","host":"web-1.example.org","app":"su","msgid":"ID47","message":"'su root' failed for ada on /dev/pts/8"}"#
    ),
    (
      "<165>1 2025-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time.",
      #"{"priority":165,"facility":"local4","severity":5,"time":"2025-08-24T12:14:15.000003Z","host":"192.0.2.1","app":"myproc","pid":"8710","message":"%% It's time."}"#
    ),
    (
      #"<165>1 2025-10-11T22:14:15.003Z db evntslog - ID47 [exampleSDID@32473 iut="3" eventSource="App\"li\\ca\]ti\on" eventID="1011"][examplePriority@32473 class="high"] entry"#,
      ##"{"priority":165,"facility":"local4","severity":5,"time":"2025-10-11T22:14:15.003Z","host":"db","app":"evntslog","msgid":"ID47","data":{"exampleSDID@32473":{"iut":"3","eventSource":"App\"li\\ca]ti\\on","eventID":"1011"},"examplePriority@32473":{"class":"high"}},"message":"entry"}"##
    ),
    (
      #"<0>1 - - - - - [origin ip="192.0.2.1" ip="192.0.2.129"][empty]"#,
      #"{"priority":0,"facility":"kern","severity":0,"data":{"origin":{"ip":["192.0.2.1","192.0.2.129"]},"empty":{}}}"#
    ),
    ("<191>1 - - - - - -", #"{"priority":191,"facility":"local7","severity":7}"#),
    ("<191>1 - - - - - - ", #"{"priority":191,"facility":"local7","severity":7,"message":""}"#),
    ("<14>1 - - - - - [a b=\"c\"", "expected `]`, or a blank and a parameter at byte 24, found the end"),
    ("<14>1 - - - - - [a b=c] x", #"expected a parameter such as `name="value"` at byte 21, found "c] x""#),
    ("<14>1 - - - - - [a]x", #"expected a blank, or `[` at byte 19, found "x""#),
    ("<14>1 - - - - - text", "expected structured data, or `-` at byte 16, found \"text\""),
    ("<14>1 - host", "expected the app, or `-` at byte 12, found the end"),
    ("<14>1 2025-13-11T22:14:15Z - - - - -", #".time: expected Timestamp?, found "2025-13-11T22:14:15Z""#),
    // In the shape of RFC 3164 5.4.
    (
      "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for ada on /dev/pts/8",
      #"{"priority":34,"facility":"auth","severity":2,"time":"2025-10-11T22:14:15Z","host":"mymachine","app":"su","message":"'su root' failed for ada on /dev/pts/8"}"#
    ),
    ("Use the BFG!", #"{"message":"Use the BFG!"}"#),
    (
      "<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!",
      #"{"priority":13,"facility":"user","severity":5,"time":"2025-02-05T17:32:18Z","host":"10.0.0.99","message":"Use the BFG!"}"#
    ),
    (
      "<165>Aug 24 05:34:00 CST 1987 mymachine myproc[10]: %% It's time",
      #"{"priority":165,"facility":"local4","severity":5,"time":"2025-08-24T05:34:00Z","host":"CST","message":"1987 mymachine myproc[10]: %% It's time"}"#
    ),
    (
      "<0>1990 Oct 22 10:52:01 TZ-6 scapegoat.example.org 10.1.2.3 sched[0]: That's All Folks!",
      #"{"priority":0,"facility":"kern","severity":0,"message":"1990 Oct 22 10:52:01 TZ-6 scapegoat.example.org 10.1.2.3 sched[0]: That's All Folks!"}"#
    ),
    // As files have it, with more than the RFC knows.
    (
      "Jan  3 03:04:05 web CRON[77]: (root) CMD (x)",
      #"{"time":"2026-01-03T03:04:05Z","host":"web","app":"CRON","pid":"77","message":"(root) CMD (x)"}"#
    ),
    ("Jan  3 03:04:06 web x: y", #"{"time":"2025-01-03T03:04:06Z","host":"web","app":"x","message":"y"}"#),
    ("Feb 29 10:00:00 web x: y", #"{"time":"2024-02-29T10:00:00Z","host":"web","app":"x","message":"y"}"#),
    (
      "<30>2025-07-02T13:33:01.123456789+02:00 web systemd[1]: Started",
      #"{"priority":30,"facility":"daemon","severity":6,"time":"2025-07-02T11:33:01.123456Z","host":"web","app":"systemd","pid":"1","message":"Started"}"#
    ),
    (
      "<166>Jul 02 2024 13:33:01.5: %ASA-6-302013: Built",
      #"{"priority":166,"facility":"local4","severity":6,"message":"Jul 02 2024 13:33:01.5: %ASA-6-302013: Built"}"#
    ),
    (
      "Jul 02 2024 13:33:01.5 fw %ASA-6-302013: Built",
      #"{"time":"2024-07-02T13:33:01.500Z","host":"fw","app":"%ASA-6-302013","message":"Built"}"#
    ),
    ("Jul 2 13:33:01 kernel: [12.5] up", #"{"time":"2025-07-02T13:33:01Z","app":"kernel","message":"[12.5] up"}"#),
    ("Jul 2 13:33:01", #"{"time":"2025-07-02T13:33:01Z","message":""}"#),
    // No priorities: too large, with a zero before it, none.
    ("<192>x", #"{"message":"<192>x"}"#), ("<013>x", #"{"message":"<013>x"}"#), ("<>x", #"{"message":"<>x"}"#), ("", #"{"message":""}"#),
  ]) func syslog(_ text: String, _ expected: String) { #expect(Self.read("syslog", Self.syslog, text) == expected) }

  @Test func syslogOptions() {
    let line = "<34>Oct 11 22:14:15 web su: x"
    #expect(
      Self.read("syslog", Self.record(("time", .string), ("facility", .int), ("severity", .string)), line, ["zone": "Europe/Prague"])
        == #"{"time":"2025-10-11T20:14:15Z","facility":4,"severity":"crit"}"#)
    #expect(Self.read("syslog", Self.syslog, line, ["zone": "No/Where"]) == #"there is no time zone "No/Where""#)
    #expect(
      Self.read("syslog", Self.syslog, line, ["standard": "rfc5424"])
        == #"expected version `1` and a blank at byte 4, found "Oct 11 22:14:15 web su: x""#)
    #expect(
      Self.read("syslog", Self.syslog, "x", ["standard": "rfc5424"]) == #"expected a priority from `<0>` to `<191>` at byte 0, found "x""#)
    #expect(
      Self.read("syslog", Self.record(("message", .string)), "<34>1 - - - - - - x", ["standard": "rfc3164"])
        == #"{"message":"1 - - - - - - x"}"#)
    #expect(Self.read("syslog", Self.record(("time", .timestamp)), "hello") == ".time: missing, expected Timestamp")
  }

  // MARK: cef

  static let cef = record(
    ("version", .int), ("device_vendor", .string), ("device_product", .string), ("device_version", .string), ("event_class", .string),
    ("name", .string), ("severity", .string), ("src", Shape.string.optional), ("spt", Shape.int.optional), ("msg", Shape.string.optional),
    ("rt", Shape.timestamp.optional), ("extension", .json))

  @Test(arguments: [
    (
      "CEF:0|Example|threatmanager|1.0|100|worm successfully stopped|10|src=192.0.2.1 dst=198.51.100.1 spt=1232",
      #"{"version":0,"device_vendor":"Example","device_product":"threatmanager","device_version":"1.0","event_class":"100","name":"worm successfully stopped","severity":"10","src":"192.0.2.1","spt":1232,"extension":{"src":"192.0.2.1","dst":"198.51.100.1","spt":"1232"}}"#
    ),
    (
      #"Oct 11 22:14:15 web CEF:1|Ex\|ample|C:\\x|1.0|a=b|detected a \ in message|Very-High|msg=Detected a threat.\n No action  needed\=\|.  rt=1760220855123"#,
      ##"{"version":1,"device_vendor":"Ex|ample","device_product":"C:\\x","device_version":"1.0","event_class":"a=b","name":"detected a \\ in message","severity":"Very-High","msg":"Detected a threat.\n No action  needed=|.","rt":"2025-10-11T22:14:15.123Z","extension":{"msg":"Detected a threat.\n No action  needed=|.","rt":"1760220855123"}}"##
    ),
    (
      "CEF:0|a|b|c|d|e|f|request=http://x/?a=b&c=d src= msg= spt= ad.a[0]=x y msg=last rt=Oct 11 2025 22:14:15.5",
      ##"{"version":0,"device_vendor":"a","device_product":"b","device_version":"c","event_class":"d","name":"e","severity":"f","msg":"last","rt":"2025-10-11T22:14:15.500Z","extension":{"request":"http://x/?a=b&c=d","src":"","msg":"last","spt":"","ad.a[0]":"x y","rt":"Oct 11 2025 22:14:15.5"}}"##
    ),
    (
      "CEF:0|a|b|c|d|e|f",
      #"{"version":0,"device_vendor":"a","device_product":"b","device_version":"c","event_class":"d","name":"e","severity":"f","extension":{}}"#
    ),
    (
      "CEF:0|a|b|c|d|e|f|rt=Oct 11 2025 22:14:15 Europe/Prague",
      #"{"version":0,"device_vendor":"a","device_product":"b","device_version":"c","event_class":"d","name":"e","severity":"f","rt":"2025-10-11T20:14:15Z","extension":{"rt":"Oct 11 2025 22:14:15 Europe/Prague"}}"#
    ),
    ("CEF:0|a|b|c", #"the header has 4 of 7 parts: "CEF:0|a|b|c""#), (#"CEF:0|a\"#, #"the header has 2 of 7 parts: "CEF:0|a\""#),
    ("CEF:x|a|b|c|d|e|f|", #".version: expected Int, found "x""#),
    ("CEF:0|a|b|c|d|e|f|text a=b", #"the extension begins with no `key=`: "text a=b""#),
    ("CEF:0|a|b|c|d|e|f|rt=soon", #".rt: expected Timestamp?, found "soon""#), ("xCEF:0|", #"there is no `CEF:` in "xCEF:0|""#),
    ("", #"there is no `CEF:` in """#),
  ]) func cef(_ text: String, _ expected: String) { #expect(Self.read("cef", Self.cef, text) == expected) }
}
