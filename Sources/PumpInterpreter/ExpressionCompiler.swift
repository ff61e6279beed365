import PumpPlan
import PumpRuntime

/// Turns typed expressions into nodes: each fills a column of its own, the constants once.
final class ExpressionCompiler {
  /// Where names are looked up: the pipeline's steps, or the inside of a lambda.
  final class Level {
    var event: Column?
    var carried: Column?
    var locals: [String: Node] = [:]
    let outer: Level?
    /// Columns of the outer level that the lambda reads, and their copies for its elements.
    var captures: [(from: Node, to: Column)] = []
    init(outer: Level? = nil) { self.outer = outer }
  }

  let plan: Plan
  let configuration: Configuration
  var level = Level()

  init(_ plan: Plan, _ configuration: Configuration) {
    self.plan = plan
    self.configuration = configuration
  }

  func compile(_ e: Expr) -> Node {
    switch e.kind {
    case .literal(let literal): return constant(Value(literal, e.type), Shape.of(e.type))
    case .config(let section, let key): return constant(configuration.section(section)[key], Shape.of(e.type))
    case .environment, .secretFile: return constant(.null, Shape.of(e.type.asOptional))
    case .it: return captured { $0.event.map { Node(filled: $0) } }
    case .carried: return captured { $0.carried.map { Node(filled: $0) } }
    case .local(let name): return captured { $0.locals[name] }
    case .meta(let name): return meta(name, Shape.of(e.type))
    case .field(let base, let index):
      let node = compile(base)
      return Node(node.column.children[index], node.run)
    case .unwrap(let inner), .wrap(let inner): return compile(inner)
    case .optionalField(let base, let index): return optionalField(compile(base), index, Shape.of(e.type))
    case .isNull(let inner):
      let node = compile(inner)
      let out = Column(.bool)
      return rowwise([node], out) { (_, row) throws(EventFailure) in out.set(node.column.isNull(row), row) }
    case .enumCase(let text):
      let (node, shape) = (compile(text), Shape.of(e.type))
      let out = Column(shape)
      return rowwise([node], out) { (_, row) throws(EventFailure) in
        out.set(try Fn.enumCase(node.column.get(Text.self, row), shape), row)
      }
    case .fail(let reason):
      let node = compile(reason)
      return rowwise([node], Column(Shape.of(e.type))) { (_, row) throws(EventFailure) in
        throw EventFailure(node.column.get(Text.self, row).string)
      }
    case .not(let inner):
      let node = compile(inner)
      let out = Column(.bool)
      return rowwise([node], out) { (_, row) throws(EventFailure) in out.set(!node.column.get(Bool.self, row), row) }
    case .and(let a, let b): return shortCircuit(compile(a), compile(b), stopOn: false)
    case .or(let a, let b): return shortCircuit(compile(a), compile(b), stopOn: true)
    case .conditional(let test, let yes, let no): return conditional(compile(test), compile(yes), compile(no), Shape.of(e.type))
    case .coalesce(let a, let b): return coalesce(compile(a), compile(b), Shape.of(e.type))
    case .binding(let name, let bound, let body):
      let node = compile(bound)
      // The value is computed once, before the body; the body reads its column.
      level.locals[name] = Node(filled: node.column)
      let result = compile(body)
      return Node(result.column) { frame, selection in result.run(frame, node.run(frame, selection)) }
    case .invoke(let name, let arguments):
      let function = plan.functions.first { $0.name == name }!
      let nodes = arguments.map(compile)
      let saved = level.locals
      for (parameter, node) in zip(function.parameters, nodes) { level.locals[parameter.name] = Node(filled: node.column) }
      let body = compile(function.body)
      level.locals = saved
      return Node(body.column) { frame, selection in body.run(frame, runAll(nodes, frame, selection)) }
    case .list(let items): return list(items.map(compile), Shape.of(e.type))
    case .map(let keys, let items): return map(keys, items.map(compile), Shape.of(e.type))
    case .record(let items):
      let nodes = items.map(compile)
      return Node(Column(Shape.of(e.type), sharing: nodes.map(\.column))) { frame, selection in runAll(nodes, frame, selection) }
    case .lambda: fatalError("a lambda is compiled with the call that takes it")
    case .attempt(let inner): return attempt(compile(inner), Shape.of(e.type))
    case .concatenate(let parts): return concatenate(parts.map(compile))
    case .call(let name, let arguments): return call(name, arguments, Shape.of(e.type))
    }
  }

