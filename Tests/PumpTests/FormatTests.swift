import Foundation
import PumpCompiler
import PumpTestSupport
import Testing

/// Formats of texts, by every way that there is to read them. What is right is what Python's csv module makes of the same bytes,
/// or what RFC 4180 says where that is lenient.
@Suite(.serialized) struct FormatTests {
  private static func folder(_ files: [String: String]) throws -> String {
    let path = try Support.temporaryFolder()
    for (name, text) in files { try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)")) }
    return path
  }

  private static func values(_ text: String) throws -> [[String: Any]] {
    try text.split(separator: "\n").map { try JSONSerialization.jsonObject(with: Data($0.utf8)) as! [String: Any] }
  }

  // MARK: Against Python

  /// The records of each file by Python: rows as lists of texts, and null for one that it refuses or whose width is another.
  private static let reader = """
    import csv, json, sys
    for path in sys.argv[1:]:
        text = open(path, newline="", encoding="utf-8-sig").read()
        lines = [l + "\\n" for l in text.split("\\n")]
        if lines[-1] == "\\n": lines.pop()
        else: lines[-1] = lines[-1][:-1]
        reader, at, rows = csv.reader(lines), 0, []
        for _ in reader:
            part, at = lines[at:reader.line_num], reader.line_num
            try: rows += list(csv.reader(part, strict=True))
            except csv.Error: rows.append(None)
        rows = [r for r in rows if r != []]
        width = len(rows[0])
        print(json.dumps([r if r is not None and len(r) == width else None for r in rows[1:]]))
    """

  /// A file with a header and cells of all kinds: some rows are ragged, some are no CSV.
  private static func csv(_ random: inout Support.Random, rows: Int, faults: Bool) -> String {
    func pick<T>(_ items: [T]) -> T { items.randomElement(using: &random)! }
    let end = pick(["\n", "\r\n"])
    var out = pick(["", "\u{FEFF}"]) + pick(["a,b,c", "\"a\",b,c", "c,a,b"]) + end
    for row in 0..<rows {
      if Int.random(in: 0..<12, using: &random) == 0 { out += end }
      let width = faults && Int.random(in: 0..<10, using: &random) == 0 ? pick([1, 2, 4, 5]) : 3
      let cells = (0..<width).map { _ -> String in
        switch Int.random(in: 0..<9, using: &random) {
        case 0: return ""
        case 1: return pick(["x", " y ", "é€😀", "\\\"", "a\"b", "ab\"", " \"q\"", "''"])
        case 2: return "\"\""
        case 3: return "\"" + pick(["line\nfeed", "a,b", "say \"\"hi\"\"", "\r\n", "\"\"\"\"", "\n\n\n", "é\"" + "\""]) + "\""
        case 4: return "\"" + String(repeating: "long \"\"cell\"\" ", count: Int.random(in: 0..<40, using: &random)) + "\""
        case 5 where faults: return "\"closed\"" + pick(["x", " ", "\"\"y"])
        default: return "v\(row)-\(Int.random(in: 0..<1000, using: &random))"
        }
      }
      out += cells.joined(separator: ",") + (row == rows - 1 ? pick(["", end]) : end)
    }
    if faults, Int.random(in: 0..<4, using: &random) == 0 { out += (out.hasSuffix("\n") ? "" : end) + "1,\"never closed\n2,3,4\n" }
    return out
  }

