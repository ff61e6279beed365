"""What is wrong with what a sink shows."""

import collections
import dataclasses


@dataclasses.dataclass
class Verdict:
    missing: int
    corrupt: int
    duplicates: int
    # None where the sink shows no order.
    disordered: int | None
    # Events on the error route, and how many of them the system would have taken.
    refused: int
    wrongly_refused: int

    def is_kept(self, once):
        return not (self.missing or self.corrupt or self.disordered or self.wrongly_refused or once and self.duplicates)

    def __str__(self):
        order = "order not shown" if self.disordered is None else f"{self.disordered} out of order"
        text = f"{self.missing} missing, {self.corrupt} corrupt, {self.duplicates} duplicates, {order}"
        return text + (f", {self.refused} refused ({self.wrongly_refused} wrongly)" if self.refused or self.wrongly_refused else "")


def judge(pair, issued):
    expected = pair.expected(issued)
    found = pair.found()
    counts = collections.Counter(item.get("n") for item in found)
    refused = {item.get("n") for item in pair.refused()}
    wanted = {n for n in range(1, issued + 1) if pair.refuses(n)}
    return Verdict(
        missing=sum(1 for n in expected if counts[n] == 0) + len(wanted - refused),
        corrupt=sum(1 for item in found if expected.get(item.get("n")) != item),
        duplicates=sum(count - 1 for count in counts.values()),
        disordered=disordered(expected, found) if pair.ordered else None,
        refused=len(refused), wrongly_refused=len(refused - wanted))


def disordered(expected, found):
    """Events that do not follow the one before of their key. Where events come again, it goes back and then forward as before."""
    places, lengths = {}, collections.Counter()
    for n, item in sorted(expected.items()):
        places[n] = lengths[item["key"]]
        lengths[item["key"]] += 1
    reached, wrong = {}, 0
    for item in found:
        place = places.get(item.get("n"))
        if place is not None:
            wrong += place > reached.get(item["key"], -1) + 1
            reached[item["key"]] = place
    return wrong
