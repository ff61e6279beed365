"""Steps by their definitions: each takes all events of a flow at once, and gives all that comes of them."""

import datetime
import functools
import zoneinfo

from aggregates import Failed
from values import DAY, civil, encode, key, record, text

FAR = 2**70


class Event:
    """A record with its time, and its place among those of the same time."""

    __slots__ = ("row", "time", "rank")

    def __init__(self, row, time, rank):
        self.row, self.time, self.rank = row, time, rank

    @property
    def place(self):
        return self.time, self.rank


def admit(partitions, late):
    """Events that are in time, each partition's in its order, and the lines of those that are not. A partition is a list of pairs of
    record and line."""
    events, failures = [], []
    for number, lines in enumerate(partitions):
        greatest = None
        for position, (row, line) in enumerate(lines):
            time = row["at"]
            if greatest is not None and time < greatest - late:
                failures.append(("late", line))
                continue
            greatest = time if greatest is None else max(greatest, time)
            events.append(Event(row, time, (number, position)))
    return events, failures


# Windows.


def tumbling(length, offset=0):
    return lambda time: [((time - offset) // length * length + offset, (time - offset) // length * length + offset + length)]


def sliding(length, every):
    def windows(time):
        last = time // every * every
        return [(start, start + length) for start in range(last - length + every, last + 1, every)]

    return windows


@functools.lru_cache(maxsize=None)
def midnight(zone, day):
    """The first microsecond of a day, of which the number since 1970 is given."""
    zone = zoneinfo.ZoneInfo(zone)
    utc = datetime.timezone.utc
    local = datetime.datetime(*civil(day))
    there = local.replace(tzinfo=zone).astimezone(utc)
    if there.astimezone(zone).replace(tzinfo=None) != local:
        # A change of summer time has taken it away: the day begins at the change.
        low, high = local.replace(tzinfo=utc) - datetime.timedelta(days=2), local.replace(tzinfo=utc) + datetime.timedelta(days=2)
        while high - low > datetime.timedelta(seconds=1):
            middle = low + (high - low) // 2
            middle = middle.replace(microsecond=0)
            if middle in (low, high):
                break
            if middle.astimezone(zone).date() >= local.date():
                high = middle
            else:
                low = middle
        there = high
    return round((there - datetime.datetime(1970, 1, 1, tzinfo=utc)).total_seconds()) * 1_000_000


def calendar(unit, zone):
    def first(day, step):
        """The first day of the unit that the day is in, or of one after it."""
        year, month, _ = civil(day)
        if unit == "day":
            return day + step
        if unit == "week":
            return day - (day + 3) % 7 + 7 * step
        month = (month - 1 if unit == "month" else 0) + step * (1 if unit == "month" else 12) + year * 12
        return (datetime.date(month // 12, month % 12 + 1, 1) - datetime.date(1970, 1, 1)).days

    def windows(time):
        starts = [midnight(zone, first(time // DAY, step)) for step in (-2, -1, 0, 1, 2)]
        return [(start, end) for start, end in zip(starts, starts[1:]) if start <= time < end]

    return windows


def sessions(events, gap):
    """Pairs of a window and its events, which are of one key."""
    out = []
    for event in sorted(events, key=lambda event: event.time):
        if out and event.time - out[-1][-1].time < gap:
            out[-1].append(event)
        else:
            out.append([event])
    return [((items[0].time, items[-1].time + gap), items) for items in out]


class Keys:
    """The key of a step: pairs of a name and a wire name, type, text, and function of the event."""

    def __init__(self, parts):
        self.parts = parts

    def of(self, row):
        return tuple(key(value(row), kind) for _, _, kind, _, value in self.parts)

    def values(self, row):
        return {name: value(row) for name, _, _, _, value in self.parts}

    def collect(self, events):
        found = {}
        for event in events:
            found.setdefault(self.of(event.row), []).append(event)
        return found


def shown(keys, values, window):
    """The payload of a result that fails."""
    parts = [f"{text(wire)}:{encode(values[name], kind)}" for name, wire, kind, _, _ in keys.parts]
    if window:
        bounds = record(("start", "start", "Timestamp"), ("end", "end", "Timestamp"))
        parts.append(f'"window":{encode(dict(zip(("start", "end"), window)), bounds)}')
    return "{" + ",".join(parts) + "}"


def computed(events, keys, body, window, bounded):
    """The row of a result. `body` has triples of name, type and function of the events' records and the window."""
    rows = [event.row for event in sorted(events, key=lambda event: event.place)]
    values = keys.values(rows[0])
    try:
        return {**values, **{name: value(rows, window) for name, _, value in body}}, None
    except Failed:
        return None, ("aggregate", shown(keys, values, window if bounded else None))


def group(events, keys, windows, body):
    """`windows` gives those of a time; None is one for all events; a number the gap of sessions."""
    found = []
    for sort, items in keys.collect(events).items():
        if windows is None:
            found.append(((0, FAR), sort, items))
        elif isinstance(windows, int):
            found += [(window, sort, session) for window, session in sessions(items, windows)]
        else:
            opened = {}
            for event in items:
                for window in windows(event.time):
                    opened.setdefault(window, []).append(event)
            found += [(window, sort, inside) for window, inside in opened.items()]
    out, failures = [], []
    for window, sort, items in sorted(found, key=lambda item: (item[0][1], item[1])):
        row, failure = computed(items, keys, body, window, windows is not None)
        if failure:
            failures.append(failure)
        else:
            out.append(Event(row, window[1] - 1, (len(out),)))
    return out, failures


def rows(events, keys, most, within, body):
    """Windows of so many rows, in the order in which they close: at their last event, or where the newest event is `within` or more
    newer than that was when they began."""
    opened, out, failures = {}, [], []
    greatest = -FAR

    def close(sort, time):
        _, items = opened.pop(sort)
        row, failure = computed(items, keys, body, None, False)
        if failure:
            failures.append(failure)
        else:
            out.append(Event(row, time, (len(out),)))

    def advance(time):
        if within is not None:
            for end, sort in sorted((start + within, sort) for sort, (start, _) in opened.items()):
                if end <= time:
                    close(sort, end - 1)

    for event in events:
        greatest = max(greatest, event.time)
        advance(greatest)
        sort = keys.of(event.row)
        opened.setdefault(sort, (greatest, []))[1].append(event)
        if len(opened[sort][1]) == most:
            close(sort, greatest)
    advance(FAR)
    for sort in sorted(opened):
        close(sort, greatest)
    return out, failures


# Steps that give each event, with more or less in it.


def dedupe(events, keys, within):
    passed, out = {}, []
    for event in events:
        times = passed.setdefault(keys.of(event.row), [])
        if all(abs(time - event.time) > within for time in times):
            times.append(event.time)
            out.append(event)
    return out


def dedupe_last(events, keys, most):
    seen, out = [], []
    for event in events:
        sort = keys.of(event.row)
        if sort in seen:
            seen.remove(sort)
        else:
            out.append(event)
        seen.append(sort)
        seen = seen[-most:]
    return out


def added(event, name, value):
    return Event({**event.row, name: value}, event.time, event.rank)


def previous(events, keys, within, name):
    last, out = {}, []
    for event in events:
        sort = keys.of(event.row)
        before = last.get(sort)
        out.append(added(event, name, before.row if before and event.time - before.time <= within else None))
        last[sort] = event
    return out


def running(events, keys, within, name, body):
    seen, out, failures = {}, [], []
    for event in events:
        own = seen.setdefault(keys.of(event.row), [])
        own.append(event)
        near = [other for other in own if event.time - within <= other.time <= event.time]
        rows = [other.row for other in sorted(near, key=lambda other: other.place)]
        try:
            out.append(added(event, name, {field: value(rows, None) for field, _, value in body}))
        except Failed:
            failures.append(("aggregate", event))
    return out, failures


def fold(events, keys, within, name, start, following, limit):
    """A key of which each event has failed is none of those that the limit counts."""
    kept, out, failures = {}, [], []
    for event in events:
        sort = keys.of(event.row)
        if limit and sort not in kept and len(kept) >= limit:
            failures.append(("limit", event))
            continue
        before, last = kept.get(sort, (None, None))
        if last is None or event.time - last > within:
            before, last = start, event.time
        try:
            after = following(event.row, before)
        except Failed:
            failures.append(("expression", event))
            continue
        kept[sort] = (after, max(last, event.time))
        out.append(added(event, name, after))
    return out, failures


def limited(events, keys, limit):
    """Events of the first keys, and those beyond."""
    known, out, failures = set(), [], []
    for event in events:
        sort = keys.of(event.row)
        if sort not in known and len(known) >= limit:
            failures.append(("limit", event))
        else:
            known.add(sort)
            out.append(event)
    return out, failures


def order(events):
    return [Event(event.row, event.time, (place,)) for place, event in enumerate(sorted(events, key=lambda event: event.place))]


# Joins. `keys` is of the event, `others` of the other side; null meets nothing.


def matching(side, others):
    return {sort: items for sort, items in others.collect(side).items() if not has_null(others, items[0].row)}


def has_null(keys, row):
    return any(value(row) is None for _, _, _, _, value in keys.parts)


def join(events, side, keys, others, first, last, test, name, left):
    found, out = matching(side, others), []
    for event in events:
        pairs = []
        for other in [] if has_null(keys, event.row) else found.get(keys.of(event.row), []):
            if first <= other.time - event.time <= last and test(event.row, other.row):
                pairs.append(Event({**event.row, name: other.row}, event.time, (event.rank, other.rank)))
        if left and not pairs:
            pairs = [Event({**event.row, name: None}, event.time, (event.rank,))]
        out += pairs
    return out


def join_latest(events, side, keys, others, name, left, as_read):
    found, out = matching(side, others), []
    for event in events:
        versions = [] if has_null(keys, event.row) else found.get(keys.of(event.row), [])
        if not as_read:
            versions = sorted((other for other in versions if other.time <= event.time), key=lambda other: other.place)
        if versions or left:
            out.append(added(event, name, versions[-1].row if versions else None))
    return out
