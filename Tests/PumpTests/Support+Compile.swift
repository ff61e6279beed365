import PumpCompiler
import PumpTestSupport

extension Support {
  /// Compiles a spec given as text.
  static func compile(_ text: String, path: String = "spec.pump") -> Compilation {
    let file = "/no-such-folder/\(path)"
    return PumpCompiler.compile(try! Project.load(file, from: OpenTexts([file: text])))
  }
}
