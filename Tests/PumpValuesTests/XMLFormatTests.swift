import Testing

@testable import PumpValues

/// XML as the format takes it, and what it refuses.
@Suite struct XMLFormatTests {
  private static let item = Shape.record(
    "Item", [.init("sku", .string), .init("count", Shape.int, wire: "n", value: "1"), .init("tags", .list(.string), wire: "tag")])
  private static let price = Shape.record(
    "Price", [.init("unit", Shape.string.optional), .init("value", .decimal, wire: "#text")])
  private static let order = Shape.record(
    "Order",
    [
      .init("id", .int), .init("note", Shape.string.optional), .init("at", Shape.timestamp.optional),
      .init("price", price.optional), .init("items", .list(item), wire: "item"),
      .init("codes", Shape.list(Shape.int.optional).optional, wire: "code"),
    ])

  private func read(_ text: String) -> String { LogFormatTests.read("xml", Self.order, text) }

  @Test(arguments: [
    (#"<order id="7"/>"#, #"{"id":7,"item":[]}"#),
    (
      """
      \u{FEFF}<?xml version="1.0" encoding="UTF-8" standalone='yes'?>\r
      <!-- one order -->
      <?style none?>
      <o:order xmlns:o="urn:x" xmlns="urn:y" o:id='7' other="1">
        <note>a &lt; b &amp;&#x20;&#233; <![CDATA[<raw> &amp; ]]>end<!-- c --></note>
        <item n="2"><sku>A 1</sku><tag>x</tag><tag/></item>
        <unknown><item><sku>no</sku></item></unknown>
        <at>
          2026-01-02T03:04:05Z
        </at>
        <item><tag>y</tag><sku> B </sku></item>
        <o:price unit="€">12.50<!-- net --></o:price>
        <code>1</code><code></code><code xsi:nil="true">x</code>
      </o:order>
      <!-- end -->

      """,
      ##"{"id":7,"note":"a < b & é <raw> &amp; end","at":"2026-01-02T03:04:05Z","price":{"unit":"€","#text":12.5},"item":[{"sku":"A 1","n":2,"tag":["x",""]},{"sku":" B ","n":1,"tag":["y"]}],"code":[1,null,null]}"##
    ),
    // Of two the last counts, also of records with lists.
    (
      #"<o id="1"><note>a</note><note>b</note><price>1</price><price unit="x"> 2 <b>3</b></price></o>"#,
      ##"{"id":1,"note":"b","price":{"unit":"x","#text":2},"item":[]}"##
    ),
    // An element goes before an attribute of its name; lists and records are never attributes.
    (
      #"<o id="1" note="a" price="2" item="b"><item sku="c"><sku>d</sku></item><item sku="e" tag="f"/><id>2</id></o>"#,
      #"{"id":2,"note":"a","item":[{"sku":"d","n":1,"tag":[]},{"sku":"e","n":1,"tag":[]}]}"#
    ),
    // Nothing is null where there is null.
    (#"<o id="1"><note/><price/><at></at></o>"#, #"{"id":1,"item":[]}"#),
    ("<o id=\"1\"><note>a\r\nb\rc</note></o>", #"{"id":1,"note":"a\nb\nc","item":[]}"#),
    ("<o id=\"\r\n1\t\"><note>\u{1F600}&#x1F600;</note></o>", #"{"id":1,"note":"😀😀","item":[]}"#),
  ]) func reads(_ text: String, _ expected: String) { #expect(read(text) == expected) }

  @Test(arguments: [
    // Not of the type.
    ("<o/>", ".id: missing, expected Int"), (#"<o id="x"/>"#, #".id: expected Int, found "x""#),
    (#"<o id="1"><item/></o>"#, ".item[0].sku: missing, expected String"),
    (#"<o id="1"><item><sku>a</sku></item><item/></o>"#, ".item[1].sku: missing, expected String"),
    (#"<o id="1"><code>1</code><code>x</code></o>"#, #".code[1]: expected Int?, found "x""#),
    (#"<o id="1"><note>a<b/></note></o>"#, #".note: expected String?, found element "b""#),
    (#"<o id="1"><price unit="x"/></o>"#, #".price.#text: expected Decimal, found """#),
    // Not XML.
    ("", "not valid XML at byte 0: expected an element, found the end"),
    ("text", #"not valid XML at byte 0: expected an element, found "text""#),
    ("<o id=\"1\">", "not valid XML at byte 10: `<o>` is not closed"),
    ("<o><a></o>", "not valid XML at byte 6: `</o>` does not close `<a>`"),
    ("<o></p>", "not valid XML at byte 3: `</p>` does not close `<o>`"),
    ("<p:o></o>", "not valid XML at byte 5: `</o>` does not close `<p:o>`"),
    (#"<o id="1"/>x"#, #"not valid XML at byte 11: expected the end, found "x""#),
    (#"<o id="1" id="2"/>"#, #"not valid XML at byte 10: attribute "id" stands twice"#),
    (#"<o id=1/>"#, #"not valid XML at byte 6: expected a value in quotes, found "1/>""#),
    (#"<o id="1/>"#, #"not valid XML at byte 6: attribute "id" has no closing quote"#),
    (#"<o a="1"b="2"/>"#, #"not valid XML at byte 8: expected a blank, `>` or `/>`, found "b="2"/>""#),
    (#"<o a="<"/>"#, "not valid XML at byte 6: `<` stands in an attribute"),
    (
      "<o>&nbsp;</o>",
      #"not valid XML at byte 3: "&nbsp;" is none of `&lt;` `&gt;` `&amp;` `&quot;` `&apos;` and no character's number"#
    ),
    ("<o>&#0;</o>", ##"not valid XML at byte 3: "&#0;" is none of `&lt;` `&gt;` `&amp;` `&quot;` `&apos;` and no character's number"##),
    (
      "<o>&#xD800;</o>",
      ##"not valid XML at byte 3: "&#xD800;" is none of `&lt;` `&gt;` `&amp;` `&quot;` `&apos;` and no character's number"##
    ),
    ("<o>a & b</o>", ##"not valid XML at byte 5: "& b" is none of `&lt;` `&gt;` `&amp;` `&quot;` `&apos;` and no character's number"##),
    ("<o>]]></o>", "not valid XML at byte 5: `]]>` ends nothing here"),
    ("<o>\u{1}</o>", "not valid XML at byte 3: a control character, which XML has not"),
    ("<o><!-- a -- b --></o>", "not valid XML at byte 12: `--` stands within a comment"),
    ("<o><![CDATA[x</o>", "not valid XML at byte 3: the CDATA section does not end"),
    ("<1/>", #"not valid XML at byte 1: expected a name, found "1/>""#),
    ("</o>", #"not valid XML at byte 0: expected an element, found "</o>""#),
    (
      #"<!DOCTYPE o [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><o id="1">&b;</o>"#,
      "not valid XML at byte 0: a document type is refused: its entities could grow without end, or name files"
    ),
    (#"<?xml version="1.0" encoding="ISO-8859-1"?><o/>"#, #"the XML declaration says encoding "ISO-8859-1": only UTF-8 is read"#),
  ]) func refuses(_ text: String, _ expected: String) { #expect(read(text) == expected) }

  @Test func attributesAlone() {
    let shape = Shape.record("R", [.init("a", Shape.int.optional), .init("b", Shape.int.optional, wire: "@a")])
    #expect(LogFormatTests.read("xml", shape, #"<o a="1"/>"#) == #"{"@a":1}"#)
    #expect(LogFormatTests.read("xml", shape, #"<o a="1"><a>2</a></o>"#) == #"{"a":2,"@a":1}"#)
  }

  @Test func depth() {
    let deep = { (count: Int) in #"<o id="1">"# + String(repeating: "<a>", count: count) + String(repeating: "</a>", count: count) + "</o>"
    }
    #expect(read(deep(511)) == #"{"id":1,"item":[]}"#)
    #expect(read(deep(512)).hasSuffix("more than 512 elements stand in each other"))
    #expect(read(deep(1_000_000)).hasSuffix("more than 512 elements stand in each other"))
  }

  @Test func notUTF8() {
    #expect(
      LogFormatTests.read("xml", Self.order, Array("<o>".utf8) + [0xE9] + Array("</o>".utf8))
        == "not valid XML: the text is not UTF-8: byte 3 is 0xE9")
  }
}
