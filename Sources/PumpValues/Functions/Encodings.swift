import Glibc

extension Fn {
  public static func toBytes(_ text: Text, _ c: Context) -> Blob { Blob(text) }
  public static func toText(_ bytes: Blob, _ c: Context) throws(EventFailure) -> Text {
    if let problem = Fields.notUTF8(bytes.text) { throw EventFailure(problem) }
    return Text(bytes.text.base, bytes.text.count)
  }
  public static func base64(_ bytes: Blob, _ c: Context) -> Text { makeText(c.arena) { $0.base64(bytes.text) } }
  public static func base64(_ text: Text, _ c: Context) -> Text { base64(Blob(text), c) }
  public static func fromBase64(_ text: Text, _ c: Context) throws(EventFailure) -> Blob {
    guard let value = Base64.decode(text, c.arena) else { throw EventFailure("\(Shape.excerpt(text, quoted: true)) is no base64") }
    return Blob(value)
  }
  static func hexText(_ bytes: some Sequence<UInt8>, _ c: Context) -> Text {
    makeText(c.arena) { out in
      for byte in bytes {
        out.byte(hexDigits[Int(byte >> 4)])
        out.byte(hexDigits[Int(byte & 15)])
      }
    }
  }
  public static func hex(_ bytes: Blob, _ c: Context) -> Text { hexText(bytes.text.bytes, c) }
  public static func hex(_ text: Text, _ c: Context) -> Text { hexText(text.bytes, c) }
  public static func hex(_ x: Int64, _ c: Context) -> Text { c.arena.copy(String(UInt64(bitPattern: x), radix: 16)) }
  public static func fromHex(_ text: Text, _ c: Context) throws(EventFailure) -> Blob {
    guard text.count % 2 == 0, text.bytes.allSatisfy({ hexValue($0) != nil }) else {
      throw EventFailure("\(Shape.excerpt(text, quoted: true)) is no hex")
    }
    return Blob(
      c.arena.build(text.count / 2) { out in
        for i in 0..<text.count / 2 { out[i] = hexValue(text[2 * i])! << 4 | hexValue(text[2 * i + 1])! }
        return text.count / 2
      })
  }
  public static func urlEncode(_ text: Text, _ c: Context) -> Text {
    makeText(c.arena) { out in for byte in text.bytes { out.percentEncoded(byte) } }
  }
  public static func urlPath(_ text: Text, _ c: Context) -> Text {
    makeText(c.arena) { out in for byte in text.bytes { out.percentEncoded(byte, alsoPlain: "/") } }
  }
  public static func urlDecode(_ text: Text, _ c: Context) throws(EventFailure) -> Text {
    let decoded = makeText(c.arena) { out in
      var i = 0
      while i < text.count {
        if text[i] == UInt8(ascii: "%"), i + 2 < text.count, let high = hexValue(text[i + 1]), let low = hexValue(text[i + 2]) {
          out.byte(high << 4 | low)
          i += 3
        } else {
          out.byte(text[i])
          i += 1
        }
      }
    }
    return try toText(Blob(decoded), c)
  }
  public static func htmlEscape(_ text: Text, _ c: Context) -> Text {
    makeText(c.arena) { out in
      for byte in text.bytes {
        switch byte {
        case UInt8(ascii: "&"): out.raw("&amp;")
        case UInt8(ascii: "<"): out.raw("&lt;")
        case UInt8(ascii: ">"): out.raw("&gt;")
        case UInt8(ascii: "\""): out.raw("&quot;")
        case UInt8(ascii: "'"): out.raw("&#39;")
        default: out.byte(byte)
        }
      }
    }
  }

  // MARK: Digests

