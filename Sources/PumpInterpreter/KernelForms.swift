import PumpRuntime

/// Builds a node from the nodes of its arguments.
typealias Kernel = (_ arguments: [Node], _ result: Shape) -> Node

@inline(__always)
func runAll(_ nodes: [Node], _ frame: Frame, _ selection: Selection) -> Selection {
  var live = selection
  for node in nodes { live = node.run(frame, live) }
  return live
}

func unary<A: ColumnValue, R: ColumnValue>(_: A.Type, _: R.Type, _ f: @escaping (A, Context) throws(EventFailure) -> R) -> Kernel {
  { nodes, shape in
    let out = Column(shape)
    let a = nodes[0]
    return Node(out) { frame, selection in
      let live = a.run(frame, selection)
      out.clear()
      out.ensure(frame.rows)
      let before = frame.failureCount
      for row in live {
        do throws(EventFailure) { try f(A.read(a.column, Int(row), frame.context.arena), frame.context).write(out, Int(row)) } catch {
          frame.fail(row, error.message)
        }
      }
      return frame.live(live, since: before)
    }
  }
}

func binary<A: ColumnValue, B: ColumnValue, R: ColumnValue>(
  _: A.Type, _: B.Type, _: R.Type, _ f: @escaping (A, B, Context) throws(EventFailure) -> R
) -> Kernel {
  { nodes, shape in
    let out = Column(shape)
    let (a, b) = (nodes[0], nodes[1])
    return Node(out) { frame, selection in
      let live = b.run(frame, a.run(frame, selection))
      out.clear()
      out.ensure(frame.rows)
      let before = frame.failureCount
      let arena = frame.context.arena
      for row in live {
        do throws(EventFailure) {
          try f(A.read(a.column, Int(row), arena), B.read(b.column, Int(row), arena), frame.context).write(out, Int(row))
        } catch { frame.fail(row, error.message) }
      }
      return frame.live(live, since: before)
    }
  }
}

func ternary<A: ColumnValue, B: ColumnValue, C: ColumnValue, R: ColumnValue>(
  _: A.Type, _: B.Type, _: C.Type, _: R.Type, _ f: @escaping (A, B, C, Context) throws(EventFailure) -> R
) -> Kernel {
  { nodes, shape in
    let out = Column(shape)
    let (a, b, c) = (nodes[0], nodes[1], nodes[2])
    return Node(out) { frame, selection in
      let live = runAll(nodes, frame, selection)
      out.clear()
      out.ensure(frame.rows)
      let before = frame.failureCount
      let arena = frame.context.arena
      for row in live {
        do throws(EventFailure) {
          try f(A.read(a.column, Int(row), arena), B.read(b.column, Int(row), arena), C.read(c.column, Int(row), arena), frame.context)
            .write(out, Int(row))
        } catch { frame.fail(row, error.message) }
      }
      return frame.live(live, since: before)
    }
  }
}

/// Scalar operations without failure, straight over memory: the hot ones.
func fast<A, R>(_: A.Type, _: R.Type, _ f: @escaping (A, A) -> R) -> Kernel {
  { nodes, shape in
    let out = Column(shape)
    let (a, b) = (nodes[0], nodes[1])
    return Node(out) { frame, selection in
      let live = b.run(frame, a.run(frame, selection))
      out.ensure(frame.rows)
      let x = a.column.pointer(A.self)
      let y = b.column.pointer(A.self)
      let target = out.pointer(R.self)
      for row in live { target[Int(row)] = f(x[Int(row)], y[Int(row)]) }
      return live
    }
  }
}

/// A node that works on whole columns row by row.
func rowwise(_ nodes: [Node], _ out: Column, _ body: @escaping (Frame, Int) throws(EventFailure) -> Void) -> Node {
  Node(out) { frame, selection in
    let live = runAll(nodes, frame, selection)
    out.clear()
    out.ensure(frame.rows)
    let before = frame.failureCount
    for row in live { do throws(EventFailure) { try body(frame, Int(row)) } catch { frame.fail(row, error.message) } }
    return frame.live(live, since: before)
  }
}
