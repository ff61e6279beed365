import Foundation
import PumpPlan
import PumpRuntime

/// The whole of a process that `pumpc run` and `pumpc test` start: the plan comes on a descriptor that pumpc opened, so
/// that standard input stays the pipelines'; the other arguments are those of a built program.
public func runHost(_ factories: [String: ConnectorFactory]) -> Never {
  guard CommandLine.arguments.count >= 2, let descriptor = Int32(CommandLine.arguments[1]) else {
    FileHandle.standardError.write(Data("pump-host is started by `pumpc run`\n".utf8))
    exit(2)
  }
  let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  ProgramCommand.main(interpret(plan(from: handle)), factories: factories, arguments: Array(CommandLine.arguments.dropFirst(2)))
}

/// A plan of another version is refused by its number, before anything else of it is read.
private func plan(from handle: FileHandle) -> Plan {
  struct Header: Decodable { let version: Int }
  let decoder = PropertyListDecoder()
  let data = (try? handle.readToEnd()) ?? Data()
  func refuse(_ found: String) -> Never {
    FileHandle.standardError.write(
      Data("pump-host reads plans of version \(Plan.currentVersion), pumpc gave \(found): build both again\n".utf8))
    exit(70)
  }
  guard let header = try? decoder.decode(Header.self, from: data) else { refuse("none") }
  guard header.version == Plan.currentVersion else { refuse("one of version \(header.version)") }
  guard let plan = try? decoder.decode(Plan.self, from: data) else { refuse("one that cannot be read") }
  return plan
}
