import Glibc

@usableFromInline package func hexValue(_ byte: UInt8) -> UInt8? {
  switch byte {
  case 48...57: byte - 48
  case 97...102: byte - 87
  case 65...70: byte - 55
  default: nil
  }
}

/// Writes a scalar's UTF-8; the place after it is returned.
func encodeUTF8(_ scalar: UInt32, _ out: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
  if scalar < 0x80 {
    out[0] = UInt8(scalar)
    return out + 1
  }
  if scalar < 0x800 {
    out[0] = UInt8(0xC0 | scalar >> 6)
    out[1] = UInt8(0x80 | scalar & 0x3F)
    return out + 2
  }
  if scalar < 0x10000 {
    out[0] = UInt8(0xE0 | scalar >> 12)
    out[1] = UInt8(0x80 | scalar >> 6 & 0x3F)
    out[2] = UInt8(0x80 | scalar & 0x3F)
    return out + 3
  }
  out[0] = UInt8(0xF0 | scalar >> 18)
  out[1] = UInt8(0x80 | scalar >> 12 & 0x3F)
  out[2] = UInt8(0x80 | scalar >> 6 & 0x3F)
  out[3] = UInt8(0x80 | scalar & 0x3F)
  return out + 4
}

/// Whether the bytes are UTF-8: no overlong form, no surrogate, nothing above U+10FFFF.
@usableFromInline package func isUTF8(_ base: UnsafePointer<UInt8>, _ count: Int) -> Bool { validUTF8(base, count) == count }

/// How many bytes, from the first on, are UTF-8.
func validUTF8(_ base: UnsafePointer<UInt8>, _ count: Int) -> Int {
  var i = 0
  while i < count {
    if i + 8 <= count, UnsafeRawPointer(base + i).loadUnaligned(as: UInt64.self) & 0x8080_8080_8080_8080 == 0 {
      i += 8
      continue
    }
    let first = base[i]
    if first < 0x80 {
      i += 1
      continue
    }
    let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
    guard first >= 0xC2, first <= 0xF4, i + length <= count else { return i }
    let second = base[i + 1]
    let range: ClosedRange<UInt8> =
      first == 0xE0 ? 0xA0...0xBF : first == 0xED ? 0x80...0x9F : first == 0xF0 ? 0x90...0xBF : first == 0xF4 ? 0x80...0x8F : 0x80...0xBF
    guard range.contains(second) else { return i }
    for place in 2..<max(length, 2) where base[i + place] & 0xC0 != 0x80 { return i }
    i += length
  }
  return count
}

/// Whether white space stands between the tokens of valid JSON.
func hasSpace(_ json: Text) -> Bool {
  var i = 0
  var inString = false
  while i < json.count {
    let byte = json[i]
    if inString {
      if byte == 0x5C { i += 1 } else if byte == 0x22 { inString = false }
    } else if byte == 0x22 {
      inString = true
    } else if byte <= 0x20 {
      return true
    }
    i += 1
  }
  return false
}

/// Valid JSON without white space between its tokens.
func minified(_ json: Text, _ arena: Arena) -> Text {
  arena.build(json.count) { out in
    var count = 0
    var inString = false
    var i = 0
    while i < json.count {
      let byte = json[i]
      if inString || byte > 0x20 {
        out[count] = byte
        count += 1
      }
      if inString {
        if byte == 0x5C {
          i += 1
          out[count] = json[i]
          count += 1
        } else if byte == 0x22 {
          inString = false
        }
      } else if byte == 0x22 {
        inString = true
      }
      i += 1
    }
    return count
  }
}
