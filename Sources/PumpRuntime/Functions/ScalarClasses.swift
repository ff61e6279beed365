/// Named sets of characters for regular expressions.
enum ScalarClasses {
  static let digit = ScalarSet([48...57])
  static let word = ScalarSet([48...57, 65...90, 95...95, 97...122])
  static let space = ScalarSet([9...13, 32...32])

  /// The classes that POSIX names, of ASCII alone.
  static let posix: [String: ScalarSet] = [
    "alnum": ScalarSet([48...57, 65...90, 97...122]), "alpha": ScalarSet([65...90, 97...122]), "ascii": ScalarSet([0...127]),
    "blank": ScalarSet([9...9, 32...32]), "cntrl": ScalarSet([0...31, 127...127]), "digit": digit, "graph": ScalarSet([33...126]),
    "lower": ScalarSet([97...122]), "print": ScalarSet([32...126]), "punct": ScalarSet([33...47, 58...64, 91...96, 123...126]),
    "space": space, "upper": ScalarSet([65...90]), "word": word, "xdigit": ScalarSet([48...57, 65...70, 97...102]),
  ]

  /// A general category by its one or two letters.
  static func category(_ name: String) -> ScalarSet? {
    if let known = categories[name] { return known }
    guard name.utf8.count == 1 else { return nil }
    let parts = categories.filter { $0.key.hasPrefix(name) }
    return parts.isEmpty ? nil : ScalarSet(parts.values.flatMap(\.ranges))
  }

  private static let categories: [String: ScalarSet] = {
    var ranges: [String: [ClosedRange<UInt32>]] = [:]
    var last = (name: "", first: UInt32(0))
    for value in UInt32(0)...0x110000 {
      let name = value > 0x10FFFF ? "" : Unicode.Scalar(value).map { letters($0.properties.generalCategory) } ?? "Cs"
      if name == last.name { continue }
      if value > 0 { ranges[last.name, default: []].append(last.first...value - 1) }
      last = (name, value)
    }
    return ranges.mapValues(ScalarSet.init)
  }()

  private static func letters(_ category: Unicode.GeneralCategory) -> String {
    switch category {
    case .uppercaseLetter: "Lu"
    case .lowercaseLetter: "Ll"
    case .titlecaseLetter: "Lt"
    case .modifierLetter: "Lm"
    case .otherLetter: "Lo"
    case .nonspacingMark: "Mn"
    case .spacingMark: "Mc"
    case .enclosingMark: "Me"
    case .decimalNumber: "Nd"
    case .letterNumber: "Nl"
    case .otherNumber: "No"
    case .connectorPunctuation: "Pc"
    case .dashPunctuation: "Pd"
    case .openPunctuation: "Ps"
    case .closePunctuation: "Pe"
    case .initialPunctuation: "Pi"
    case .finalPunctuation: "Pf"
    case .otherPunctuation: "Po"
    case .mathSymbol: "Sm"
    case .currencySymbol: "Sc"
    case .modifierSymbol: "Sk"
    case .otherSymbol: "So"
    case .spaceSeparator: "Zs"
    case .lineSeparator: "Zl"
    case .paragraphSeparator: "Zp"
    case .control: "Cc"
    case .format: "Cf"
    case .surrogate: "Cs"
    case .privateUse: "Co"
    case .unassigned: "Cn"
    @unknown default: "Cn"
    }
  }

  // MARK: Case

  /// The characters that differ from some of these by case alone, by Unicode's simple case folding.
  static func otherCases(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
    var result: [ClosedRange<UInt32>] = []
    for range in ranges {
      // Most are one ASCII letter or a range of them; the rest of Unicode is looked up where it is named.
      var index = firstFolded(from: range.lowerBound)
      while index < folded.count, folded[index].scalar <= range.upperBound {
        for other in folded[index].others { result.append(other...other) }
        index += 1
      }
    }
    return result
  }

  private static func firstFolded(from scalar: UInt32) -> Int {
    var (low, high) = (0, folded.count)
    while low < high {
      let middle = (low + high) / 2
      if folded[middle].scalar < scalar { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Characters that have other cases, in rising order.
  private static let folded: [(scalar: UInt32, others: [UInt32])] = {
    func single(_ mapping: String, _ scalar: Unicode.Scalar) -> Unicode.Scalar {
      mapping.unicodeScalars.count == 1 ? mapping.unicodeScalars.first! : scalar
    }
    var orbits: [UInt32: [UInt32]] = [:]
    // No letter with case lies beyond these planes. The dotless i folds to itself.
    for value in UInt32(0x41)...0x1FFFF where value != 0x131 {
      guard let scalar = Unicode.Scalar(value), scalar.properties.isCased || scalar.properties.changesWhenCaseMapped else { continue }
      let upper = single(scalar.properties.uppercaseMapping, scalar)
      orbits[single(upper.properties.lowercaseMapping, upper).value, default: []].append(value)
    }
    var result: [(scalar: UInt32, others: [UInt32])] = []
    for orbit in orbits.values where orbit.count > 1 {
      for scalar in orbit { result.append((scalar, orbit.filter { $0 != scalar })) }
    }
    return result.sorted { $0.scalar < $1.scalar }
  }()
}
