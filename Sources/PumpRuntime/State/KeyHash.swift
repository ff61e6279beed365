/// The hash of keys: products of 128 bits whose halves are folded, 16 bytes a step, as Wang Yi's wyhash has it; constants and
/// reading are our own. It must stay as it is: `approx_distinct` gives numbers that follow from it.
enum KeyHash {
  private static let first: UInt64 = 0x9E37_79B9_7F4A_7C15
  private static let second: UInt64 = 0xD1B5_4A32_D192_ED03
  private static let third: UInt64 = 0x8CB9_2BA7_2F3D_8DD7

  @inline(__always)
  private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }

  @inline(__always)
  private static func word(_ base: UnsafePointer<UInt8>) -> UInt64 {
    UInt64(littleEndian: UnsafeRawPointer(base).loadUnaligned(as: UInt64.self))
  }

  @inline(__always)
  private static func half(_ base: UnsafePointer<UInt8>) -> UInt64 {
    UInt64(UInt32(littleEndian: UnsafeRawPointer(base).loadUnaligned(as: UInt32.self)))
  }

  @inline(__always)
  static func of(_ base: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
    var seed = first
    var a: UInt64 = 0
    var b: UInt64 = 0
    // Whatever the length, all bytes are in `a` and `b` at the end, some of them twice.
    if count > 16 {
      var place = 0
      while place + 16 < count {
        seed = mix(word(base + place) ^ second, word(base + place + 8) ^ seed)
        place += 16
      }
      a = word(base + count - 16)
      b = word(base + count - 8)
    } else if count >= 8 {
      a = word(base)
      b = word(base + count - 8)
    } else if count >= 4 {
      a = half(base)
      b = half(base + count - 4)
    } else if count > 0 {
      a = UInt64(base[0]) << 16 | UInt64(base[count >> 1]) << 8 | UInt64(base[count - 1])
    }
    return mix(third ^ UInt64(truncatingIfNeeded: count), mix(a ^ second, b ^ seed))
  }
}

/// Whether so many bytes are the same in two places.
@inline(__always)
func sameBytes(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ count: Int) -> Bool {
  let (x, y) = (UnsafeRawPointer(a), UnsafeRawPointer(b))
  if count >= 8 {
    var place = 0
    while place + 8 <= count {
      if x.loadUnaligned(fromByteOffset: place, as: UInt64.self) != y.loadUnaligned(fromByteOffset: place, as: UInt64.self) { return false }
      place += 8
    }
    return x.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self) == y.loadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
  }
  if count >= 4 {
    return x.loadUnaligned(as: UInt32.self) == y.loadUnaligned(as: UInt32.self)
      && x.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self) == y.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
  }
  for place in 0..<count where a[place] != b[place] { return false }
  return true
}
