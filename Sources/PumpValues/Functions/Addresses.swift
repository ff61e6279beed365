import Glibc

/// Internet addresses in text.
extension Fn {
  public static func isIp(_ text: Text, _ c: Context) -> Bool { address(text) != nil }
  public static func isIpv4(_ text: Text, _ c: Context) -> Bool { address(text)?.count == 4 }
  public static func isIpv6(_ text: Text, _ c: Context) -> Bool { address(text)?.count == 16 }

  public static func ipIn(_ text: Text, _ network: Text, _ c: Context) throws(EventFailure) -> Bool {
    guard let bytes = address(text) else { throw noAddress(text) }
    guard let network = Network(network) else {
      throw EventFailure("\(Shape.excerpt(network, quoted: true)) is no network such as 10.0.0.0/8")
    }
    return network.contains(bytes)
  }

  public static func isPrivateIp(_ text: Text, _ c: Context) throws(EventFailure) -> Bool {
    guard let bytes = address(text) else { throw noAddress(text) }
    return privateNetworks.contains { $0.contains(bytes) }
  }

  private static func noAddress(_ text: Text) -> EventFailure { EventFailure("\(Shape.excerpt(text, quoted: true)) is no IP address") }

  private static let privateNetworks =
    ([
      "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10",
    ] as [StaticString]).map { Network(Text($0))! }

  /// Four bytes, or sixteen.
  private static func address(_ text: Text) -> [UInt8]? {
    // The system reads up to a NUL, which is not part of an address.
    guard text.count < 46, !text.bytes.contains(0) else { return nil }
    let string = text.string
    var four = in_addr()
    if inet_pton(AF_INET, string, &four) == 1 { return withUnsafeBytes(of: four) { Array($0) } }
    var six = in6_addr()
    if inet_pton(AF_INET6, string, &six) == 1 { return withUnsafeBytes(of: six) { Array($0) } }
    return nil
  }

  /// Addresses that begin alike. An IPv4 address and the same one mapped to IPv6 (`::ffff:10.0.0.1`, RFC 4291) are one.
  private struct Network {
    private let base: [UInt8]
    private let length: Int

    init?(_ text: Text) {
      let parts = text.string.split(separator: "/", omittingEmptySubsequences: false)
      guard parts.count == 2 else { return nil }
      let digits = parts[1].utf8
      guard (1...3).contains(digits.count), digits.allSatisfy({ $0 &- 48 < 10 }), let length = Int(parts[1]) else { return nil }
      let slash = text.count - digits.count - 1
      guard let base = Fn.address(text.slice(0, slash)), length <= base.count * 8 else { return nil }
      let isMapped = length >= 96 && Network.plain(base).count < base.count
      self.base = isMapped ? Network.plain(base) : base
      self.length = isMapped ? length - 96 : length
    }

    /// IPv4 of what is mapped.
    private static func plain(_ address: [UInt8]) -> [UInt8] {
      let prefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
      return address.count == 16 && address.starts(with: prefix) ? Array(address[12...]) : address
    }

    func contains(_ address: [UInt8]) -> Bool {
      let bytes = base.count == 4 ? Network.plain(address) : address
      guard base.count == bytes.count else { return false }
      for bit in 0..<length where (base[bit / 8] ^ bytes[bit / 8]) >> UInt8(7 - bit % 8) & 1 != 0 { return false }
      return true
    }
  }

  // MARK: Registration

  @inlinable public static func register<T: FunctionRegistry>(addresses t: inout T) {
    t.add("is_ip") { (x: Text, c) in Fn.isIp(x, c) }
    t.add("is_ipv4") { (x: Text, c) in Fn.isIpv4(x, c) }
    t.add("is_ipv6") { (x: Text, c) in Fn.isIpv6(x, c) }
    t.add("ip_in") { (a: Text, b: Text, c) throws(EventFailure) in try Fn.ipIn(a, b, c) }
    t.add("is_private_ip") { (x: Text, c) throws(EventFailure) in try Fn.isPrivateIp(x, c) }
  }
}
