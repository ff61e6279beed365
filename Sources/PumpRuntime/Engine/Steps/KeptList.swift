/// The events that a step keeps of one key, in the order in which they came: two words of its state, the first and the last of them.
struct KeptList {
  private let words: UnsafeMutablePointer<UInt64>
  init(_ words: UnsafeMutablePointer<UInt64>) { self.words = words }

  var first: Kept? { Kept(words[0]) }

  func append(_ kept: Kept) {
    if let last = Kept(words[1]) { last.next = kept } else { words[0] = kept.word }
    words[1] = kept.word
  }

  /// Puts events that are linked already into a list that is empty.
  func set(_ items: [Kept]) {
    words[0] = items.first?.word ?? 0
    words[1] = items.last?.word ?? 0
  }

  /// Frees those that are over, of which `gone` is told before.
  func remove(where isOver: (Kept) -> Bool, gone: (Kept) -> Void) {
    var (next, last): (Kept?, Kept?) = (first, nil)
    words[0] = 0
    while let item = next {
      next = item.next
      if isOver(item) {
        gone(item)
        item.free()
      } else {
        if let last { last.next = item } else { words[0] = item.word }
        item.next = nil
        last = item
      }
    }
    words[1] = last?.word ?? 0
  }
}

extension StateTable {
  func list(_ entry: Int32) -> KeptList { KeptList(state(entry)) }

  /// Frees the events that are over of all keys, and drops keys that have none left.
  func removeKept(where isOver: (Kept) -> Bool, gone: (Kept) -> Void) {
    var empty: [Int32] = []
    forEach { entry in
      list(entry).remove(where: isOver, gone: gone)
      if list(entry).first == nil { empty.append(entry) }
    }
    for entry in empty { remove(entry) }
  }

  /// The same of all events of one key.
  func removeKept(_ key: UnsafeBufferPointer<UInt8>, gone: (Kept) -> Void) {
    let entry = find(key)
    guard entry >= 0 else { return }
    list(entry).remove(where: { _ in true }, gone: gone)
    remove(entry)
  }
}
