import Foundation
import PumpTestSupport
import Testing

@testable import PumpValues

/// Records of text that was changed at random: what is read is valid, whatever came.
@Suite struct RecordFuzzTests {
  @Test(arguments: [
    ("csv", "1,Ada,\"a \"\"b\"\"\",2.50\n"), ("kv", "id=1 name=Ada note=\"x y\" amount=2.50"),
    ("logfmt", "id=1 name=Ada note=\"x\\ny \\u00e9\\ud83d\\ude00 \\x41\" amount=2.50 alone"),
    (
      "xml",
      "<?xml version=\"1.0\"?><r a=\"x\"><id>1</id><name>Ada &amp; &#233;</name><note><![CDATA[x]]></note><amount>2.50</amount><!-- c --></r>"
    ),
    ("cef", "<13>Oct 11 22:14:15 h CEF:0|a|b|c|d|Ada \\| e|5|id=1 note=x y\\=\\n amount=2.50 rt=Oct 11 2025 22:14:15"),
  ]) func records(_ format: String, _ text: String) {
    fuzz(
      format, .record("R", [.init("id", .int), .init("name", .string), .init("note", Shape.string.optional), .init("amount", .decimal)]),
      text, 1)
  }

  @Test(arguments: [
    (
      "access_log", "192.0.2.7 - ada b [10/Oct/2025:13:55:36 -0700] \"GET /a\\x41 HTTP/1.0\" 200 2326 \"-\" \"a \\\"b\\\" c\" \"f\" 1",
      "client"
    ),
    ("syslog", "<165>1 2025-10-11T22:14:15.003Z db app 7 ID47 [a@1 b=\"c\\]\" b=\"d\"][e f=\"g\"] entry", "message"),
    ("syslog", "<34>Oct  1 22:14:15 mymachine su[77]: 'su root' failed for ada on /dev/pts/8", "message"),
  ]) func lines(_ format: String, _ text: String, _ field: String) {
    let fields = Formats.all.first { $0.spec.name == format }!.spec.names.known.map {
      Shape.Field($0.name, $0.name == field ? .string : Shape.of($0.type).optional)
    }
    fuzz(format, .record("R", fields), text, fields.firstIndex { $0.name == field }!)
  }

  /// Texts that were changed, cut, and made of nothing but chance.
  private func fuzz(_ name: String, _ shape: Shape, _ text: String, _ field: Int) {
    var random = Support.Random(5)
    let format = Formats.make(name, shape)
    let context = Context(now: LogFormatTests.now)
    let signs = Array("<>[]\"=|\\ -:&;1a\n".utf8) + [0, 0x80, 0xE9, 0xFF]
    for number in 0..<5000 {
      let bytes =
        switch number % 10 {
        case 0: Array(text.utf8.prefix(number / 10))
        case 1: (0..<Int.random(in: 0...40, using: &random)).map { _ in signs.randomElement(using: &random)! }
        default: random.changed(text)
        }
      let event = bytes.withUnsafeBufferPointer { context.arena.copy($0) }
      let column = Column(shape)
      if format.read(event, into: column, 0, context) == nil {
        let value = column.children[field].get(Text.self, 0)
        #expect(String(validating: value.bytes, as: UTF8.self) != nil)
      }
      context.arena.reset()
    }
  }

  /// What could be read in the square of its length is not: each is a megabyte, and takes some seconds at most in a debug build.
  @Test(arguments: [
    ("logfmt", "", "a=\"\\x41\" ", ""), ("logfmt", "", "a ", ""), ("cef", "CEF:0|a|b|c|d|e|f|", "a=b ", ""), ("cef", "", "CEF ", ""),
    ("cef", "CEF:0|a|b|c|d|e|f|", "k%=b ", ""), ("syslog", "<1>1 - - - - - [a ", "k%=\"v\" ", "]"),
    ("syslog", "<1>1 - - - - - [a ", "k=\"v\" ", "]"), ("syslog", "<1>1 - - - - - ", "[k%]", ""), ("access_log", "a - ", "b [", ""),
    ("access_log", "a - - [", "\\\"", ""), ("xml", "<r ", "k%=\"v\" ", "/>"), ("xml", "<r>", "<k>a</k>", "</r>"),
    ("xml", "<r>", "&amp;", "</r>"),
    ("xml", "<r>", "<!--", "</r>"), ("xml", "", "<?", ""),
  ]) func time(_ name: String, _ before: String, _ part: String, _ after: String) {
    let known = Formats.all.first { $0.spec.name == name }!.spec.names.known.map { Shape.Field($0.name, Shape.of($0.type).optional) }
    let shape = Shape.record("R", known + [.init("k", Shape.string.optional)])
    let parts = (0..<(1 << 20) / part.utf8.count).map { part.replacing("%", with: "\($0)") }
    let context = Context()
    let text = context.arena.copy(before + parts.joined() + after)
    let start = ContinuousClock.now
    _ = Formats.make(name, shape).read(text, into: Column(shape), 0, context)
    #expect(ContinuousClock.now - start < .seconds(5))
  }
}
