/// How often a byte occurs, 16 at a time.
package func occurrences(of byte: UInt8, in base: UnsafePointer<UInt8>, _ count: Int) -> Int {
  var total = 0
  var i = 0
  let wanted = SIMD16<UInt8>(repeating: byte)
  while i + 16 <= count {
    var counts = SIMD16<UInt8>.zero
    var rounds = 0
    while i + 16 <= count, rounds < 255 {
      let block = UnsafeRawPointer(base + i).loadUnaligned(as: SIMD16<UInt8>.self)
      counts &+= SIMD16<UInt8>(repeating: 0).replacing(with: 1, where: block .== wanted)
      i += 16
      rounds += 1
    }
    for lane in 0..<16 { total += Int(counts[lane]) }
  }
  while i < count {
    if base[i] == byte { total += 1 }
    i += 1
  }
  return total
}