  @Test("D26, D27, R20: every way to read CSV gives what Python's csv module gives") func differential() throws {
    var random = Support.Random(41)
    var files: [String: String] = [:]
    for number in 0..<40 { files["in-\(100 + number).csv"] = Self.csv(&random, rows: Int.random(in: 1...30, using: &random), faults: true) }
    // Records across the pieces in which a stream is read.
    files["in-200.csv"] = Self.csv(&random, rows: 9000, faults: true)
    let names = files.keys.sorted()
    let big = files["in-200.csv"]!
    files["reader.py"] = Self.reader
    func read(_ name: String, _ source: String) -> String {
      """
      pipeline \(name) {
        source \(source)
          |> decode csv(header: true) as R
          |> encode json |> sink file.lines("\(name).ndjson")
        on error |> map { m: .message } |> encode json |> sink file.lines("\(name).dead")
      }

      """
    }
    files["main.pump"] =
      "type R { a: String, b: String, c: String }\n" + read("bytes", "file.bytes(\"in-*.csv\")") + read("lines", "file.lines(\"in-*.csv\")")
      + read("input", "stdin.lines()")
        + """
        pipeline framed {
          source file.bytes("in-*.csv") |> filter true
            |> decode csv(header: true) as R
            |> encode json |> sink file.lines("framed.ndjson")
          on error |> map { m: .message } |> encode json |> sink file.lines("framed.dead")
        }
        test "a file" for lines {
          given file "in-200.csv"
          expect count(errors) == 0
        }
        """
    let path = try Self.folder(files)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let python = try Support.run("/usr/bin/env", ["python3", "reader.py"] + names, folder: path)
    #expect(python.code == 0, "\(python.err)")
    var expected: [[String: String]] = []
    var failures = 0
    var last = (rows: [[String: String]](), failures: 0)
    for (name, line) in zip(names, python.out.split(separator: "\n")) {
      let order = files[name]!.contains("c,a,b") && !files[name]!.contains("a,b,c\n") ? ["c", "a", "b"] : ["a", "b", "c"]
      let rows = try JSONSerialization.jsonObject(with: Data(line.utf8)) as! [Any]
      let good = rows.compactMap { ($0 as? [String]).map { Dictionary(uniqueKeysWithValues: zip(order, $0)) } }
      last = (good, rows.count - good.count)
      expected += good
      failures += last.failures
    }
    #expect(expected.count > 3000 && failures > 300)
    let (interpreted, compiled) = try ParityTests.both(path, input: big)
    #expect(interpreted == compiled)
    for (name, wanted, failed) in [
      ("bytes", expected, failures), ("lines", expected, failures), ("input", last.rows, last.failures),
    ] {
      let came = try Self.values(interpreted["\(name).ndjson"] ?? "") as! [[String: String]]
      #expect(came == wanted, "\(name): \(came.count) of \(wanted.count)")
      #expect(interpreted["\(name).dead"]?.split(separator: "\n").count == failed, "\(name)")
    }
    // Files that are one event are longer than `max_event` or cut by the step itself: the same rows.
    #expect(interpreted["framed.ndjson"] == interpreted["bytes.ndjson"] || big.utf8.count > 1 << 20)
    let test = try Support.run("pumpc", ["test", path])
    #expect(test.out.contains("expected 0") && test.out.contains("and \(last.failures - 5) more"), "\(test.out)")
  }

  @Test("D26: a lookup reads the rows that a pipeline reads") func lookups() throws {
    var random = Support.Random(43)
    var rows = (0..<300).map { number -> (String, String, String) in
      let label = ["ab\"cd", "\"q\"\"q\"", "\"a\nb\"", "\"x,y\"", "plain", "gh\"", "\"\""].randomElement(using: &random)!
      return ("k\(number)", label, "z")
    }
    rows.insert(("w", "00", "z"), at: 0)
    let csv = "key,label,more\r\n" + rows.map { "\($0),\($1),\($2)\r\n" }.joined()
    let spec = """
      type R { key: String, label: String }
      type K { key: String }
      pipeline table {
        source file.lines("in.csv") |> decode csv(header: true) as R |> encode json |> sink file.lines("rows.ndjson")
        on error halt
      }
      pipeline found {
        source file.lines("keys.ndjson") |> decode json as K
          |> lookup file.csv("in.csv", column: "key", key: .key) as r: R
          |> map { key: .key, label: .r?.label ?? "?" } |> encode json |> sink file.lines("found.ndjson")
        on error halt
      }
      """
    let path = try Self.folder(["main.pump": spec, "in.csv": csv, "keys.ndjson": rows.map { "{\"key\":\"\($0.0)\"}\n" }.joined()])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let outcome = try Support.run("pumpc", ["run", path])
    #expect(outcome.code == 0, "\(outcome.err)")
    let table = try String(contentsOfFile: path + "/rows.ndjson", encoding: .utf8)
    #expect(try Self.values(table).count == 301)
    #expect(try String(contentsOfFile: path + "/found.ndjson", encoding: .utf8) == table)
  }