  public static func md5(_ bytes: Blob, _ c: Context) -> Text { hexText(Digest.md5(Array(bytes.text.bytes)), c) }
  public static func md5(_ text: Text, _ c: Context) -> Text { md5(Blob(text), c) }
  public static func sha1(_ bytes: Blob, _ c: Context) -> Text { hexText(Digest.sha1(Array(bytes.text.bytes)), c) }
  public static func sha1(_ text: Text, _ c: Context) -> Text { sha1(Blob(text), c) }
  public static func sha256(_ bytes: Blob, _ c: Context) -> Text { hexText(Digest.sha256(Array(bytes.text.bytes)), c) }
  public static func sha256(_ text: Text, _ c: Context) -> Text { sha256(Blob(text), c) }
  public static func hmacSha256(_ bytes: Blob, _ key: Text, _ c: Context) -> Text { hmacSha256(bytes.text, key, c) }
  public static func hmacSha256(_ text: Text, _ key: Text, _ c: Context) -> Text {
    var block = key.count > 64 ? Digest.sha256(Array(key.bytes)) : Array(key.bytes)
    block += [UInt8](repeating: 0, count: 64 - block.count)
    let inner = Digest.sha256(block.map { $0 ^ 0x36 } + Array(text.bytes))
    return hexText(Digest.sha256(block.map { $0 ^ 0x5C } + inner), c)
  }
  public static func secretEquals(_ secret: Text, _ text: Text, _ c: Context) -> Bool { isSame(text.bytes, secret.bytes) }
  public static func secretEquals(_ secret: Text, _ bytes: Blob, _ c: Context) -> Bool { isSame(bytes.text.bytes, secret.bytes) }
  /// All bytes and nothing after them. Takes the same time wherever they differ, so that nobody can guess byte by byte.
  package static func isSame(_ given: some Collection<UInt8>, _ wanted: some Collection<UInt8>) -> Bool {
    given.count == wanted.count && zip(given, wanted).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
  }
  public static func crc32(_ bytes: Blob, _ c: Context) -> Int64 {
    var crc: UInt32 = .max
    for byte in bytes.text.bytes {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
    }
    return Int64(~crc)
  }
  public static func crc32(_ text: Text, _ c: Context) -> Int64 { crc32(Blob(text), c) }
  public static func fnv1a(_ text: Text, _ c: Context) -> Int64 {
    let hash = text.bytes.fnv1a
    return Int64(bitPattern: hash)
  }

  // MARK: UUIDs

  private static func stamped(_ high: UInt64, _ low: UInt64, _ version: UInt64) -> Uuid {
    Uuid(high: high & ~0xF000 | version << 12, low: low & ~(3 << 62) | 2 << 62)
  }
  public static func uuidV4(_ c: Context) -> Uuid { stamped(c.nextRandom(), c.nextRandom(), 4) }
  /// Rises within a process, also within a millisecond and where the clock goes back (RFC 9562 6.2, a counter after
  /// the time, which begins at random).
  public static func uuidV7(_ c: Context) -> Uuid {
    let millis = UInt64(clamping: c.now.micros / 1000) & 0xFFFF_FFFF_FFFF
    let moment = c.nextMoment(millis << 12 | c.nextRandom() & 0x7FF)
    return stamped((moment & ~0xFFF) << 4 | moment & 0xFFF, c.nextRandom(), 7)
  }
  public static func uuidV5(_ namespace: Uuid, _ name: Text, _ c: Context) -> Uuid {
    var bytes: [UInt8] = []
    for word in [namespace.high, namespace.low] { for i in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * i))) } }
    let digest = Digest.sha1(bytes + Array(name.bytes))
    func word(_ at: Int) -> UInt64 { digest[at..<at + 8].reduce(0) { $0 << 8 | UInt64($1) } }
    return stamped(word(0), word(8), 5)
  }
  public static func toUuid(_ text: Text, _ c: Context) throws(EventFailure) -> Uuid {
    guard let value = Uuid(text) else { throw EventFailure("\(Shape.excerpt(text, quoted: true)) is no UUID") }
    return value
  }

  // MARK: Registration

  @inlinable public static func register<T: FunctionRegistry>(encodings t: inout T) {
    t.add("to_bytes") { (x: Text, c) in Fn.toBytes(x, c) }
    t.add("to_text") { (x: Blob, c) throws(EventFailure) in try Fn.toText(x, c) }
    t.add("base64") { (x: Blob, c) in Fn.base64(x, c) }
    t.add("base64") { (x: Text, c) in Fn.base64(x, c) }
    t.add("from_base64") { (x: Text, c) throws(EventFailure) in try Fn.fromBase64(x, c) }
    t.add("hex") { (x: Blob, c) in Fn.hex(x, c) }
    t.add("hex") { (x: Text, c) in Fn.hex(x, c) }
    t.add("hex") { (x: Int64, c) in Fn.hex(x, c) }
    t.add("from_hex") { (x: Text, c) throws(EventFailure) in try Fn.fromHex(x, c) }
    t.add("url_encode") { (x: Text, c) in Fn.urlEncode(x, c) }
    t.add("url_path") { (x: Text, c) in Fn.urlPath(x, c) }
    t.add("url_decode") { (x: Text, c) throws(EventFailure) in try Fn.urlDecode(x, c) }
    t.add("html_escape") { (x: Text, c) in Fn.htmlEscape(x, c) }
    t.add("md5") { (x: Blob, c) in Fn.md5(x, c) }
    t.add("md5") { (x: Text, c) in Fn.md5(x, c) }
    t.add("sha1") { (x: Blob, c) in Fn.sha1(x, c) }
    t.add("sha1") { (x: Text, c) in Fn.sha1(x, c) }
    t.add("sha256") { (x: Blob, c) in Fn.sha256(x, c) }
    t.add("sha256") { (x: Text, c) in Fn.sha256(x, c) }
    t.add("hmac_sha256") { (x: Text, k: Text, c) in Fn.hmacSha256(x, k, c) }
    t.add("hmac_sha256") { (x: Blob, k: Text, c) in Fn.hmacSha256(x, k, c) }
    t.add("secret_equals") { (s: Text, x: Text, c) in Fn.secretEquals(s, x, c) }
    t.add("secret_equals") { (s: Text, x: Blob, c) in Fn.secretEquals(s, x, c) }
    t.add("crc32") { (x: Blob, c) in Fn.crc32(x, c) }
    t.add("crc32") { (x: Text, c) in Fn.crc32(x, c) }
    t.add("fnv1a") { (x: Text, c) in Fn.fnv1a(x, c) }
    t.add("uuid_v4") { c -> Uuid in Fn.uuidV4(c) }
    t.add("uuid_v7") { c -> Uuid in Fn.uuidV7(c) }
    t.add("uuid_v5") { (n: Uuid, x: Text, c) in Fn.uuidV5(n, x, c) }
    t.add("to_uuid") { (x: Text, c) throws(EventFailure) in try Fn.toUuid(x, c) }
  }
}

