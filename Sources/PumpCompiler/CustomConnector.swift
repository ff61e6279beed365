import Foundation
import PumpSemantics
import PumpSwift

/// A connector whose Swift is the user's: a folder of sources, with folders of C modules in it where it wraps a library.
public struct CustomConnector {
  public let module: String
  public let folder: String
  /// The connectors that the module implements.
  public let interfaces: [Interface]

  var libraries: [SystemLibrary] {
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    return names.compactMap { SystemLibrary(folder: "\(folder)/\($0)", name: $0) }
  }

  /// Writes the protocol that the user's Swift implements; true if it was not there as it is now.
  public func bind() throws -> Bool {
    let path = "\(folder)/Binding.swift"
    let text = interfaces.map(renderBinding).joined(separator: "\n")
    if FileManager.default.contents(atPath: path) == Data(text.utf8) { return false }
    do { try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic) } catch {
      throw BuildProblem(message: "cannot write \(path): \(error.localizedDescription)")
    }
    return true
  }
}

extension Compilation {
  /// The user's connectors: declared in the program's files, implemented in a folder that it imports.
  public var customConnectors: [CustomConnector] {
    project.swiftModules.sorted { $0.key < $1.key }.map { module, folder in
      CustomConnector(
        module: module, folder: folder,
        interfaces: connectors.values.filter { $0.module == module }.sorted { $0.name < $1.name })
    }
  }
}
