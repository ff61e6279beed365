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