/// Message digests over whole arrays (FIPS 180-4, RFC 1321). No system library is linked for them, so that every
/// program has them.
enum Digest {
  private static func padded(_ message: [UInt8], bigEndian: Bool) -> [UInt8] {
    var bytes = message + [0x80]
    bytes += [UInt8](repeating: 0, count: (120 - bytes.count % 64) % 64)
    let bits = UInt64(message.count) * 8
    for i in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt64(bigEndian ? 56 - 8 * i : 8 * i))) }
    return bytes
  }

  private static func words(_ bytes: [UInt8], _ block: Int, bigEndian: Bool) -> [UInt32] {
    (0..<16).map { i in
      let at = block + 4 * i
      let four = (UInt32(bytes[at]), UInt32(bytes[at + 1]), UInt32(bytes[at + 2]), UInt32(bytes[at + 3]))
      return bigEndian ? four.0 << 24 | four.1 << 16 | four.2 << 8 | four.3 : four.3 << 24 | four.2 << 16 | four.1 << 8 | four.0
    }
  }

  private static func rotate(_ x: UInt32, _ bits: UInt32) -> UInt32 { x << bits | x >> (32 - bits) }

  /// Its rotations to the right are rotations to the left by what is missing to 32.
  static func sha256(_ message: [UInt8]) -> [UInt8] {
    var h: [UInt32] = [0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19]
    let bytes = padded(message, bigEndian: true)
    for block in stride(from: 0, to: bytes.count, by: 64) {
      var w = words(bytes, block, bigEndian: true)
      for i in 16..<64 {
        let s0 = rotate(w[i - 15], 25) ^ rotate(w[i - 15], 14) ^ w[i - 15] >> 3
        let s1 = rotate(w[i - 2], 15) ^ rotate(w[i - 2], 13) ^ w[i - 2] >> 10
        w.append(w[i - 16] &+ s0 &+ w[i - 7] &+ s1)
      }
      var v = h
      for i in 0..<64 {
        let s1 = rotate(v[4], 26) ^ rotate(v[4], 21) ^ rotate(v[4], 7)
        let t1 = v[7] &+ s1 &+ (v[4] & v[5] ^ ~v[4] & v[6]) &+ roundConstants[i] &+ w[i]
        let s0 = rotate(v[0], 30) ^ rotate(v[0], 19) ^ rotate(v[0], 10)
        let t2 = s0 &+ (v[0] & v[1] ^ v[0] & v[2] ^ v[1] & v[2])
        v = [t1 &+ t2, v[0], v[1], v[2], v[3] &+ t1, v[4], v[5], v[6]]
      }
      for i in 0..<8 { h[i] &+= v[i] }
    }
    return h.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(24 - 8 * $0)) } }
  }

  static func sha1(_ message: [UInt8]) -> [UInt8] {
    var h: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0]
    let bytes = padded(message, bigEndian: true)
    for block in stride(from: 0, to: bytes.count, by: 64) {
      var w = words(bytes, block, bigEndian: true)
      for i in 16..<80 { w.append(rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1)) }
      var (a, b, c, d, e) = (h[0], h[1], h[2], h[3], h[4])
      for i in 0..<80 {
        let (f, k): (UInt32, UInt32) =
          i < 20
          ? (b & c | ~b & d, 0x5A82_7999)
          : i < 40 ? (b ^ c ^ d, 0x6ED9_EBA1) : i < 60 ? (b & c | b & d | c & d, 0x8F1B_BCDC) : (b ^ c ^ d, 0xCA62_C1D6)
        let t = rotate(a, 5) &+ f &+ e &+ k &+ w[i]
        (e, d, c, b, a) = (d, c, rotate(b, 30), a, t)
      }
      for (i, value) in [a, b, c, d, e].enumerated() { h[i] &+= value }
    }
    return h.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(24 - 8 * $0)) } }
  }

  static func md5(_ message: [UInt8]) -> [UInt8] {
    let shifts: [UInt32] = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21]
    let constants = (0..<64).map { UInt32(truncatingIfNeeded: Int64((Glibc.sin(Double($0 + 1)).magnitude * 4_294_967_296).rounded(.down))) }
    var h: [UInt32] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476]
    let bytes = padded(message, bigEndian: false)
    for block in stride(from: 0, to: bytes.count, by: 64) {
      let w = words(bytes, block, bigEndian: false)
      var (a, b, c, d) = (h[0], h[1], h[2], h[3])
      for i in 0..<64 {
        let (f, g): (UInt32, Int) =
          i < 16
          ? (b & c | ~b & d, i)
          : i < 32 ? (d & b | ~d & c, (5 * i + 1) % 16) : i < 48 ? (b ^ c ^ d, (3 * i + 5) % 16) : (c ^ (b | ~d), 7 * i % 16)
        let t = a &+ f &+ constants[i] &+ w[g]
        (a, d, c) = (d, c, b)
        b = b &+ rotate(t, shifts[i / 16 * 4 + i % 4])
      }
      for (i, value) in [a, b, c, d].enumerated() { h[i] &+= value }
    }
    return h.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(8 * $0)) } }
  }

  /// The first 32 bits of the fractions of the cube roots of the first 64 primes.
  private static let roundConstants: [UInt32] = {
    var primes: [UInt64] = []
    var candidate: UInt64 = 2
    while primes.count < 64 {
      if primes.allSatisfy({ candidate % $0 != 0 }) { primes.append(candidate) }
      candidate += 1
    }
    return primes.map { prime in
      // floor(cbrt(p) · 2^32), exactly: the largest x with x³ ≤ p · 2^96.
      var (low, high): (UInt64, UInt64) = (1 << 32, 1 << 36)
      while low < high {
        let middle = (low + high + 1) / 2
        let square = UInt128(middle) * UInt128(middle)
        let cube = square.multipliedFullWidth(by: UInt128(middle))
        if cube.high == 0, cube.low <= UInt128(prime) << 96 { low = middle } else { high = middle - 1 }
      }
      return UInt32(truncatingIfNeeded: low)
    }
  }()
}

extension Sequence where Element == UInt8 {
  /// FNV-1a with 64 bits: quick, the same everywhere, and no protection against who chooses the bytes.
  public var fnv1a: UInt64 { reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 } }
}

extension ByteBuffer {
  /// A byte of a URL: letters, digits and what is plain as they are.
  public mutating func percentEncoded(_ byte: UInt8, alsoPlain: StaticString = "") {
    switch byte {
    case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): self.byte(byte)
    default:
      if Text(alsoPlain).bytes.contains(byte) { return self.byte(byte) }
      self.byte(UInt8(ascii: "%"))
      for digit in [byte >> 4, byte & 15] { self.byte(digit < 10 ? 48 + digit : 55 + digit) }
    }
  }
}
