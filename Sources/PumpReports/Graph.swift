import PumpPlan

/// The program as a picture: sources, steps and sinks of every pipeline, and what feeds what.
public enum GraphFormat: String, CaseIterable {
  case mermaid, dot, svg

  public func render(_ plan: Plan) -> String {
    let graph = Graph(plan)
    switch self {
    case .mermaid: return graph.mermaid
    case .dot: return graph.dot
    case .svg: return graph.svg
    }
  }
}

private struct Graph {
  struct Node {
    let id: Int
    let label: String
    let isEnd: Bool
    let pipeline: Int
    /// Distance from the source.
    var rank: Int
  }
  var nodes: [Node] = []
  var edges: [(from: Int, to: Int, label: String)] = []
  let pipelines: [String]
  /// Of the pipeline at hand.
  private var states: [StateBody] = []

  init(_ plan: Plan) {
    pipelines = plan.program.pipelines.map(\.id)
    var entries: [String: Int] = [:]
    var feeds: [(Int, String)] = []
    for (number, (pipeline, body)) in zip(plan.program.pipelines, plan.bodies).enumerated() {
      var starts: [Int] = []
      for source in pipeline.sources { starts.append(add(source.label, true, number, 0)) }
      if starts.isEmpty {
        let entry = add("input \(pipeline.input)", true, number, 0)
        entries[pipeline.id] = entry
        starts = [entry]
      }
      states = body.states
      walk(body.main.steps[...], pipeline, from: starts, label: "", number, 1, &feeds)
      if let error = body.error { walk(error.steps[...], pipeline, from: starts, label: "on error", number, 1, &feeds) }
    }
    for (from, target) in feeds { if let entry = entries[target] { edges.append((from, entry, "")) } }
  }

  private mutating func add(_ label: String, _ isEnd: Bool, _ pipeline: Int, _ rank: Int) -> Int {
    nodes.append(Node(id: nodes.count, label: label, isEnd: isEnd, pipeline: pipeline, rank: rank))
    return nodes.count - 1
  }

  private mutating func walk(
    _ steps: ArraySlice<Step>, _ spec: PipelineSpec, from: [Int], label: String, _ pipeline: Int, _ rank: Int,
    _ feeds: inout [(Int, String)]
  ) {
    guard let step = steps.first else { return }
    var name = step.name
    if case .sink(let index, _) = step.kind { name = spec.sinks[index].label }
    let isEnd: Bool
    switch step.kind {
    case .sink, .discard: isEnd = true
    default: isEnd = false
    }
    let node = add(name, isEnd, pipeline, rank)
    for start in from { edges.append((start, node, label)) }
    switch step.kind {
    case .route(let arms):
      for (index, arm) in arms.enumerated() {
        walk(arm.steps[...], spec, from: [node], label: arm.condition == nil ? "else" : "when \(index + 1)", pipeline, rank + 1, &feeds)
      }
    case .tee(let inner): walk(inner[...], spec, from: [node], label: "copy", pipeline, rank + 1, &feeds)
    case .sink(let index, _): if let target = spec.sinks[index].pipeline { feeds.append((node, target)) }
    case .state(let index, _, each: _): walk(states[index].after.steps[...], spec, from: [node], label: "", pipeline, rank + 1, &feeds)
    default: break
    }
    walk(steps.dropFirst(), spec, from: [node], label: "", pipeline, rank + 1, &feeds)
  }

  private func quoted(_ text: String) -> String { JSONLiteral.quoted(text) }

  var mermaid: String {
    func escape(_ text: String) -> String { text.replacing("\"", with: "#quot;").replacing("\n", with: " ").replacing("<", with: "&lt;") }
    var out = "flowchart LR\n"
    for (number, id) in pipelines.enumerated() {
      out += "  subgraph \(id)\n"
      for node in nodes where node.pipeline == number {
        out += "    n\(node.id)\(node.isEnd ? "([" : "[")\"\(escape(node.label))\"\(node.isEnd ? "])" : "]")\n"
      }
      out += "  end\n"
    }
    for edge in edges { out += "  n\(edge.from) -->\(edge.label.isEmpty ? "" : "|\(escape(edge.label))|") n\(edge.to)\n" }
    return out
  }

  var dot: String {
    var out = "digraph program {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n"
    for (number, id) in pipelines.enumerated() {
      out += "  subgraph cluster_\(number) {\n    label=\(quoted(id));\n"
      for node in nodes where node.pipeline == number {
        out += "    n\(node.id) [label=\(quoted(node.label))\(node.isEnd ? ", shape=oval" : "")];\n"
      }
      out += "  }\n"
    }
    for edge in edges { out += "  n\(edge.from) -> n\(edge.to)\(edge.label.isEmpty ? "" : " [label=\(quoted(edge.label))]");\n" }
    return out + "}\n"
  }

  /// Columns by rank, a row for each node of a rank; pipelines below each other.
  var svg: String {
    func escape(_ text: String) -> String {
      text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;").replacing("\"", with: "&quot;")
    }
    let (width, height) = (220, 56)
    var places: [Int: (x: Int, y: Int)] = [:]
    var top = 16
    var right = 0
    var titles = ""
    for (number, id) in pipelines.enumerated() {
      titles += "<text class=\"title\" x=\"16\" y=\"\(top + 16)\">\(escape(id))</text>\n"
      var rows: [Int: Int] = [:]
      for node in nodes where node.pipeline == number {
        let row = rows[node.rank, default: 0]
        rows[node.rank] = row + 1
        places[node.id] = (16 + node.rank * width, top + 28 + row * height)
        right = max(right, 16 + (node.rank + 1) * width)
      }
      top += 28 + (rows.values.max() ?? 1) * height + 16
    }
    var out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(right) \(top)\" width=\"\(right)\" height=\"\(top)\">\n"
    out +=
      "<style>text{font:13px sans-serif;fill:#1b1f24}.title{font-weight:bold}.label{font-size:11px;fill:#57606a}rect{fill:#f6f8fa;stroke:#8c959f}rect.end{fill:#ddf4ff}path{stroke:#57606a;fill:none}</style>\n"
    out +=
      "<defs><marker id=\"arrow\" markerWidth=\"8\" markerHeight=\"8\" refX=\"7\" refY=\"4\" orient=\"auto\"><path d=\"M0,0 L8,4 L0,8 z\" style=\"fill:#57606a\"/></marker></defs>\n"
      + titles
    for edge in edges {
      guard let a = places[edge.from], let b = places[edge.to] else { continue }
      let (x1, y1, x2, y2) = (a.x + 190, a.y + 18, b.x, b.y + 18)
      out += "<path d=\"M\(x1),\(y1) C\(x1 + 20),\(y1) \(x2 - 20),\(y2) \(x2),\(y2)\" marker-end=\"url(#arrow)\"/>\n"
      if !edge.label.isEmpty {
        out += "<text class=\"label\" x=\"\(x2 - 26)\" y=\"\(y2 - 6)\" text-anchor=\"end\">\(escape(edge.label))</text>\n"
      }
    }
    for node in nodes {
      guard let place = places[node.id] else { continue }
      let text = node.label.count > 26 ? node.label.prefix(25) + "…" : node.label
      out +=
        "<rect\(node.isEnd ? " class=\"end\"" : "") x=\"\(place.x)\" y=\"\(place.y)\" width=\"190\" height=\"36\" rx=\"\(node.isEnd ? 18 : 4)\"/><text x=\"\(place.x + 95)\" y=\"\(place.y + 23)\" text-anchor=\"middle\">\(escape(text))</text>\n"
    }
    return out + "</svg>\n"
  }
}
