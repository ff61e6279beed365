import PumpPlan

/// Records and enums as Swift types that read and write themselves, from JSON and from columns.
extension TypeTranslator {
  func declare(_ type: EnumType, _ name: String) -> SwiftTypeDeclaration {
    let me = SwiftExpression.name(name)
    let wires = me.dot("wires")
    var members = type.cases.map { SwiftDeclaration.enumCase(Swift.name($0.name)) }
    members += [
      .blank,
      .property(SwiftProperty(modifiers: "static", name: "shape", value: .call("Shape.of", literal(of: type)))),
      .property(
        SwiftProperty(
          modifiers: "static", isConstant: false, name: "nothing", type: .named(name),
          getter: [.evaluate(.name(".\(Swift.name(type.cases[0].name))"))])),
      .property(
        SwiftProperty(
          modifiers: "private static", name: "wires", value: .call("KeyTable", .array(type.cases.map { .string($0.wire) })))),
      .function(
        SwiftFunction(
          name: "init", parameters: [Self.reader], error: "Malformed",
          body: [
            .assign("self", .unwrapped(.call(me, .labeled("rawValue", .call("json.enumCase", wires, throws: true)))))
          ])),
      .function(
        SwiftFunction(
          name: "write", parameters: [Self.writer], body: [.evaluate(.call("out.quoted", wires, .call("Int", "rawValue")))])),
      .function(
        SwiftFunction(
          modifiers: "static", name: "read", parameters: Self.cell + [SwiftParameter("arena", "Arena")], result: .named(name),
          body: [.evaluate(.unwrapped(.call(me, .labeled("rawValue", .call("column.get", "Int64.self", "row")))))])),
      .function(SwiftFunction(name: "write", parameters: Self.cell, body: [.evaluate(.call("column.set", "rawValue", "row"))])),
    ]
    return SwiftTypeDeclaration(
      kind: "enum", name: name, conforms: ["Int64", "ColumnValue", "JSONReadable", "JSONWritable", "Sendable"], members: members)
  }

  private static let reader = SwiftParameter(label: "from", "json", "inout JSONReader")
  private static let writer = SwiftParameter(label: "json", "out", "inout ByteBuffer")
  private static let cell = [SwiftParameter("column", "Column"), SwiftParameter("row", "Int")]

  /// The record and what reads it from JSON.
  func declare(_ record: RecordType, _ name: String, _ literal: (Literal, Type) -> SwiftExpression) -> [SwiftTypeDeclaration] {
    let fields = record.fields
    var members = fields.map { field in
      SwiftDeclaration.property(
        SwiftProperty(docs: field.docs, isConstant: false, name: Swift.name(field.name), type: swift(field.type)))
    }
    members.append(.blank)
    members.append(
      .property(
        SwiftProperty(modifiers: "static", name: "shape", value: .call("Shape.of", .call(".record", self.literal(record))))))
    for (index, field) in fields.enumerated() {
      guard let value = field.value, Self.isComposed(value) else { continue }
      let constant = SwiftExpression.element("shape.fields", .number(index)).dot("constant")
      members.append(
        .property(
          SwiftProperty(
            modifiers: "fileprivate static", name: "default\(index)", type: swift(field.type), value: .call(constant, []))))
    }
    let keys = SwiftExpression.call("KeyTable", .array(fields.filter { !$0.isRest }.map { .string($0.wire) }))
    let nothing = fields.map { SwiftExpression.labeled(Swift.name($0.name), ".nothing") }
    let cells = fields.enumerated().map { index, field in
      SwiftExpression.labeled(
        Swift.name(field.name), .call(".read", .element("column.children", .number(index)), "row", "arena"))
    }
    members += [
      .property(SwiftProperty(modifiers: "fileprivate static", name: "keys", value: keys)),
      .property(
        SwiftProperty(
          modifiers: "static", isConstant: false, name: "nothing", type: .named(name), getter: [.evaluate(.call(.name(name), nothing))])),
      .blank,
      .function(SwiftFunction(name: "write", parameters: [Self.writer], body: writing(fields))),
      .blank,
      .function(
        SwiftFunction(
          modifiers: "static", name: "read", parameters: Self.cell + [SwiftParameter("arena", "Arena")], result: .named(name),
          body: [.evaluate(.call(.name(name), cells))])),
      .blank,
      .function(
        SwiftFunction(
          name: "write", parameters: Self.cell,
          body: [.evaluate(.call("column.setPresent", "row"))]
            + fields.enumerated().map { index, field in
              .evaluate(.name(Swift.name(field.name)).dot("write", .element("column.children", .number(index)), "row"))
            })),
    ]
    let reading = SwiftFunction(name: "init", parameters: [Self.reader], error: "Malformed", body: reading(fields, name, literal))
    return [
      SwiftTypeDeclaration(
        kind: "struct", name: name, conforms: ["ColumnValue", "JSONReadable", "JSONWritable", "Hashable", "@unchecked Sendable"],
        members: members),
      SwiftTypeDeclaration(kind: "extension", name: name, members: [.function(reading)]),
    ]
  }

