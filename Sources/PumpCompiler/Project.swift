import Foundation
import PumpInterfaces
import PumpPlan
import PumpConnectorKit
import PumpSemantics
import PumpSyntax

/// The files of one program: a folder's `*.pump` or a single one, with what they import.
public struct Project {
  public let name: String
  /// Where relative paths of the program start.
  public let folder: String
  public let files: [FileSyntax]
  public let diagnostics: [Diagnostic]
  /// The program's pipelines.conf, where it has one.
  public let configuration: String?
  /// What the spec's own files are, without the imported ones; `fmt` writes these.
  public let own: [String]
  /// Folders of Swift sources that implement connectors, by module: `import swift "RedisKit"`.
  public let swiftModules: [String: String]

  /// A path that names no program.
  public struct NotFound: Error {
    public let message: String
  }

  /// Loads a spec, or all specs of a folder, with what they import.
  public static func load(_ path: String, from sources: any SourceProvider = DiskSources()) throws(NotFound) -> Project {
    let entries = sources.names(path)
    let folder = entries == nil ? parentFolder(path) : path
    var names = [path]
    if let entries {
      names = entries.filter { $0.hasSuffix(".pump") && !$0.hasPrefix(".") }.sorted().map {
        path == "." ? $0 : "\(path.hasSuffix("/") ? String(path.dropLast()) : path)/\($0)"
      }
      guard !names.isEmpty else { throw NotFound(message: "folder `\(path)` holds no .pump file") }
    }
    var loader = Loader(sources: sources)
    for name in names {
      if let problem = loader.add(name, from: nil) { throw NotFound(message: problem) }
    }
    let conf = (folder.isEmpty ? "" : folder + "/") + "pipelines.conf"
    let absolute = URL(fileURLWithPath: path).standardizedFileURL.lastPathComponent
    let stem = absolute.hasSuffix(".pump") ? String(absolute.dropLast(5)) : absolute
    return Project(
      name: stem, folder: folder.isEmpty ? "." : folder, files: loader.files, diagnostics: loader.diagnostics,
      configuration: sources.exists(conf) ? conf : nil, own: names, swiftModules: loader.swiftModules)
  }

  private struct Loader {
    let sources: any SourceProvider
    var files: [FileSyntax] = []
    var diagnostics: [Diagnostic] = []
    var seen: Set<String> = []
    var swiftModules: [String: String] = [:]

    /// Reads one file and its imports; a problem is returned where the file itself cannot be read.
    mutating func add(_ path: String, from importer: Span?) -> String? {
      let key = URL(fileURLWithPath: path).standardizedFileURL.path
      guard seen.insert(key).inserted else { return nil }
      guard let bytes = sources.bytes(path, limit: Parser.sizeLimit + 1) else {
        return sources.exists(path) ? "`\(path)` cannot be read as a file" : "there is no file or folder `\(path)`"
      }
      let (tree, found) = Parser.parse(SourceText(path: path, bytes: bytes))
      files.append(tree)
      diagnostics += found
      if tree.items.isEmpty, found.isEmpty {
        diagnostics.append(
          Diagnostic(
            .noOrigin, at: Span(tree.source, 0..<0), "this spec is empty",
            help: "write a pipeline; `pumpc new demo` makes one to start from"))
      }
      for item in tree.items {
        if case .importSwift(let literal, let span) = item { addSwift(literal, span, from: path) }
        guard case .importFile(let literal, let span) = item else { continue }
        guard let relative = literal.plain else {
          diagnostics.append(Diagnostic(.badImport, at: span, "an import's path is plain text", help: "write it without `\\( )`"))
          continue
        }
        let base = parentFolder(path)
        let target = relative.hasPrefix("/") || base.isEmpty ? relative : "\(base)/\(relative)"
        // Another file's lines would stand in the findings.
        guard relative.hasSuffix(".pump") else {
          diagnostics.append(
            Diagnostic(.badImport, at: literal.span, "`\(relative)` is no .pump file", help: "import a file whose name ends in .pump"))
          continue
        }
        if add(target, from: span) != nil {
          diagnostics.append(
            Diagnostic(.badImport, at: literal.span, "`\(relative)` cannot be read", help: "the path is relative to this file's folder"))
        }
      }
      return nil
    }

    /// A folder of Swift sources; its name is the module's.
    private mutating func addSwift(_ literal: StringSyntax, _ span: Span, from path: String) {
      let base = parentFolder(path)
      let relative = literal.plain ?? ""
      let target = relative.hasPrefix("/") || base.isEmpty ? relative : "\(base)/\(relative)"
      guard sources.names(target) != nil else {
        diagnostics.append(
          Diagnostic(
            .badImport, at: literal.span, "`\(relative)` is no folder", help: "name a folder of Swift sources, relative to this file's"))
        return
      }
      let folder = URL(fileURLWithPath: target).standardizedFileURL
      swiftModules[folder.lastPathComponent] = folder.path
    }
  }
}

/// The outcome of compiling a project: everything found, and the plan where nothing was wrong.
public struct Compilation {
  public let project: Project
  public let plan: Plan?
  public let diagnostics: [Diagnostic]
  public let flows: [(span: Span, type: Type)]
  /// Every expression with its type, for tools that show what stands under a cursor.
  public let expressions: [(span: Span, type: Type)]
  public let symbols: SymbolIndex
  public let connectors: [String: Interface]
  /// What may be another in each run, of each pipeline with steps that keep something.
  public let variations: [String: [Variation]]
}

/// Parse, resolve, check, lower.
public func compile(_ project: Project) -> Compilation {
  let newer = project.diagnostics.filter { $0.code == .newerLanguage }
  guard newer.isEmpty else {
    return Compilation(
      project: project, plan: nil, diagnostics: newer, flows: [], expressions: [], symbols: SymbolIndex(), connectors: [:],
      variations: [:])
  }
  let result = check(
    name: project.name, files: project.files, interfaces: builtInInterfaces, formats: builtInFormats,
    patternProblem: { pattern in
      do throws(Regex.Problem) { _ = try Regex(pattern) } catch { return error.message }
      return nil
    })
  // A part that could not be read has been reported; what does not fit because of it is not.
  let unread = project.diagnostics.contains { $0.severity == .error }
  let usageNoise: Set<String> = ["P0108", "P0109", "P0213", "P0302", "P0306", "P0309"]
  let checked = unread ? result.diagnostics.filter { !usageNoise.contains($0.code.id) } : result.diagnostics
  let order = Dictionary(uniqueKeysWithValues: project.files.enumerated().map { (ObjectIdentifier($1.source), $0) })
  let all = (project.diagnostics + checked).enumerated().sorted { a, b in
    let (x, y) = (order[ObjectIdentifier(a.element.span.source)] ?? 0, order[ObjectIdentifier(b.element.span.source)] ?? 0)
    return (x, a.element.span.start, a.offset) < (y, b.element.span.start, b.offset)
  }
  return Compilation(
    project: project, plan: unread ? nil : result.plan, diagnostics: all.map(\.element), flows: result.flows,
    expressions: result.expressions, symbols: result.symbols, connectors: result.connectors, variations: result.variations)
}

/// The formats, as their folders in the runtime declare them.
public let builtInFormats: [FormatSpec] = Formats.all.map { $0.spec }

/// The interface files of the connectors that come with the compiler.
public let builtInInterfaces: [FileSyntax] = interfaceFiles.map { Parser.parse(SourceText(path: $0.path, bytes: $0.bytes)).0 }

/// The connectors that come with the compiler.
public func builtInConnectors() -> [Interface] { connectors(of: builtInInterfaces) }
