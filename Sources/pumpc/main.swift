import Foundation
import PumpCompiler

func main(_ arguments: [String]) -> Int32 {
  guard let name = arguments.first else {
    complain(overview + "\n")
    return Exit.usage
  }
  if ["--help", "-h", "help"].contains(name), arguments.count < 2 {
    print(overview)
    return Exit.clean
  }
  if ["--version", "-V", "version"].contains(name) {
    print("pumpc \(compilerVersion)")
    return Exit.clean
  }
  let wanted = name == "help" ? arguments[1] : name
  guard let verb = verbs.first(where: { $0.name == wanted }) else {
    let near = nearestVerb(wanted).map { "; did you mean `\($0)`?" } ?? ""
    complain("error: there is no verb `\(wanted)`\(near)\n\n\(overview)\n")
    return Exit.usage
  }
  let words = Array(arguments.dropFirst())
  if name == "help" || words.prefix(while: { $0 != "--" }).contains(where: { $0 == "--help" || $0 == "-h" }) {
    print("usage: pumpc \(verb.help)")
    return Exit.clean
  }
  do {
    return try verb.run(words)
  } catch let problem as Options.Problem {
    complain("error: \(problem.message)\nusage: pumpc \(verb.help.prefix { $0 != "\n" })\n")
    return Exit.usage
  } catch let problem as Project.NotFound {
    complain("error: \(problem.message)\n  help: name a .pump file or a folder that holds some; `pumpc new demo` makes one\n")
    return Exit.usage
  } catch {
    complain("error: \(error.localizedDescription)\n")
    return Exit.internalError
  }
}

openStandardDescriptors()
signal(SIGPIPE, SIG_DFL)
exit(finished(main(Array(CommandLine.arguments.dropFirst()))))