  private func reading(_ fields: [Field], _ name: String, _ literal: (Literal, Type) -> SwiftExpression) -> [SwiftStatement] {
    var body = fields.enumerated().map { index, field -> SwiftStatement in
      let value = field.value.map { Self.isComposed($0) ? SwiftExpression.name(name).dot("default\(index)") : literal($0, field.type) }
      return .assign(SwiftExpression.name("self").dot(Swift.name(field.name)), value ?? ".nothing")
    }
    let rest = fields.first { $0.isRest }
    let fields = fields.filter { !$0.isRest }
    let masks = max(1, (fields.count + 63) / 64)
    for mask in 0..<masks { body.append(.variable("seen\(mask)", type: "UInt64", "0")) }
    body.append(.variable("expected", "0"))
    if rest != nil { body.append(.variable("members", .call("RestMembers", []))) }
    let members = fields.enumerated().map { index, field in
      SwiftCase(
        .number(index),
        [
          .evaluate(.call("json.note", .reference(.name("seen\(index / 64)")), .number(index % 64), throws: true)),
          .assign(
            SwiftExpression.name("self").dot(Swift.name(field.name)), .call(".init", [.labeled("from", .reference("json"))], throws: true)),
        ])
    }
    let key = SwiftExpression.call("json.key", .name(name).dot("keys"), .reference("expected"), throws: true)
    let other: SwiftExpression =
      rest == nil
      ? .call("json.skip", [], throws: true)
      : .call("members.take", [.reference("json"), .labeled("from", "start")], throws: true)
    let start: [SwiftStatement] = rest == nil ? [] : [.constant("start", "json.p")]
    body.append(
      .when(
        [.test(.call("json.object", [], throws: true))],
        [
          .loop(
            start + [.choose(key, members + [SwiftCase(nil, [.evaluate(other)])])], while: .call("json.moreMembers", [], throws: true))
        ]))
    if let rest {
      body.append(.assign(SwiftExpression.name("self").dot(Swift.name(rest.name)), .call("members.json", "json.arena")))
    }
    for mask in 0..<masks {
      var required: UInt64 = 0
      for (index, field) in fields.enumerated() where index / 64 == mask && !field.type.isOptional && field.value == nil {
        required |= 1 << UInt64(index % 64)
      }
      let seen = SwiftExpression.name("seen\(mask)")
      if required == 0 {
        body.append(.assign("_", seen))
      } else {
        body.append(
          .require(
            .binary(.binary(seen, "&", .number(required)), "==", .number(required)), orFail: .call("Malformed", [])))
      }
    }
    return body
  }

  /// A default that is made once, in memory that stays.
  private static func isComposed(_ value: Literal) -> Bool {
    switch value {
    case .list(let items): !items.isEmpty
    case .map(let entries): !entries.isEmpty
    case .record: true
    default: false
    }
  }

  private func writing(_ fields: [Field]) -> [SwiftStatement] {
    var body: [SwiftStatement] = []
    let rest = fields.first { $0.isRest }
    let fields = fields.filter { !$0.isRest }
    for (index, field) in fields.enumerated() {
      let prefix = (index == 0 ? "{" : ",") + JSONLiteral.quoted(field.wire) + ":"
      body.append(.evaluate(.call("out.raw", .string(prefix))))
      body.append(.evaluate(.name(Swift.name(field.name)).dot("write", .labeled("json", .reference("out")))))
    }
    if let rest {
      if fields.isEmpty { body.append(.evaluate(.call("out.raw", .string("{")))) }
      body.append(
        .evaluate(
          .call(
            "out.members", .labeled("of", .name(Swift.name(rest.name))),
            .labeled("areFirst", .name(fields.isEmpty ? "true" : "false")))))
    }
    let end: SwiftExpression =
      fields.isEmpty && rest == nil ? .call("out.raw", .string("{}")) : .call("out.byte", .call("UInt8", .labeled("ascii", .string("}"))))
    return body + [.evaluate(end)]
  }
}