  /// The rows of random files, of which each is looked up by a cell that only it has.
  @Test("D26: a lookup reads random files as their lines are read") func randomLookups() throws {
    var random = Support.Random(53)
    var files: [String: String] = [:]
    var spec = "type R { a: String, b: String, c: String }\n"
    for number in 0..<20 {
      files["in-\(number).csv"] = Self.csv(&random, rows: Int.random(in: 5...60, using: &random), faults: false)
      spec += """
        pipeline found\(number) {
          source file.lines("in-\(number).csv") |> decode csv(header: true) as R
            |> lookup file.csv("in-\(number).csv", column: "a", key: .a) as r: R
            |> map { a: .a, own: [.b, .c], found: [.r?.b ?? "?", .r?.c ?? "?"] } |> encode json |> sink file.lines("found-\(number).ndjson")
          on error halt
        }

        """
    }
    files["main.pump"] = spec
    let path = try Self.folder(files)
    defer { try? FileManager.default.removeItem(atPath: path) }
    let outcome = try Support.run("pumpc", ["run", path])
    #expect(outcome.code == 0, "\(outcome.err)")
    var compared = 0
    for number in 0..<20 {
      let rows = try Self.values(String(contentsOfFile: "\(path)/found-\(number).ndjson", encoding: .utf8))
      for row in Dictionary(grouping: rows, by: { $0["a"] as! String }).values where row.count == 1 {
        compared += 1
        #expect(row[0]["own"] as! [String] == row[0]["found"] as! [String], "in-\(number).csv, \(row[0])")
      }
    }
    #expect(compared > 300)
  }

  // MARK: Writing

  @Test("D29: what `encode csv` writes is read back as it was, by us and by Python") func roundTrip() throws {
    var random = Support.Random(47)
    let texts = ["", "a", "a,b", "say \"hi\"", " b ", "\\", "\u{FEFF}mark", "'", "NULL", "-", "x\ry", "é"]
    let records = (0..<400).map { number -> [String: Any] in
      let (a, c) = (texts.randomElement(using: &random)!, texts.randomElement(using: &random)!)
      let null = Int.random(in: 0..<4, using: &random) == 0
      return ["a": null ? NSNull() : a, "b": number % 3 == 0 ? NSNull() : number, "c": c, "d": "aGksICI="]
    }
    func json(_ value: Any) throws -> String {
      String(decoding: try JSONSerialization.data(withJSONObject: value, options: [.sortedKeys, .withoutEscapingSlashes]), as: UTF8.self)
    }
    func write(_ name: String, _ type: String, _ input: String, _ options: String) -> String {
      """
      pipeline \(name) { source file.lines("\(input).ndjson") |> decode json as \(type) |> encode csv\(options) |> sink file.lines("\(name).csv")
        on error halt }

      """
    }
    let types = "type W { a: String?, b: Int?, c: String, d: Bytes }\ntype V { v: String? }\ntype N { v: Int? }\n"
    let ways = [
      "", "(header: true)", "(null: \"-\")", "(separator: \"\\t\", quote: \"'\")", "(header: true, separator: \";\", null: \"NULL\")",
    ]
    var first = types
    var second = types
    for (number, options) in ways.enumerated() {
      first += write("w\(number)", "W", "in", options)
      for way in ["bytes", "lines"] {
        second += """
          pipeline \(way)\(number) { source file.\(way)("w\(number).csv") |> decode csv\(options) as W |> encode json |> sink file.lines("\(way)\(number).ndjson")
            on error halt }

          """
      }
    }
    for (name, type) in [("one", "V"), ("number", "N")] {
      first += write(name, type, name, "")
      second += """
        pipeline \(name) { source file.lines("\(name).csv") |> decode csv as \(type) |> encode json |> sink file.lines("\(name).back")
          on error halt }

        """
    }
    first += write("apart", "V", "one", "(null: \"-\")")
    second += """
      pipeline apart { source file.lines("apart.csv") |> decode csv(null: "-") as V |> encode json |> sink file.lines("apart.back")
        on error halt }
      """
    let input = try records.map { try json($0) + "\n" }.joined()
    let one = "{\"v\":\"a\"}\n{\"v\":null}\n{\"v\":\"\"}\n{\"v\":\"b\"}\n"
    let path = try Self.folder([
      "main.pump": first, "in.ndjson": input, "one.ndjson": one, "number.ndjson": "{\"v\":1}\n{\"v\":null}\n{\"v\":2}\n",
    ])
    defer { try? FileManager.default.removeItem(atPath: path) }
    func text(_ name: String) throws -> String { try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8) }
    let written = try Support.run("pumpc", ["run", path])
    #expect(written.code == 0, "\(written.err)")
    // As Python writes a row of one empty cell.
    #expect(try text("one.csv") == "a\n\"\"\n\"\"\nb\n" && text("number.csv") == "1\n\"\"\n2\n")
    #expect(try text("apart.csv") == "a\n-\n\"\"\nb\n" || text("apart.csv") == "a\n-\n\nb\n")
    let python = try Support.run(
      "/usr/bin/env",
      [
        "python3", "-c",
        "import csv,json\nfor r in csv.reader(open('w0.csv', newline='', encoding='utf-8')): print(json.dumps(r))",
      ], folder: path)
    let rows = try python.out.split(separator: "\n").map { try JSONSerialization.jsonObject(with: Data($0.utf8)) as! [String] }
    #expect(rows.count == records.count)
    for (row, record) in zip(rows, records) {
      #expect(row == ["a", "b", "c"].map { record[$0] is NSNull ? "" : "\(record[$0]!)" } + ["hi, \""])
    }
    try Data(second.utf8).write(to: URL(fileURLWithPath: path + "/main.pump"))
    let read = try Support.run("pumpc", ["run", path])
    #expect(read.code == 0, "\(read.err)")
    for number in ways.indices {
      for way in ["bytes", "lines"] { #expect(try text("\(way)\(number).ndjson") == input, "\(way) \(ways[number])") }
    }
    // Four rows in, four out; null is told from the empty text where `null` has a text of its own.
    #expect(try text("one.back") == "{\"v\":\"a\"}\n{\"v\":null}\n{\"v\":null}\n{\"v\":\"b\"}\n")
    #expect(try text("apart.back") == one && text("number.back") == text("number.ndjson"))
  }

