import Foundation
import PumpConnectorKit

/// Where pumpc and the runtime's sources lie.
public enum Installation {
  /// The folder of the running executable.
  public static let executableFolder: String = {
    let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    return parentFolder(path)
  }()

  /// The package's root: `PUMP_HOME`, or the folder above the executable that holds the runtime's sources.
  public static let root: String? = {
    if let home = ProcessInfo.processInfo.environment["PUMP_HOME"] { return home }
    var folder = URL(fileURLWithPath: executableFolder).resolvingSymlinksInPath()
    for _ in 0..<8 {
      if FileManager.default.fileExists(atPath: folder.appendingPathComponent("Sources/PumpRuntime").path) { return folder.path }
      folder.deleteLastPathComponent()
    }
    return nil
  }()
}

public let compilerVersion = pumpVersion

/// The folder part of a path; empty for a bare name. (Foundation's own traps on names of one character.)
func parentFolder(_ path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "" }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}
