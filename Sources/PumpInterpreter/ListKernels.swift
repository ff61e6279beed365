import PumpRuntime

/// Functions of lists and maps of any element: they move slices and rows, whatever the elements are.
enum ListKernels {
  /// Nil if no function of this name takes them.
  static func make(_ name: String, _ nodes: [Node], _ shape: Shape) -> Node? {
    guard let a = nodes.first?.column else { return nil }
    let isCollection = a.shape.kind == .list || a.shape.kind == .map
    guard isCollection || name == "equals" || name == "to_string" || name == "to_json" else { return nil }
    let isMap = a.shape.kind == .map
    let out: Column
    switch name {
    case "take", "skip": out = Column(shape, sharing: a.children)
    default: out = Column(shape)
    }
    func rows(_ body: @escaping (Frame, Int) throws(EventFailure) -> Void) -> Node { rowwise(nodes, out, body) }
    func slice(_ row: Int) -> Slice { a.get(Slice.self, row) }
    func int(_ index: Int, _ row: Int) -> Int64 { nodes[index].column.get(Int64.self, row) }
    /// Copies elements of the first argument after those that `out` has.
    func copy(_ rows: some Sequence<Int>, from column: Column, _ row: Int) {
      let child = out.children[0]
      let start = child.count
      for source in rows { child.copy(child.count, from: column, source) }
      out.set(Slice(start, child.count - start), row)
    }
    switch name {
    case "equals": return rows { (_, row) throws(EventFailure) in out.set(Column.equal(a, row, nodes[1].column, row), row) }
    case "to_string", "to_json":
      return rows { (frame, row) throws(EventFailure) in
        var buffer = ByteBuffer(capacity: 256)
        buffer.json(a, row, JSONOptions())
        let json = Json(frame.context.arena.copy(buffer.bytes))
        out.set(name == "to_string" ? Fn.toString(json, frame.context) : json.text, row)
        buffer.release()
      }
    case "length": return rows { (_, row) throws(EventFailure) in out.set(Int64(slice(row).count), row) }
    case "is_empty": return rows { (_, row) throws(EventFailure) in out.set(slice(row).count == 0, row) }
    case "first", "last":
      return rows { (_, row) throws(EventFailure) in
        let s = slice(row)
        if s.count == 0 {
          out.setNull(row)
        } else {
          out.copy(row, from: a.children[0], Int(name == "first" ? s.start : s.start + s.count - 1))
        }
      }
    case "get" where isMap:
      return rows { (_, row) throws(EventFailure) in
        if let entry = a.find(nodes[1].column.get(Text.self, row), row) {
          out.copy(row, from: a.children[0].children[1], entry)
        } else {
          out.setNull(row)
        }
      }
    case "get", "element":
      return rows { (_, row) throws(EventFailure) in
        let s = slice(row)
        let index = int(1, row)
        if index >= 0, index < Int64(s.count) {
          out.copy(row, from: a.children[0], Int(s.start) + Int(index))
        } else if name == "get" {
          out.setNull(row)
        } else {
          throw EventFailure("index \(index) lies outside a list of \(s.count)")
        }
      }
    case "has_key": return rows { (_, row) throws(EventFailure) in out.set(a.find(nodes[1].column.get(Text.self, row), row) != nil, row) }
    case "take", "skip":
      return rows { (_, row) throws(EventFailure) in
        let s = slice(row)
        let count = Int(max(0, min(int(1, row), Int64(s.count))))
        out.set(name == "take" ? Slice(Int(s.start), count) : Slice(Int(s.start) + count, Int(s.count) - count), row)
      }
    case "concat":
      return rows { (_, row) throws(EventFailure) in
        let b = nodes[1].column
        let child = out.children[0]
        let start = child.count
        for i in range(slice(row)) { child.copy(child.count, from: a.children[0], i) }
        for i in range(b.get(Slice.self, row)) { child.copy(child.count, from: b.children[0], i) }
        out.set(Slice(start, child.count - start), row)
      }
    case "compact":
      return rows { (_, row) throws(EventFailure) in
        copy(range(slice(row)).filter { !a.children[0].isNull($0) }, from: a.children[0], row)
      }
    case "reverse": return rows { (_, row) throws(EventFailure) in copy(range(slice(row)).reversed(), from: a.children[0], row) }
    case "distinct":
      return rows { (_, row) throws(EventFailure) in
        var seen = Set<ColumnRow>(minimumCapacity: Int(slice(row).count))
        copy(range(slice(row)).filter { seen.insert(ColumnRow(a.children[0], $0)).inserted }, from: a.children[0], row)
      }
    case "flatten":
      return rows { (_, row) throws(EventFailure) in
        let inner = a.children[0]
        copy(range(slice(row)).flatMap { range(inner.get(Slice.self, $0)) }, from: inner.children[0], row)
      }
    case "contains":
      return rows { (_, row) throws(EventFailure) in
        out.set(range(slice(row)).contains { Column.equal(a.children[0], $0, nodes[1].column, row) }, row)
      }
    case "index_of":
      return rows { (_, row) throws(EventFailure) in
        if let place = range(slice(row)).first(where: { Column.equal(a.children[0], $0, nodes[1].column, row) }) {
          out.set(Int64(place) - Int64(slice(row).start), row)
        } else {
          out.setNull(row)
        }
      }
    case "keys": return rows { (_, row) throws(EventFailure) in copy(range(slice(row)), from: a.children[0].children[0], row) }
    case "values": return rows { (_, row) throws(EventFailure) in copy(range(slice(row)), from: a.children[0].children[1], row) }
    case "without":
      return rows { (_, row) throws(EventFailure) in
        let key = nodes[1].column.get(Text.self, row)
        copy(range(slice(row)).filter { a.children[0].children[0].get(Text.self, $0) != key }, from: a.children[0], row)
      }
    case "merge":
      return rows { (_, row) throws(EventFailure) in
        let b = nodes[1].column
        let entries = out.children[0]
        let start = entries.count
        func key(_ place: Int) -> Text { entries.children[0].get(Text.self, start + place) }
        var places = KeyPlaces()
        for i in range(slice(row)) {
          _ = places.place(of: a.children[0].children[0].get(Text.self, i), among: entries.count - start, key)
          entries.copy(entries.count, from: a.children[0], i)
        }
        for i in range(b.get(Slice.self, row)) {
          let known = places.place(of: b.children[0].children[0].get(Text.self, i), among: entries.count - start, key)
          entries.copy(known.map { start + $0 } ?? entries.count, from: b.children[0], i)
        }
        out.set(Slice(start, entries.count - start), row)
      }
    default: return nil
    }
  }

