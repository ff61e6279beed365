extension RecordFormat {
  /// Calls the body with each record of an event: of one that is a stream of its own, or with the event itself where its
  /// source has cut the stream already.
  public func forEachRecord(_ event: Text, _ batch: Batch, _ body: (Text, Int?) -> Void) throws(EventFailure) {
    guard !batch.isFramed, let framing else {
      begin(batch.header)
      return body(event, nil)
    }
    var number = 0
    try framing.forEach(event, header: { begin($0) }) { (record) throws(EventFailure) in
      number += 1
      body(record, number)
    }
  }
}
