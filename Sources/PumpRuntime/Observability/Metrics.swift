/// What is counted of a run, in the text format of Prometheus (version 0.0.4). Names of pipelines, steps and connections
/// are labels; no value of a setting is ever among them.
struct MetricsText {
  private(set) var text = ""

  /// One family: its help, then a line for each set of labels.
  mutating func family(_ name: String, _ type: String, _ help: String, _ samples: [(labels: [(String, String)], value: String)]) {
    guard !samples.isEmpty else { return }
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    for (labels, value) in samples {
      let list = labels.map { "\($0)=\"\(Self.escape($1))\"" }.joined(separator: ",")
      text += "\(name){\(list)} \(value)\n"
    }
  }

  private static func escape(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  }
}

extension Runner {
  var metrics: String {
    var out = MetricsText()
    let pipelines = report(since: monotonicMicros()).lines
    func count(_ name: String, _ help: String, _ value: (RunReport.Line) -> Int) {
      out.family("pump_\(name)", "counter", help, pipelines.map { ([("pipeline", $0.pipeline)], String(value($0))) })
    }
    count("events_in_total", "Events that sources gave.", \.taken)
    count("events_failed_total", "Events that failed.", \.failed)
    count("events_filtered_total", "Events that were filtered.", \.filtered)
    count("events_discarded_total", "Events that ended in `discard`.", \.discarded)
    count("events_acknowledged_total", "Events whose sources were told that all of them is durable.", \.acknowledged)
    count("delivery_retries_total", "Deliveries that were tried again.", \.retries)
    out.family(
      "pump_events_out_total", "counter", "Events that a sink took.",
      pipelines.flatMap { line in line.sent.map { ([("pipeline", line.pipeline), ("step", $0.label)], String($0.count)) } })
    out.family(
      "pump_spool_bytes", "gauge", "Bytes that a branch holds for its sink.",
      spooled.map { ([("pipeline", $0.pipeline), ("step", $0.label)], String($0.bytes)) })
    state(&out)
    let phases: [ConnectionState.Phase] = [.initialized, .connecting, .ready, .reconnecting, .draining, .closed, .failed]
    out.family(
      "pump_connection_state", "gauge", "1 for the state that a connection is in.",
      connections.flatMap { connection in
        let phase = connection.phase
        return phases.map { ([("connection", connection.id), ("state", $0.rawValue)], $0 == phase ? "1" : "0") }
      })
    func connection(_ name: String, _ type: String, _ help: String, _ value: (Connection) -> String?) {
      out.family(
        "pump_connection_\(name)", type, help,
        connections.compactMap { connection in value(connection).map { ([("connection", connection.id)], $0) } })
    }
    connection("connects_total", "counter", "Connects that succeeded.") { String($0.counts.connects) }
    connection("connect_failures_total", "counter", "Connects that failed.") { String($0.counts.failures) }
    connection("losses_total", "counter", "Times that a connection which was ready was lost.") { String($0.counts.losses) }
    connection("in_use", "gauge", "Clients that steps hold.") { ($0.pool?.inUse).map(String.init) }
    connection("idle", "gauge", "Clients that wait for use.") { ($0.pool?.idle).map(String.init) }
    connection("waiting", "gauge", "Steps that wait for a client.") { ($0.pool?.waiting).map(String.init) }
    connection("acquired_total", "counter", "Clients handed out.") { ($0.pool?.acquired).map(String.init) }
    connection("acquire_seconds_total", "counter", "Time that steps waited for clients.") {
      ($0.pool?.waited).map { String(Double($0) / 1e6) }
    }
    return out.text
  }

  /// What steps keep of the events before, and how far the times of events have come.
  private func state(_ out: inout MetricsText) {
    let counts = counts
    func kept(_ name: String, _ help: String, _ value: (Pipeline.Counts.Kept) -> Int) {
      out.family(
        "pump_state_\(name)", "gauge", help,
        counts.flatMap { pipeline, counts in counts.kept.map { ([("pipeline", pipeline), ("step", $0.step)], String(value($0))) } })
    }
    kept("entries", "Keys or rows that a step keeps.", \.entries)
    kept("bytes", "Bytes that a step keeps.", \.bytes)
    func times(_ name: String, _ type: String, _ help: String, _ value: (Pipeline.Counts.Times) -> String?) {
      out.family(
        "pump_\(name)", type, help,
        counts.compactMap { pipeline, counts in counts.times.flatMap(value).map { ([("pipeline", pipeline)], $0) } })
    }
    times("time_mark_seconds", "gauge", "The time before which no event is taken any more, since 1970.") {
      $0.mark == .min ? nil : String(Double($0.mark) / 1e6)
    }
    times("time_lag_seconds", "gauge", "How far the newest event is before that.") { times in
      times.mark == .min ? nil : times.newest.map { String(Double($0 - times.mark) / 1e6) }
    }
    times("events_late_total", "counter", "Events that were late.") { String($0.late) }
    times("time_idle_partitions", "gauge", "Partitions that have nothing to read and hold nothing back.") { String($0.idle) }
  }

  /// Connections that are not ready, as `/readyz` names them.
  var unready: [String] {
    connections.filter { $0.phase != .ready && $0.phase != .initialized }.map { "\($0.id) is \($0.phase.rawValue)" }
  }
}