  // MARK: Headers and rows that do not fit

  @Test("D26, D27, D28, M28: rows and headers that do not fit fail, and say what was found") func misfits() throws {
    let cases: [(name: String, type: String, csv: String, rows: [String], failures: [String])] = [
      (
        "quotes", "{ key: String, label: String }", "key,label\nw,00\nx,ab\"cd\ny,ef\nz,gh\"\nv,ij\n",
        [
          #"{"key":"w","label":"00"}"#, #"{"key":"x","label":"ab\"cd"}"#, #"{"key":"y","label":"ef"}"#, #"{"key":"z","label":"gh\""}"#,
          #"{"key":"v","label":"ij"}"#,
        ], []
      ),
      ("more", "{ a: String, b: String }", "a,b,c\n1,2,3,4\n5,6,7\n", [#"{"a":"5","b":"6"}"#], ["4 cells, the header has 3"]),
      ("fewer", "{ a: String, b: String? }", "a,b,c\n1\n5,6,7\n", [#"{"a":"5","b":"6"}"#], ["1 cell, the header has 3"]),
      ("twice", "{ a: String }", "a,b,a\n", [], [#"the header has column "a" twice; found: a,b,a"#]),
      ("twice2", "{ b: String }", "a,b,a\n1,2,3\n", [#"{"b":"2"}"#], []),
      ("empty", "{ a: String? }", "", [], ["there is no header: nothing came"]),
      ("absent", "{ a: String?, b: Int? }", "1,2\n", [], ["the header has none of the columns a, b; found: 1,2"]),
      ("optional", "{ a: String, z: Int? }", "a\n1\n", [#"{"a":"1","z":null}"#], []),
      (
        "semicolon", "{ sku: String, price: String }", "sku;price;qty\n", [],
        [
          #"the header has no column "sku"; found: sku;price;qty. Is the separator ";"? Write `csv(header: true, separator: ";")`"#
        ]
      ),
      ("tab", "{ sku: String }", "sku\tprice\n", [], [#"Is the separator "\t"? Write `csv(header: true, separator: "\t")`"#]),
      (
        "letters", "{ sku: String }", "SKU,Price\n", [],
        [#"found: SKU,Price. Blanks and capital letters count: is it "SKU"? Write `sku: … as "SKU"`"#]
      ),
      ("blanks", "{ price: String }", "sku, price\n", [], [#"is it " price"?"#]),
      ("utf16", "{ sku: String }", "\u{FF}\u{FE}s\0k\0u\0", [], ["Is the file UTF-16? Make it UTF-8"]),
    ]
    var files: [String: String] = [:]
    var spec = ""
    for item in cases {
      spec += "type T_\(item.name) \(item.type)\n"
      for way in ["bytes", "lines"] {
        spec += """
          pipeline \(way)_\(item.name) {
            source file.\(way)("\(item.name).csv") |> decode csv(header: true) as T_\(item.name) |> encode json |> sink file.lines("\(way)_\(item.name).out")
            on error |> map "\\(.stage): \\(.message)" |> encode text |> sink file.lines("\(way)_\(item.name).dead")
          }

          """
      }
      files["\(item.name).csv"] = item.csv
    }
    files["main.pump"] = spec
    let path = try Self.folder(files)
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data("\u{FF}\u{FE}s\0k\0u\0".unicodeScalars.map { UInt8($0.value) }).write(to: URL(fileURLWithPath: path + "/utf16.csv"))
    let outcome = try Support.run("pumpc", ["run", path])
    #expect(outcome.code == 0, "\(outcome.err)")
    func lines(_ name: String) -> [Substring] {
      ((try? String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)) ?? "?").split(separator: "\n")
    }
    for item in cases {
      for way in ["bytes", "lines"] {
        let name = "\(way)_\(item.name)"
        #expect(lines("\(name).out").map(String.init) == item.rows, "\(name)")
        let dead = lines("\(name).dead")
        #expect(dead.count == item.failures.count, "\(name): \(dead)")
        for (line, part) in zip(dead, item.failures) { #expect(line.hasPrefix("decode csv: ") && line.contains(part), "\(name): \(line)") }
      }
    }
  }

  @Test("D27: without a header every row has as many cells as the type has fields") func withoutHeader() throws {
    let spec = """
      type T { a: Int, b: Int?, c: Int? }
      pipeline p {
        source stdin.lines() |> decode csv as T |> encode json |> sink stdout.lines()
        on error |> map .message |> encode text |> sink file.lines("dead")
      }
      """
    let path = try Self.folder(["main.pump": spec])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let outcome = try Support.run("pumpc", ["run", path], input: "1,2,3\n1,2\n1,,\n1,2,3,4\n")
    #expect(outcome.out == "{\"a\":1,\"b\":2,\"c\":3}\n{\"a\":1,\"b\":null,\"c\":null}\n", "\(outcome.err)")
    #expect(try String(contentsOfFile: path + "/dead", encoding: .utf8) == "2 cells, expected 3\n4 cells, expected 3\n")
  }

  @Test("R20: a CSV file of many times max_event flows, and a record above it fails alone") func streams() throws {
    let spec = """
      type T { id: Int, note: String }
      pipeline p {
        source file.bytes("in.csv") { max_event = 1KiB } |> decode csv(header: true) as T |> filter .id % 1000 == 0 |> encode json |> sink stdout.lines()
        on error |> map { m: .message, meta: .meta } |> encode json |> sink file.lines("dead")
      }
      """
    var csv = "id,note\n"
    for id in 1...30_000 { csv += id == 700 ? "700,\"\(String(repeating: "x\n", count: 2000))\"\n" : "\(id),\"a\n\"\"b\"\"\"\n" }
    let path = try Self.folder(["main.pump": spec, "in.csv": csv])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let outcome = try Support.run("pumpc", ["run", path])
    #expect(
      outcome.out.split(separator: "\n").count == 30 && outcome.out.hasSuffix("{\"id\":30000,\"note\":\"a\\n\\\"b\\\"\"}\n"),
      "\(outcome.err)")
    #expect(outcome.err.contains("30,000 in") && outcome.err.contains("1 failed"), "\(outcome.err)")
    let dead = try String(contentsOfFile: path + "/dead", encoding: .utf8)
    #expect(dead.contains("the record is longer than max_event (1024 bytes)") && dead.contains(#""record":700"#), "\(dead)")
  }

  @Test("R20: a CSV file is read on from a kept position, its header known, its line feeds in quotes whole") func resumes() throws {
    let spec = """
      type T { id: Int, note: String }
      pipeline p {
        source file.lines("in.csv") |> decode csv(header: true) as T |> map { id: .id, note: .note, line: meta.line } |> encode json
          |> sink file.lines("out", mode: append)
        on error halt
      }
      """
    let path = try Self.folder([
      "main.pump": spec, "in.csv": "note,id\n\"a\nb\",1\n\n\"c\n\",2\n", "pipelines.conf": "[general]\nstate = st\n",
    ])
    defer { try? FileManager.default.removeItem(atPath: path) }
    #expect(try Support.run("pumpc", ["run", path]).code == 0)
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path + "/in.csv"))
    try file.seekToEnd()
    try file.write(contentsOf: Data("\"d\n\ne\",3\nf,4\n".utf8))
    let second = try Support.run("pumpc", ["run", path])
    #expect(second.code == 0, "\(second.err)")
    #expect(
      try String(contentsOfFile: path + "/out", encoding: .utf8)
        == #"{"id":1,"note":"a\nb","line":2}"# + "\n" + #"{"id":2,"note":"c\n","line":5}"# + "\n" + #"{"id":3,"note":"d\n\ne","line":7}"#
        + "\n"
        + #"{"id":4,"note":"f","line":10}"# + "\n")
  }

  // MARK: Bytes that are no text, or hide

  @Test("M26: what is not UTF-8 is said to be that") func notText() throws {
    let spec = """
      type T { sku: String }
      pipeline csv { source file.lines("in") |> decode csv as T |> encode json |> sink file.lines("o1")
        on error |> map .message |> encode text |> sink file.lines("csv") }
      pipeline regex { source file.lines("in") |> decode regex(r"^(?<sku>[a-z]+)$") as T |> encode json |> sink file.lines("o2")
        on error |> map .message |> encode text |> sink file.lines("regex") }
      pipeline kv { source file.lines("in2") |> decode kv as T |> encode json |> sink file.lines("o3")
        on error |> map .message |> encode text |> sink file.lines("kv") }
      pipeline text { source file.lines("in") |> decode text |> encode text |> sink file.lines("o4")
        on error |> map .message |> encode text |> sink file.lines("text") }
      pipeline json { source file.lines("in3") |> decode json as T |> encode json |> sink file.lines("o5")
        on error |> map .message |> encode text |> sink file.lines("json") }
      """
    let path = try Self.folder(["main.pump": spec])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let cafe: [UInt8] = [67, 97, 102, 0xE9]
    for (name, bytes) in [("in", cafe), ("in2", Array("sku=".utf8) + cafe), ("in3", Array("{\"sku\":\"".utf8) + cafe + Array("\"}".utf8))] {
      try Data(bytes + [10]).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }
    #expect(try Support.run("pumpc", ["run", path]).code == 0)
    for (name, place) in [("csv", 3), ("regex", 3), ("kv", 3), ("text", 3), ("json", 11)] {
      let dead = try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
      #expect(dead.contains("the text is not UTF-8: byte \(place) is 0xE9"), "\(name): \(dead)")
    }
  }

  @Test("D35: a byte order mark before JSON is ignored, however it is read") func marks() throws {
    let spec = """
      type T { a: Int }
      pipeline lines { source file.lines("in.json") |> decode json as T |> encode json |> sink file.lines("lines")
        on error halt }
      pipeline bytes { source file.bytes("in.json") |> decode json as T |> encode json |> sink file.lines("bytes")
        on error halt }
      pipeline found { source file.lines("in.json") |> decode json as T |> lookup file.json("in.json", column: "a", key: .a) as r: T
        |> map { a: .r?.a ?? 0 } |> encode json |> sink file.lines("found")
        on error halt }
      """
    let path = try Self.folder(["main.pump": spec, "in.json": "\u{FEFF}{\"a\":1}\n"])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let (interpreted, compiled) = try ParityTests.both(path)
    #expect(interpreted == compiled)
    for name in ["lines", "bytes", "found"] { #expect(interpreted[name] == "{\"a\":1}\n", "\(name): \(interpreted)") }
  }

  // MARK: The reference

  @Test func reference() throws {
    let list = try Support.run("pumpc", ["formats"])
    #expect(list.code == 0)
    for format in builtInFormats {
      #expect(list.out.contains("\n\(format.name) ") || list.out.hasPrefix("\(format.name) "))
      let text = try Support.run("pumpc", ["formats", format.name]).out
      #expect(try Support.run("pumpc", ["explain", format.name]).out == text)
      for option in format.options { #expect(text.contains("\n    \(option.name): ") && !option.docs.isEmpty) }
      for field in format.names.known { #expect(text.contains("\n    \(field.name): \(field.type)\n      \(field.docs)\n")) }
      #expect(text.contains(format.example))
    }
    #expect(try Support.run("pumpc", ["formats", "cvs"]).err.contains("did you mean `csv`?"))
    #expect(try Support.run("pumpc", ["formats", "cvs"]).code == 2)
    // L15: kv is not logfmt, and says so.
    #expect(try Support.run("pumpc", ["formats", "kv"]).out.contains("It is not logfmt"))
  }

  /// The example of every format checks, in a pipeline around it.
  @Test(arguments: builtInFormats.map(\.name)) func examples(_ name: String) throws {
    let format = try #require(builtInFormats.first { $0.name == name })
    let fields = "{ level: String, verb: String, path: String }"
    let result = Support.compile(
      "type Order \(fields)\ntype Entry \(fields)\ntype Request { verb: String, path: String }\npipeline p {\n  \(format.example) |> discard\n  on error halt\n}\n"
    )
    let errors = result.diagnostics.filter { $0.severity == .error }
    #expect(errors.isEmpty, "\(errors.map(\.message))")
  }

  @Test(arguments: [
    ("file.lines(\"x\") |> decode csv(separator: \"\\\"\") as T", "`separator` and `quote` are the same"),
    ("file.lines(\"x\") |> filter true |> decode csv(header: true) as T", "a header is read from a file, by the first step"),
    ("file.lines(\"x\") |> decode lines", "splits whole files"),
    ("file.lines(\"x\") |> decode regex(r\"x\") as T", "the pattern has no group `a`"),
    ("file.lines(\"x\") |> decode kv(assign: \" \") as T", "`separator` and `assign` are the same"),
    ("file.lines(\"x\") |> decode kv as { a: String as \"a=b\" }", "\"a=b\" is no key: it holds a separator or a blank"),
    ("file.lines(\"x\") |> decode logfmt as { a: String as \"a b\" }", "\"a b\" is no key of logfmt"),
    ("file.lines(\"x\") |> decode json as { a: String as \"a b\" } |> encode logfmt", "\"a b\" is no key of logfmt"),
    ("file.lines(\"x\") |> decode access_log as { refferer: String? }", "`access_log` has no field `refferer`"),
    ("file.lines(\"x\") |> decode access_log as { time: Int }", "field `time` of `access_log` is Timestamp, not Int"),
    ("file.lines(\"x\") |> decode syslog as { message: String, data: [String] }", "field `data` of `syslog` is Json, not [String]"),
    ("file.lines(\"x\") |> decode syslog(standard: rfc1) as { message: String }", "`standard` is one of auto, rfc5424, rfc3164"),
    ("file.lines(\"x\") |> decode cef as { src: [String] }", "`cef` cannot hold field `src` of type [String]"),
    ("file.lines(\"x\") |> decode xml as { a: [String: Int] }", "`xml` cannot hold field \"a\" of type [String: Int]"),
    ("file.lines(\"x\") |> decode xml as { a: { b: [[Int]] } }", "`xml` cannot hold a list of lists: field \"b\""),
    ("file.lines(\"x\") |> decode xml as { a: [Int] as \"@a\" }", "\"@a\" is one text, and no list"),
    ("file.lines(\"x\") |> decode xml as [String]", "`xml` gives records, not [String]"),
    ("file.lines(\"x\") |> decode syslog as { message: String } |> encode syslog", "`syslog` only decodes"),
  ]) func mistakes(_ chain: String, _ message: String) {
    let result = Support.compile("type T { a: String }\npipeline p {\n  source \(chain) |> discard\n  on error halt\n}\n")
    #expect(result.diagnostics.contains { $0.message.contains(message) }, "\(result.diagnostics.map(\.message))")
  }
}
