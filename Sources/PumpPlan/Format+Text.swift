extension Format {
  /// The options as text, as the runtime takes them.
  public var texts: [String: String] {
    options.compactMapValues { value in
      switch value {
      case .bool(let flag): "\(flag)"
      case .string(let text): text
      default: nil
      }
    }
  }
}