  static func range(_ slice: Slice) -> Range<Int> { Int(slice.start)..<Int(slice.start + slice.count) }

  /// The functions that take a lambda.
  static let withLambda: Set<String> = ["map", "filter", "any", "all", "count", "sum", "average", "min", "max", "sort_by"]

  /// What a function with a lambda makes of its body's values.
  final class Result {
    let name: String
    let list: Column
    let body: Column
    let out: Column

    init(_ name: String, _ list: Column, _ body: Column, _ shape: Shape) {
      self.name = name
      self.list = list
      self.body = body
      out = name == "map" ? Column(shape, sharing: [body]) : Column(shape)
    }

    /// `starts` says where a row's elements begin among all elements, of each row of the selection.
    func fill(_ frame: Frame, _ selection: Selection, _ starts: [Int32: Int], _ elements: Column) {
      if name != "map" { out.clear() }
      out.ensure(frame.rows)
      for row in selection {
        let start = starts[row]!
        let count = Int(list.get(Slice.self, Int(row)).count)
        do throws(EventFailure) { try fill(Int(row), start..<start + count, elements, frame) } catch { frame.fail(row, error.message) }
      }
    }

    private func fill(_ row: Int, _ range: Range<Int>, _ elements: Column, _ frame: Frame) throws(EventFailure) {
      func flags(_ i: Int) -> Bool { body.get(Bool.self, i) }
      switch name {
      case "map": out.set(Slice(range.lowerBound, range.count), row)
      case "any": out.set(range.contains(where: flags), row)
      case "all": out.set(range.allSatisfy(flags), row)
      case "count": out.set(Int64(range.filter(flags).count), row)
      case "filter": copy(range.filter(flags), elements, row)
      case "sort_by": copy(sorted(range), elements, row)
      case "min", "max":
        switch body.shape.kind {
        case .float: extreme(Double.self, range).write(out, row)
        case .decimal: extreme(Decimal.self, range).write(out, row)
        default: extreme(Int64.self, range).write(out, row)
        }
      case "average":
        guard range.count > 0 else { return out.setNull(row) }
        if body.shape.kind == .float {
          var total = 0.0
          for i in range { total = try Fn.add(total, body.get(Double.self, i), frame.context) }
          out.set(try Fn.divide(total, Double(range.count), frame.context), row)
        } else {
          var total = Decimal(0)
          for i in range { total = try Fn.add(total, body.get(Decimal.self, i), frame.context) }
          out.set(try Fn.divide(total, Decimal(Int64(range.count)), frame.context), row)
        }
      case "sum":
        switch body.shape.kind {
        case .int:
          var total: Int64 = 0
          for i in range { total = try Fn.add(total, body.get(Int64.self, i), frame.context) }
          out.set(total, row)
        case .float:
          var total = 0.0
          for i in range { total = try Fn.add(total, body.get(Double.self, i), frame.context) }
          out.set(total, row)
        default:
          var total = Decimal(0)
          for i in range { total = try Fn.add(total, body.get(Decimal.self, i), frame.context) }
          out.set(total, row)
        }
      default: fatalError("`\(name)` takes no lambda")
      }
    }

    private func extreme<T: Comparable & ColumnValue>(_ type: T.Type, _ range: Range<Int>) -> T? {
      let values = range.lazy.map { self.body.get(type, $0) }
      return name == "min" ? values.min() : values.max()
    }

    private func copy(_ rows: [Int], _ elements: Column, _ row: Int) {
      let child = out.children[0]
      let start = child.count
      for source in rows { child.copy(child.count, from: elements, source) }
      out.set(Slice(start, rows.count), row)
    }

    private func sorted(_ range: Range<Int>) -> [Int] {
      func by<T: Comparable>(_ type: T.Type) -> [Int] {
        range.sorted { a, b in
          let (x, y) = (body.get(type, a), body.get(type, b))
          return x < y || (!(y < x) && a < b)
        }
      }
      switch body.shape.kind {
      case .float: return by(Double.self)
      case .decimal: return by(Decimal.self)
      case .string: return by(Text.self)
      default: return by(Int64.self)
      }
    }
  }
}
