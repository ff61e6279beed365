extension Shape {
  /// Why a text is not JSON of this shape: the first problem by its position, with path, expected type and what is there.
  public func explain(_ text: Text, _ options: JSONOptions) -> String {
    let text = text.unmarked
    let arena = Arena()
    var reader = JSONReader(text, arena, strict: options.strict)
    if let problem = Fields.notUTF8(text) { return "not valid JSON: \(problem)" }
    if let problem = problem(&reader, "", options.time, text) { return problem }
    do throws(Malformed) { try reader.finish() } catch {
      return "not valid JSON at byte \(reader.p - text.base): there is more after the value"
    }
    return "not valid JSON"
  }

  private func problem(_ json: inout JSONReader, _ path: String, _ time: TimeFormat, _ whole: Text) -> String? {
    json.space()
    let start = json.p
    /// Either the text is no JSON from here on, or it is a value of another type.
    func mismatch() -> String {
      var probe = json
      probe.p = start
      do throws(Malformed) { try probe.skip() } catch { return Shape.invalid(probe, whole) }
      // `01` and `12abc` begin like a value, but nothing may follow one like this.
      if probe.p < probe.end, !" \t\r\n,]}".utf8.contains(probe.p.pointee) { return Shape.invalid(probe, whole) }
      let found = Text(start, probe.p - start)
      return "\(path.isEmpty ? "the event" : path): expected \(expected(time)), found \(Shape.excerpt(found))\(quotedNumber(found))"
    }
    do throws(Malformed) {
      if isOptional, try json.null() { return nil }
      switch kind {
      case .record:
        guard json.p < json.end, json.p.pointee == UInt8(ascii: "{") else { return mismatch() }
        return try recordProblem(&json, path, time, whole)
      case .list:
        guard json.p < json.end, json.p.pointee == UInt8(ascii: "[") else { return mismatch() }
        var index = 0
        if try json.array() {
          repeat {
            if let problem = element!.problem(&json, "\(path)[\(index)]", time, whole) { return problem }
            index += 1
          } while try json.moreElements()
        }
      case .map:
        guard json.p < json.end, json.p.pointee == UInt8(ascii: "{") else { return mismatch() }
        if try json.object() {
          repeat {
            let key = try json.key()
            if let problem = element!.fields[1].shape.problem(&json, "\(path)[\(Shape.excerpt(key, quoted: true))]", time, whole) {
              return problem
            }
          } while try json.moreMembers()
        }
      default:
        let column = Column(self)
        do throws(Malformed) { try value(&json, column, 0, time) } catch { return mismatch() }
      }
    } catch {
      return Shape.invalid(json, whole)
    }
    return nil
  }

  /// What helps where a number stands in quotes, as money often does.
  private func quotedNumber(_ found: Text) -> String {
    guard [.int, .decimal, .float].contains(kind), found.count > 2, found[0] == UInt8(ascii: "\""),
      Decimal(found.slice(1, found.count - 2)) != nil
    else { return "" }
    return "; a number in quotes is a text: declare it as String, and convert it by `to_\(kind)`"
  }

  private func recordProblem(_ json: inout JSONReader, _ path: String, _ time: TimeFormat, _ whole: Text) throws(Malformed) -> String? {
    var seen: Set<String> = []
    if try json.object() {
      repeat {
        let key = try json.key().string
        if json.strict, !seen.insert(key).inserted { return "\(path).\(Shape.clean(key)): the key stands twice" }
        seen.insert(key)
        guard let field = fields.first(where: { $0.wire == key && !$0.isRest }) else {
          if json.strict { return "\(path).\(Shape.clean(key)): unknown field" }
          try json.skip()
          continue
        }
        if let problem = field.shape.problem(&json, "\(path).\(Shape.clean(key))", time, whole) { return problem }
      } while try json.moreMembers()
    }
    for field in fields where !seen.contains(field.wire) && field.value == nil && !field.shape.isOptional && !field.isRest {
      return "\(path).\(Shape.clean(field.wire)): missing, expected \(field.shape.name)"
    }
    return nil
  }

  private func expected(_ time: TimeFormat) -> String {
    switch kind {
    case .enumeration: "one of \(caseNames)"
    case .timestamp where time != .rfc3339: "\(name) as \(time.rawValue)"
    default: name
    }
  }

  /// The names of an enum's cases.
  package var caseNames: String { wires.prefix(8).map(\.string).joined(separator: ", ") + (wires.count > 8 ? ", …" : "") }

  private static func invalid(_ json: JSONReader, _ whole: Text) -> String {
    if json.depth >= JSONReader.depthLimit { return "not valid JSON: nested more than \(JSONReader.depthLimit) deep" }
    let place = min(json.p - whole.base, whole.count)
    if place >= whole.count { return "not valid JSON: it ends at byte \(whole.count) before it is complete" }
    return "not valid JSON at byte \(place): found \(excerpt(Text(whole.base + place, whole.count - place)))"
  }

  /// The first bytes of data for a message, unprintable ones left out.
  static func excerpt(_ text: Text, quoted: Bool = false, upTo limit: Int = 40) -> String {
    let part = clean(Text(text.base, min(limit, text.count)).string)
    let cut = text.count > limit ? part + "…" : part
    return quoted ? "\"\(cut)\"" : cut
  }

  /// A name from outside in quotes.
  package static func quote(_ name: String) -> String { "\"\(clean(name))\"" }

  /// Text from outside as it may stand in a message or log line: no control characters, no bidirectional overrides.
  public static func clean(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0..<0x20, 0x7F..<0xA0, 0x202A...0x202E, 0x2066...0x2069, 0x200E, 0x200F, 0xFFFD: result += "�"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
