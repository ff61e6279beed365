/// Base64 with padding (RFC 4648).
public enum Base64 {
  @usableFromInline static var digits: StaticString { "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" }

  /// Gives the digits of so many bytes, one after the other.
  @inlinable public static func encode(_ count: Int, _ byte: (Int) -> UInt8, _ put: (UInt8) -> Void) {
    let digits = digits.utf8Start
    for i in stride(from: 0, to: count, by: 3) {
      let left = count - i
      let bits = UInt32(byte(i)) << 16 | (left > 1 ? UInt32(byte(i + 1)) << 8 : 0) | (left > 2 ? UInt32(byte(i + 2)) : 0)
      put(digits[Int(bits >> 18)])
      put(digits[Int(bits >> 12 & 63)])
      put(left > 1 ? digits[Int(bits >> 6 & 63)] : UInt8(ascii: "="))
      put(left > 2 ? digits[Int(bits & 63)] : UInt8(ascii: "="))
    }
  }

  public static func encoded(_ text: String) -> String {
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    encode(bytes.count, { bytes[$0] }, { result.append($0) })
    return String(decoding: result, as: UTF8.self)
  }
}
