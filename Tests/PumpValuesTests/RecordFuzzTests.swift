import Foundation
import PumpTestSupport
import Testing

@testable import PumpValues

/// Records of text that was changed at random: what is read is valid, whatever came.
@Suite struct RecordFuzzTests {
  @Test(arguments: ["1,Ada,\"a \"\"b\"\"\",2.50\n", "id=1 name=Ada note=\"x y\" amount=2.50"]) func textRecords(_ text: String) {
    var random = Support.Random(5)
    let shape = Shape.record(
      "R", [.init("id", .int), .init("name", .string), .init("note", Shape.string.optional), .init("amount", .decimal)])
    let format = text.contains("=") ? Formats.make("kv", shape) : Formats.make("csv", shape)
    let context = Context()
    for _ in 0..<5000 {
      let bytes = random.changed(text)
      let event = bytes.withUnsafeBufferPointer { context.arena.copy($0) }
      let column = Column(shape)
      if format.read(event, into: column, 0, context) == nil {
        let name = column.children[1].get(Text.self, 0)
        #expect(String(validating: name.bytes, as: UTF8.self) != nil)
      }
      context.arena.reset()
    }
  }
}