  // MARK: Names

  /// What this level has, or a copy for the lambda's elements of what an outer one has.
  private func captured(_ find: (Level) -> Node?) -> Node {
    func search(_ level: Level) -> Node? {
      if let node = find(level) { return node }
      guard let outer = level.outer, let node = search(outer) else { return nil }
      if let known = level.captures.first(where: { $0.from.column === node.column }) { return Node(filled: known.to) }
      let copy = Column(node.column.shape)
      level.captures.append((node, copy))
      return Node(filled: copy)
    }
    // The checker lets no name through that no level has.
    return search(level)!
  }

  private func meta(_ name: String, _ shape: Shape) -> Node {
    let out = Column(shape)
    return Node(out) { frame, selection in
      out.clear()
      out.ensure(frame.rows)
      for row in selection {
        let origin = Int(frame.origins[Int(row)])
        if name == "raw" {
          out.set(frame.batch.events[origin], Int(row))
        } else if let column = frame.batch.meta[name] {
          out.copy(Int(row), from: column, origin)
        } else {
          out.setNothing(Int(row))
        }
      }
      return selection
    }
  }

  /// A column with the same value in every row, filled as far as rows are needed.
  func constant(_ value: Value, _ shape: Shape) -> Node {
    let source = Column(shape)
    let memory = Context()
    let text = memory.arena.copy(value.json(shape))
    precondition(shape.read(text, into: source, 0, memory.arena, JSONOptions()), "a constant of the plan is of its type")
    let out = Column(shape)
    var filled = 0
    return Node(out) { frame, selection in
      withExtendedLifetime(memory) {}
      while filled < frame.rows {
        out.copy(filled, from: source, 0)
        filled += 1
      }
      return selection
    }
  }

  // MARK: Control

  private func optionalField(_ base: Node, _ index: Int, _ shape: Shape) -> Node {
    let out = Column(shape)
    return rowwise([base], out) { (_, row) throws(EventFailure) in
      if base.column.isNull(row) { out.setNull(row) } else { out.copy(row, from: base.column.children[index], row) }
    }
  }

  private func shortCircuit(_ a: Node, _ b: Node, stopOn: Bool) -> Node {
    let out = Column(.bool)
    return Node(out) { frame, selection in
      let before = frame.failureCount
      let live = a.run(frame, selection)
      let (yes, no) = frame.split(live, by: a.column)
      let decided = stopOn ? yes : no
      let rest = b.run(frame, stopOn ? no : yes)
      out.ensure(frame.rows)
      let target = out.pointer(Bool.self)
      for row in decided { target[Int(row)] = stopOn }
      let flags = b.column.pointer(Bool.self)
      for row in rest { target[Int(row)] = flags[Int(row)] }
      return frame.live(live, since: before)
    }
  }

  private func conditional(_ test: Node, _ yes: Node, _ no: Node, _ shape: Shape) -> Node {
    let out = Column(shape)
    return Node(out) { frame, selection in
      let before = frame.failureCount
      let live = test.run(frame, selection)
      let (left, right) = frame.split(live, by: test.column)
      let a = yes.run(frame, left)
      let b = no.run(frame, right)
      out.clear()
      out.ensure(frame.rows)
      out.take(a, from: yes.column)
      out.take(b, from: no.column)
      return frame.live(live, since: before)
    }
  }

  private func coalesce(_ a: Node, _ b: Node, _ shape: Shape) -> Node {
    let out = Column(shape)
    return Node(out) { frame, selection in
      let before = frame.failureCount
      let live = a.run(frame, selection)
      let (null, some) = frame.split(live, byNull: a.column)
      let rest = b.run(frame, null)
      out.clear()
      out.ensure(frame.rows)
      out.take(some, from: a.column)
      out.take(rest, from: b.column)
      return frame.live(live, since: before)
    }
  }

  private func attempt(_ inner: Node, _ shape: Shape) -> Node {
    let out = Column(shape)
    return Node(out) { frame, selection in
      let before = frame.failureCount
      let live = inner.run(frame, selection)
      out.clear()
      out.ensure(frame.rows)
      for row in frame.forgive(since: before) { out.setNull(Int(row)) }
      out.take(live, from: inner.column)
      return selection
    }
  }

