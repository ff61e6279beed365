protocol HeapItem { static func < (a: Self, b: Self) -> Bool }

/// A binary heap: the least item is the first.
struct Heap<Item: HeapItem> {
  private(set) var items: [Item] = []
  var first: Item? { items.first }
  var count: Int { items.count }

  mutating func push(_ item: Item) {
    items.append(item)
    var place = items.count - 1
    while place > 0, items[place] < items[(place - 1) / 2] {
      items.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  mutating func pop() {
    let last = items.removeLast()
    guard !items.isEmpty else { return }
    items[0] = last
    var place = 0
    while true {
      var least = place
      for child in [2 * place + 1, 2 * place + 2] where child < items.count && items[child] < items[least] { least = child }
      if least == place { return }
      items.swapAt(place, least)
      place = least
    }
  }
}
