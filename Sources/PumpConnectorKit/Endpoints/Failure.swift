/// A failed event on its way to the error route.
public struct Failure: Sendable {
  /// An element of a list: its place from 0 on, and its JSON where that is still known.
  package typealias Part = (index: Int, json: String?)
  /// The event of the batch, or the one that follows a refused one.
  public let row: Int
  /// The step's number; -1 for the source.
  public let step: Int
  public let message: String
  /// Nil where the step says it.
  public let reason: FailureReason?
  /// The event's bytes and meta, where it is not one of the batch.
  public let payload: (bytes: Text, meta: String)?
  /// What failed of an event that was cut into records, and of a list that it was expanded by.
  package var record: Record?
  package var element: Part?
  /// How often it was tried.
  package var attempts = 1
  public init(row: Int, step: Int, message: String, reason: FailureReason? = nil, payload: (bytes: Text, meta: String)? = nil) {
    self.row = row
    self.step = step
    self.message = message
    self.reason = reason
    self.payload = payload
  }
}

/// One record of an event that holds many, such as a line of a CSV file that is read whole.
public struct Record: Sendable {
  public let text: Text
  /// From 1 on; nil if the event is the record.
  public let number: Int?
  /// What names its columns, where a record before it does.
  package let header: Header?
  package init(_ text: Text, _ number: Int? = nil, header: Header? = nil) {
    (self.text, self.number, self.header) = (text, number, header)
  }
}

/// An element of a list that an event is expanded by: where it lies in the arena of its batch. Its JSON is made where it fails.
public struct Element {
  @usableFromInline let index: Int
  @usableFromInline let address: UnsafeRawPointer
  @usableFromInline let write: (UnsafeRawPointer, inout ByteBuffer) -> Void

  @inlinable init<Item: JSONWritable>(_ list: List<Item>, _ index: Int) {
    self.index = index
    address = UnsafeRawPointer(list.base + index)
    write = { $0.assumingMemoryBound(to: Item.self).pointee.write(json: &$1) }
  }

  var json: String {
    var out = ByteBuffer(capacity: 256)
    defer { out.release() }
    write(address, &out)
    return out.string
  }
}
