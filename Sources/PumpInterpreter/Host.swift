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
  guard let data = try? handle.readToEnd(), let plan = try? PropertyListDecoder().decode(Plan.self, from: data),
    plan.version == Plan.currentVersion
  else {
    FileHandle.standardError.write(Data("pump-host and pumpc are of different versions: build both again\n".utf8))
    exit(70)
  }
  exit(ProgramCommand.main(interpret(plan), factories: factories, arguments: Array(CommandLine.arguments.dropFirst(2))))
}