  // MARK: Values made of others

  private func concatenate(_ parts: [Node]) -> Node {
    let out = Column(.string)
    return rowwise(parts, out) { (frame, row) throws(EventFailure) in
      var size = 0
      for part in parts { size += part.column.get(Text.self, row).count }
      let text = frame.context.arena.build(size) { target in
        var place = 0
        for part in parts {
          let piece = part.column.get(Text.self, row)
          (target + place).update(from: piece.base, count: piece.count)
          place += piece.count
        }
        return place
      }
      out.set(text, row)
    }
  }

  private func list(_ items: [Node], _ shape: Shape) -> Node {
    let out = Column(shape)
    return rowwise(items, out) { (_, row) throws(EventFailure) in
      let child = out.children[0]
      let start = child.count
      for (index, item) in items.enumerated() { child.copy(start + index, from: item.column, row) }
      out.set(Slice(start, items.count), row)
    }
  }

  private func map(_ keys: [String], _ items: [Node], _ shape: Shape) -> Node {
    let out = Column(shape)
    let memory = Arena()
    let names = keys.map { memory.copy($0) }
    return rowwise(items, out) { (_, row) throws(EventFailure) in
      withExtendedLifetime(memory) {}
      let entries = out.children[0]
      let start = entries.count
      for (index, item) in items.enumerated() {
        entries.setPresent(start + index)
        entries.children[0].set(names[index], start + index)
        entries.children[1].copy(start + index, from: item.column, row)
      }
      out.set(Slice(start, items.count), row)
    }
  }

  // MARK: Calls

  private func call(_ name: String, _ arguments: [Expr], _ shape: Shape) -> Node {
    if let last = arguments.last, case .lambda(let parameter, let body) = last.kind {
      return higherOrder(name, compile(arguments[0]), parameter, body, shape)
    }
    let nodes = arguments.map(compile)
    let shapes = arguments.map { Shape.of($0.type) }
    // A test asks for the kernel of every signature of the library.
    guard let node = Kernels.node(name, nodes, shapes, shape) else { fatalError("`\(Kernels.key(name, shapes))` has no kernel") }
    return node
  }

  /// Runs the body over the elements of all selected rows at once.
  private func higherOrder(_ name: String, _ list: Node, _ parameter: String, _ body: Expr, _ shape: Shape) -> Node {
    let inner = Level(outer: level)
    let elements = list.column.children[0]
    let element = Column(elements.shape)
    inner.locals[parameter] = Node(filled: element)
    level = inner
    let node = compile(body)
    level = inner.outer!
    let result = ListKernels.Result(name, list.column, node.column, shape)
    var frame: Frame?
    return Node(result.out) { outer, selection in
      let live = list.run(outer, selection)
      // Captured columns must be filled before they are copied; constants and locals fill themselves.
      for capture in inner.captures { _ = capture.from.run(outer, live) }
      var parents: [Int32] = []
      var places: [Int32] = []
      var starts: [Int32: Int] = [:]
      for row in live {
        let slice = list.column.get(Slice.self, Int(row))
        starts[row] = parents.count
        for i in 0..<slice.count {
          parents.append(row)
          places.append(slice.start + i)
        }
      }
      if frame == nil || frame!.context !== outer.context { frame = Frame(outer.context, outer.batch) }
      let lambda = frame!
      lambda.batch = outer.batch
      lambda.reset(rows: parents.count)
      lambda.origins = parents.map { outer.origins.isEmpty ? 0 : outer.origins[Int($0)] }
      places.withUnsafeBufferPointer { element.gather($0, from: elements) }
      for capture in inner.captures {
        parents.withUnsafeBufferPointer { rows in
          capture.to.clear()
          capture.to.gather(rows, from: capture.from.column)
        }
      }
      _ = node.run(lambda, lambda.all())
      let before = outer.failureCount
      for failure in lambda.takeFailures().sorted(by: { $0.row < $1.row }) { outer.fail(parents[Int(failure.row)], failure.message) }
      let passed = outer.live(live, since: before)
      let again = outer.failureCount
      result.fill(outer, passed, starts, element)
      return outer.live(passed, since: again)
    }
  }
}
