extension RecordFormat {
  /// Calls the body with each record of an event: of one that is a stream of its own, or with the event itself where its
  /// source has cut the stream already.
  public func forEachRecord(_ event: Text, _ batch: Batch, _ body: (Record) -> Void) throws(EventFailure) {
    guard !batch.isFramed, let framing else {
      begin(batch.header)
      return body(Record(event))
    }
    var number = 0
    var header: Header?
    let begins = { (found: Header) in
      header = found
      self.begin(found)
    }
    try framing.forEach(event, header: begins) { (record) throws(EventFailure) in
      number += 1
      body(Record(record, number, header: header))
    }
  }
}
