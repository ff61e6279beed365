import Foundation
import PumpSyntax

/// Where the files of a program come from. Paths are as specs and people write them: relative ones start at the current folder.
public protocol SourceProvider {
  /// The bytes of a file, at most so many; nil if it is not there or is not a plain file.
  func bytes(_ path: String, limit: Int) -> [UInt8]?
  /// Whether there is anything, of whatever kind.
  func exists(_ path: String) -> Bool
  /// The names in a folder; nil if it is not there or is not a folder.
  func names(_ folder: String) -> [String]?
}

/// The files as they lie on the disk.
public struct DiskSources: SourceProvider {
  public init() {}

  public func bytes(_ path: String, limit: Int) -> [UInt8]? {
    let target = (path as NSString).resolvingSymlinksInPath
    // A pipe or a device would be waited for.
    guard (try? FileManager.default.attributesOfItem(atPath: target))?[.type] as? FileAttributeType == .typeRegular,
      let handle = FileHandle(forReadingAtPath: path)
    else { return nil }
    // Nothing is read at the end of an empty file.
    return [UInt8]((try? handle.read(upToCount: limit)) ?? Data())
  }

  public func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  public func names(_ folder: String) -> [String]? {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else { return nil }
    return (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  }
}

/// Texts that an editor holds before they are saved, in front of what another provider has.
public struct OpenTexts: SourceProvider {
  private let texts: [String: String]
  private let base: any SourceProvider

  /// `texts` by their paths.
  public init(_ texts: [String: String], over base: any SourceProvider = DiskSources()) {
    self.texts = Dictionary(texts.map { (Self.key($0.key), $0.value) }) { $1 }
    self.base = base
  }

  private static func key(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }

  public func bytes(_ path: String, limit: Int) -> [UInt8]? {
    texts[Self.key(path)].map { [UInt8]($0.utf8.prefix(limit)) } ?? base.bytes(path, limit: limit)
  }

  public func exists(_ path: String) -> Bool { texts[Self.key(path)] != nil || names(path) != nil || base.exists(path) }

  public func names(_ folder: String) -> [String]? {
    let prefix = Self.key(folder) + "/"
    let own = texts.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }.filter { !$0.contains("/") }
    guard let others = base.names(folder) else { return own.isEmpty ? nil : own.sorted() }
    return Set(own + others).sorted()
  }
}
