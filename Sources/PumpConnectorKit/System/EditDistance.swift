/// How many bytes one name is away from another: added, taken out or replaced.
package func editDistance(_ a: String, _ b: String) -> Int {
  let b = Array(b.utf8)
  var row = Array(0...b.count)
  for (i, byte) in a.utf8.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for j in b.indices {
      let cost = byte == b[j] ? diagonal : min(diagonal, row[j], row[j + 1]) + 1
      diagonal = row[j + 1]
      row[j + 1] = cost
    }
  }
  return row[b.count]
}

/// The nearest of some names to a mistyped one.
package func near(_ name: String, _ candidates: [String]) -> String? {
  let limit = max(1, min(3, name.utf8.count / 3))
  let far = candidates.map { ($0, editDistance(name.lowercased(), $0.lowercased())) }
  // Of a name of one letter every other is one step away.
  return far.filter { $0.1 <= limit && $0.1 < name.utf8.count }.min { $0.1 < $1.1 }?.0
}
