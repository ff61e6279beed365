"""Random programs, each with its input and with what is to come of it."""

import operator
import random
from fractions import Fraction

import steps
from aggregates import Aggregate, Failed
from values import duration, encode, fields, instant, optional, parse, record, text, timestamp, wrapped

KIND = ("enum", "Kind", ("red", "blue", "green"))
PLACE = record(("a", "a", "Int"), ("c", "c", ("opt", "String")))
EVENT = record(
    ("at", "at", "Timestamp"), ("k", "k", ("opt", "String")), ("s", "S", "String"), ("n", "n", "Int"), ("d", "d", "Decimal"),
    ("f", "f", "Float"), ("b", "b", "Bool"), ("e", "e", KIND), ("u", "u", "Duration"), ("g", "g", ("opt", PLACE)))
TYPES = """enum Kind { red, blue, green }
type Place { a: Int, c: String? }
type Event {
  at: Timestamp, k: String?, s: String as "S", n: Int, d: Decimal, f: Float, b: Bool, e: Kind, u: Duration, g: Place?
}
connection db: SQLite { path = "out.db", synchronous = off }
"""

MS, SECOND, MINUTE, HOUR, DAY = 1000, 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000
ZONES = [
    "Europe/Prague", "America/New_York", "Australia/Lord_Howe", "UTC", "America/Sao_Paulo", "Africa/Cairo", "America/Havana",
    "Pacific/Apia", "Asia/Kathmandu",
]
# Where the events of a program begin: at a change of summer time or near one, around 1970, long ago.
BEGINNINGS = [
    "2026-03-28T20:00:00Z", "2026-10-24T20:00:00Z", "2026-03-08T00:00:00Z", "2026-11-01T00:00:00Z", "2026-04-04T10:00:00Z",
    "2026-10-03T10:00:00Z", "1969-12-31T23:59:00Z", "1970-01-01T00:00:00Z", "1885-06-01T00:00:00Z", "2018-11-03T12:00:00Z",
    "2018-02-17T12:00:00Z", "2011-12-28T12:00:00Z", "2024-02-28T12:00:00Z", "2023-04-27T10:00:00Z", "2023-10-26T10:00:00Z",
    "2000-12-30T00:00:00Z",
]
COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne}
FULL = {"sum", "average", "min", "max", "first", "last", "list", "any", "all", "stddev", "variance", "median", "quantile", "approx_distinct",
        "distinct", "top", "min_by", "max_by", "count"}


def remainder(a, b):
    """Rounded towards zero, as Int does."""
    return abs(a) % b * (1 if a >= 0 else -1)


class Source:
    """A stream of random events, in one partition or two."""

    def __init__(self, rng, name, pool, size, divided, stdin, kept=None):
        self.name, self.divided, self.stdin = name, divided, stdin
        self.late = rng.choice([0, 1 * SECOND, 10 * SECOND, 1 * MINUTE]) if pool.scale < HOUR else rng.choice([0, 10 * MINUTE, 3 * HOUR])
        self.files = {}
        # By partition and number.
        self.places = []
        parts = []
        for number in range(2 if divided else 1):
            lines = pool.lines(rng, rng.choice([0, 1, size]) if number and rng.random() < 0.2 else size, self.late)
            if kept is not None:
                lines = [line for place, line in enumerate(lines) if (number, place) in kept]
            self.places += [(number, place) for place in range(len(lines))]
            self.files["-" if stdin else f"{name}{number}.ndjson"] = lines
            parts.append([(parse(line, EVENT), line) for line in lines])
        self.events, self.failures = steps.admit(parts, self.late)
        if stdin:
            origin = "stdin.lines()"
        elif divided:
            origin = f"merge({', '.join(f'file.lines({text(file)})' for file in self.files)})"
        else:
            origin = f"file.lines({text(next(iter(self.files)))})"
        self.text = (
            f"stream {name} {{\n  source {origin}\n    |> decode json as Event\n    |> time .at late {duration(self.late)}\n"
            f"  on error |> encode json |> sink file.lines(\"{name}_dead.ndjson\")\n}}\n"
        )


class Pool:
    """What the events of a program are drawn from."""

    def __init__(self, rng, size):
        self.scale = rng.choice([10 * MS, SECOND, SECOND, 5 * SECOND, HOUR])
        self.start = instant(rng.choice(BEGINNINGS))
        many = size > 1000
        texts = ["", "a", "aa", "b", "é", "z\u0000", "z", "\u0001", "x" * 3000, '"\\']
        self.texts = [f"key {number}" for number in range(100)] if many else rng.sample(texts, rng.randint(1, 5))
        self.decimals = rng.sample(["1", "1.0", "1.00", "-0.0", "0", "0.10", "1e2", "99999999999999999999.5", "-3.25", "0.1"], 5)
        self.floats = rng.sample(["-0.0", "0", "1.5", "1e21", "-1e-7", "0.1", "0.2", "123456789.25", "-0.3", "5e-324"], 5)
        self.most = rng.choice([3, 10, 1000, 10**6])

    def lines(self, rng, count, late):
        out, now = [], self.start + rng.randint(0, 20) * self.scale
        fine = rng.random() < 0.3
        for _ in range(count):
            now += rng.choice([0, 0, 1, 1, 2, 5, rng.randint(0, 20)]) * self.scale
            if rng.random() < 0.01:
                now += rng.randint(0, 500) * self.scale
            time = now
            if rng.random() < 0.3:
                time -= rng.choice([self.scale, late, late + 1, rng.randint(0, 2 * late + self.scale)])
            if fine:
                time += rng.randint(0, 999_999)
            out.append(self.line(rng, time))
        return out

    def line(self, rng, time):
        place = f'{{"a":{rng.randint(0, 2)},"c":{rng.choice(["null", text(rng.choice(self.texts))])}}}'
        parts = {
            "at": f'"{timestamp(time)}"',
            "k": "null" if rng.random() < 0.1 else text(rng.choice(self.texts)),
            "S": text(rng.choice(self.texts)),
            "n": str(rng.randint(-self.most, self.most)),
            "d": rng.choice(self.decimals),
            "f": rng.choice(self.floats),
            "b": rng.choice(["true", "false"]),
            "e": text(rng.choice(KIND[2])),
            "u": f'"{rng.choice([0, 5, -7, 90, 1500, 10**6])}{rng.choice(["s", "ms", "us"])}"',
            "g": rng.choice(["null", place]),
        }
        return "{" + ",".join(f'"{name}":{value}' for name, value in parts.items()) + "}"


class Flow:
    """What is known of a flow at a place in a chain: the type of its record, its events, and whether their order is the same in each run."""

    def __init__(self, kind, events, ordered, timed=True, sorted_=False, divided=False):
        self.kind, self.events, self.ordered, self.timed, self.sorted = kind, events, ordered, timed, sorted_
        self.divided = divided
        # Events of the same time and place, whose order is not held against the model.
        self.ties = False

    def to(self, events, kind=None, **changes):
        flow = Flow(kind or self.kind, events, self.ordered, self.timed, self.sorted, self.divided)
        flow.ties = self.ties
        flow.__dict__.update(changes)
        return flow


class Program:
    """The text of a program, its input by file ("-" is the standard input), and what it is to give."""

    def __init__(self, seed, functions=FULL, size=None, only=None, skipped=(), kept={}):
        """Of `only` the pipeline of that number, without the steps of some numbers, and with some lines of the sources only."""
        self.skipped, self.made = skipped, 0
        self.rng = rng = random.Random(seed)
        self.functions = functions
        self.size = size if size is not None else rng.choice([0, 1, 5, 30, 30, 100, 100, 300, 300] + ([20_000] if rng.random() < 0.4 else []))
        self.pool = Pool(rng, self.size)
        self.files, self.lines, self.tables, self.dead = {}, {}, {}, {}
        stdin = rng.random() < 0.25
        self.sources = [
            Source(rng, "events", self.pool, self.size, not stdin and rng.random() < 0.4, stdin, kept.get("events")),
            Source(rng, "others", self.pool, self.size // 3, rng.random() < 0.2, False, kept.get("others")),
        ]
        self.number = 0
        blocks, used = [], set()
        for number in range(rng.randint(2, 6)):
            name = f"p{number}"
            lines, tables = dict(self.lines), dict(self.tables)
            chain = Chain(self, name)
            source = self.sources[0] if rng.random() < 0.8 else self.sources[1]
            chain.uses.add(source.name)
            flow = Flow(EVENT, source.events, not source.divided, divided=source.divided)
            steps_text = chain.chain(flow, rng.randint(1, 4), 0)
            if only not in (None, number):
                self.lines, self.tables = lines, tables
                continue
            used |= chain.uses
            self.dead[f"{name}_dead.ndjson"] = chain.failures
            blocks.append(
                f"pipeline {name} {{\n  source {source.name}\n" + "".join(f"    |> {step}\n" for step in steps_text)
                + f"  on error |> encode json |> sink file.lines(\"{name}_dead.ndjson\")\n}}\n")
        sources = [source for source in self.sources if source.name in used]
        self.divided = any(source.divided for source in sources)
        self.pipelines = number + 1
        for source in sources:
            self.files.update(source.files)
            self.dead[f"{source.name}_dead.ndjson"] = source.failures
        self.text = TYPES + "\n" + "\n".join([source.text for source in sources] + blocks)

    def next(self):
        self.number += 1
        return self.number


class Chain:
    """Makes the steps of a pipeline, each with what it does to the flow."""

    def __init__(self, program, name):
        self.program, self.rng, self.name = program, program.rng, name
        self.failures, self.uses = [], set()

    # Expressions: triples of text, type and function of the record.

    def values(self, kind):
        out = []
        for name, (_, inner) in fields(kind).items():
            out.append((f".{name}", inner, lambda row, name=name: row[name]))
            if inner[0] == "rec":
                for part, (_, deep) in fields(inner).items():
                    out.append((f".{name}.{part}", deep, lambda row, name=name, part=part: row[name][part]))
        return out

    def value(self, kind, *wanted):
        """One of a type that is wanted, at random; None where there is none."""
        found = [item for item in self.values(kind) if item[1] in wanted]
        if not found:
            return None
        label, inner, value = self.rng.choice(found)
        roll = self.rng.random()
        if inner == "Int" and roll < 0.3:
            by = self.rng.randint(2, 5)
            return self.rng.choice([
                (f"{label} * {by}", inner, lambda row: value(row) * by), (f"{label} % {by}", inner, lambda row: remainder(value(row), by)),
                (f"{label} - {by}", inner, lambda row: value(row) - by)])
        if inner == "Decimal" and roll < 0.3:
            return f"{label} + 0.25", inner, lambda row: value(row) + Fraction(1, 4)
        return label, inner, value

    def condition(self, kind):
        rng = self.rng
        plain = ("Int", "Bool", "String", "Decimal", KIND)
        choices = [item for item in self.values(kind) if item[1] in plain or item[1] in (("opt", "Int"), ("opt", "String"))]
        if not choices:
            return "1 == 1", lambda row: True
        label, inner, value = rng.choice(choices)
        # A test for null would change the types of what follows.
        if inner == ("opt", "Int"):
            return f"({label} ?? 0) < 1", lambda row: (value(row) or 0) < 1
        if inner == ("opt", "String"):
            return f'({label} ?? "a") != "a"', lambda row: (value(row) if value(row) is not None else "a") != "a"
        if inner == "Bool":
            return rng.choice([(label, value), (f"not {label}", lambda row: not value(row))])
        if inner == "Int":
            sign = rng.choice(["<", "<=", ">", ">=", "!="])
            limit = rng.choice([0, 1, 2, self.program.pool.most // 2])
            return f"{label} {sign} {limit}", lambda row: COMPARE[sign](value(row), limit)
        if inner == "Decimal":
            return f"{label} >= 1.0", lambda row: value(row) >= 1
        if inner == KIND:
            case = rng.choice(KIND[2])
            return f"{label} != {case}", lambda row: value(row) != case
        sample = rng.choice(self.program.pool.texts)
        if any(sign < " " or sign in '"\\' for sign in sample):
            sample = "a"
        return f"{label} != {text(sample)}", lambda row: value(row) != sample

    def keys(self, kind, least=0, nullable=True):
        """The key of a step, and its text without `by`."""
        rng = self.rng
        found = [
            (name, wire, inner, f".{name}", lambda row, name=name: row[name])
            for name, (wire, inner) in fields(kind).items()
            if inner in ("Int", "Decimal", "Float", "String", "Bool", KIND, "Timestamp", "Duration", PLACE, ("opt", PLACE), ("opt", "String"))
            and (nullable or inner[0] not in ("opt", "rec"))
        ]
        # Keys with few values are of more use.
        common = [item for item in found if item[2] not in ("Timestamp", "Int", "Duration")]
        if rng.random() < 0.8 and common:
            found = common
        count = min(len(found), rng.choice([1, 1, 1, 2, 2, 3]) if least or rng.random() < 0.9 else 0)
        parts = rng.sample(found, count)
        numbers = [item for item in self.values(kind) if item[1] == "Int"]
        if numbers and rng.random() < 0.15 or not parts and least:
            if not numbers:
                return None, None
            label, _, value = rng.choice(numbers)
            name = f"key{self.program.next()}"
            parts = [(name, name, "Int", f"{label} % 3", lambda row: remainder(value(row), 3))]
            return steps.Keys(parts), f"{{ {name}: {parts[0][3]} }}"
        return steps.Keys(parts), ", ".join(part[3] for part in parts)

    def body(self, kind, bounded, ties=False):
        """Results of a group: pairs of text and (name, type, function of the records and the window)."""
        rng, out = self.rng, []
        if bounded and rng.random() < 0.8:
            out.append((f"from{self.program.next()}", "window.start", "Timestamp", lambda rows, window: window[0]))
        if bounded and rng.random() < 0.5:
            out.append((f"to{self.program.next()}", "window.end", "Timestamp", lambda rows, window: window[1]))
        for _ in range(rng.randint(1, 4)):
            aggregate = self.aggregate(kind)
            if aggregate is None or ties and aggregate.function in ("first", "last", "list", "top", "min_by", "max_by"):
                continue
            label, inner = aggregate.text, aggregate.result
            value = lambda rows, window, aggregate=aggregate: aggregate.of(rows)  # noqa: E731
            if inner == "Int" and rng.random() < 0.2:
                label, value = f"{label} * 2", lambda rows, window, inner=value: inner(rows, window) * 2
            out.append((("near" if inner == "Near" else "x") + str(self.program.next()), label, inner, value))
        if not out:
            out.append((f"x{self.program.next()}", "count()", "Int", lambda rows, window: len(rows)))
        return [(f"{name}: {label}", (name, inner, value)) for name, label, inner, value in out]

    def aggregate(self, kind):
        rng = self.rng
        where = self.condition(kind) if rng.random() < 0.3 else None
        function = rng.choice(sorted(self.program.functions))
        if self.program.functions == {"count", "sum"} and function == "sum":
            where = None
        options = {"where": where}
        plain = ("Int", "Decimal", "Float", "String", "Timestamp", "Duration")
        if function == "count":
            return Aggregate("count", where=where)
        if function in ("sum", "average"):
            wanted = ("Int", "Decimal", "Float", "Duration") if len(self.program.functions) > 2 else ("Int",)
        elif function in ("stddev", "variance"):
            wanted = ("Int", "Decimal", "Float")
        elif function in ("median", "quantile"):
            wanted = ("Int", "Decimal", "Float", "Duration", "Timestamp")
            options["limit"] = rng.choice([None, 3, 100])
        elif function in ("min", "max"):
            wanted = plain
        elif function in ("any", "all"):
            wanted = ("Bool",)
        elif function in ("distinct", "approx_distinct"):
            wanted = plain + ("Bool",)
        else:
            wanted = plain + ("Bool", KIND, PLACE)
            if function in ("first", "last", "list"):
                wanted += (("opt", "String"), ("opt", PLACE))
        if function in ("list", "distinct"):
            options["limit"] = rng.choice([None, None, 3, 100])
        if function == "quantile":
            options["q"] = rng.choice([0, 0.25, 0.5, 0.9, 0.95, 1, 0.333])
        if function in ("top", "min_by", "max_by"):
            by = self.value(kind, *plain)
            if by is None:
                return None
            options["by"], options["by_kind"] = (by[0], by[2]), by[1]
        if function == "top":
            options["n"], options["ties"] = rng.choice([1, 2, 3, 10]), rng.random() < 0.3
        if function in ("first", "last", "list", "top", "min_by", "max_by") and rng.random() < 0.2 and not has_near(kind):
            argument = "it", kind, lambda row: row
        else:
            argument = self.value(kind, *wanted)
        if argument is None:
            return None
        return Aggregate(function, (argument[0], argument[2]), argument[1], **options)

    # Chains.

    def chain(self, flow, count, depth):
        """Texts of steps up to a sink."""
        out = []
        for _ in range(count):
            number, failures = self.program.made, list(self.failures)
            self.program.made += 1
            lines, tables = dict(self.program.lines), dict(self.program.tables)
            step = self.step(flow, depth)
            if number in self.program.skipped:
                self.failures, self.program.lines, self.program.tables = failures, lines, tables
            elif step is not None:
                label, flow = step
                out.append(label)
        if depth == 0 and flow.timed and self.rng.random() < 0.15:
            table = self.table(flow)
            if table is not None:
                return out + table
        if depth == 0 and self.rng.random() < 0.15:
            label, test = self.condition(flow.kind)
            arms = []
            for condition, keep in ((f"when {label}", test), ("else", lambda row: not test(row))):
                inner = flow.to([event for event in flow.events if keep(event.row)])
                arms.append(f"{condition} => " + " |> ".join(self.chain(inner, self.rng.randint(0, 2), 1)))
            return out + ["route {\n" + "".join(f"      {arm}\n" for arm in arms) + "    }"]
        name = f"out{self.program.next()}.ndjson"
        lines = [encode(event.row, flow.kind) for event in flow.events]
        self.program.lines[name] = (flow.ordered, lines)
        return out + ["encode json", f"sink file.lines(\"{name}\")"]

    def table(self, flow):
        keys, label = self.keys(flow.kind, 1, nullable=False)
        if keys is None:
            return None
        windows, inner = self.windows()
        body = self.body(flow.kind, False, flow.ties)
        if self.rng.random() < 0.3:
            windows, inner = None, ""
        else:
            start = f"from{self.program.next()}"
            body.append((f"{start}: window.start", (start, "Timestamp", lambda rows, window: window[0])))
        # What fails leaves the older row.
        if any("limit:" in part or "near" in part or "list" in part or "top" in part for part, _ in body):
            return None
        results, _ = steps.group(flow.events, keys, windows, [item for _, item in body])
        kind = record(*[(name, wire, inner) for name, wire, inner, _, _ in keys.parts], *[(name, name, inner) for _, (name, inner, _) in body])
        columns = [part[0] for part in keys.parts] + ([start] if windows else [])
        table = f"t{self.program.next()}"
        self.program.tables[table] = sorted(encode(event.row, kind) for event in results), kind
        return [
            f"group by {label} {inner}emit on change {{ {', '.join(part for part, _ in body)} }}",
            f"sink db.table(\"{table}\", key: [{', '.join(columns)}])",
        ]

    def length(self):
        return self.rng.choice([1, 3, 10, 60]) * self.program.pool.scale

    def windows(self):
        """Windows with bounds that do not depend on the events, and their text."""
        rng = self.rng
        roll = rng.random()
        if roll < 0.35:
            length = self.length()
            offset = rng.choice([0, 0, length // 3, -length // 2, 7 * length + 1])
            return steps.tumbling(length, offset), f"window tumbling {duration(length)}{f' offset {minus(offset)}' if offset else ''} "
        if roll < 0.7:
            unit, zone = rng.choice(["day", "week", "month", "year"]), rng.choice(ZONES)
            return steps.calendar(unit, zone), f"window tumbling {unit} zone \"{zone}\" "
        return self.tumbling()

    def tumbling(self):
        length = self.length()
        return steps.tumbling(length), f"window tumbling {duration(length)} "

    def step(self, flow, depth):
        rng = self.rng
        plain = ["filter", "set", "drop"]
        kinds = list(plain)
        if depth == 0:
            kinds.append("tee")
        kinds += ["group"] * 3
        if flow.timed:
            kinds += ["join", "left", "latest", "left_latest", "latest_read"]
            if flow.divided or not flow.ordered:
                kinds += ["order"] * 3
            elif not flow.sorted:
                kinds += ["order"]
        if flow.ordered:
            kinds += ["dedupe_last", "rows"]
            if flow.timed:
                kinds += ["dedupe", "previous", "running", "fold", "rows_within"]
        return getattr(self, "step_" + rng.choice(kinds))(flow)

    def step_filter(self, flow):
        label, test = self.condition(flow.kind)
        return f"filter {label}", flow.to([event for event in flow.events if test(event.row)])

    def step_set(self, flow):
        value = self.value(flow.kind, "Int", "Decimal", "String")
        if value is None:
            return None
        name = f"y{self.program.next()}"
        kind = record(*flow.kind[1], (name, name, value[1]))
        return f"set {{ {name}: {value[0]} }}", flow.to([steps.added(event, name, value[2](event.row)) for event in flow.events], kind)

    def step_drop(self, flow):
        if len(flow.kind[1]) < 3:
            return None
        name = self.rng.choice(flow.kind[1])[0]
        kind = record(*[item for item in flow.kind[1] if item[0] != name])
        events = [steps.Event({key: event.row[key] for key in event.row if key != name}, event.time, event.rank) for event in flow.events]
        return f"drop {name}", flow.to(events, kind)

    def step_tee(self, flow):
        return "tee { " + " |> ".join(self.chain(flow, self.rng.randint(0, 3), 1)) + " }", flow

    def step_order(self, flow):
        return "order", flow.to(steps.order(flow.events), ordered=not flow.ties, sorted=True, divided=False)

    def step_group(self, flow):
        rng = self.rng
        keys, label = self.keys(flow.kind)
        roll = rng.random()
        bounded = flow.timed and roll < 0.85
        body = self.body(flow.kind, bounded, flow.ties)
        events, limit = flow.events, ""
        if not bounded:
            windows, inner = None, ""
            if flow.ordered and rng.random() < 0.3:
                most = rng.randint(1, 3)
                events, failures = steps.limited(flow.events, keys, most)
                self.failed(failures, flow.kind)
                limit = f"limit {most} keys "
        elif roll < 0.2:
            gap = self.length()
            windows, inner = gap, f"window session {duration(gap)} "
        elif roll < 0.4:
            every = self.length()
            length = every * rng.choice([1, 2, 5])
            windows, inner = steps.sliding(length, every), f"window sliding {duration(length)} every {duration(every)} "
        else:
            windows, inner = self.windows()
        results, failures = steps.group(events, keys, windows, [item for _, item in body])
        self.failures += failures
        by = f"by {label} " if label else ""
        return (
            f"group {by}{inner}{limit}{{ {', '.join(part for part, _ in body)} }}",
            flow.to(results, self.grouped(keys, body), ordered=True, sorted=True, timed=bounded, divided=False, ties=False))

    def grouped(self, keys, body):
        return record(*[(name, wire, inner) for name, wire, inner, _, _ in keys.parts], *[(name, name, inner) for _, (name, inner, _) in body])

    def step_rows(self, flow, within=None):
        keys, label = self.keys(flow.kind)
        body = self.body(flow.kind, False)
        most = self.rng.choice([1, 2, 3, 10])
        results, failures = steps.rows(flow.events, keys, most, within, [item for _, item in body])
        self.failures += failures
        by = f"by {label} " if label else ""
        return (
            f"group {by}window rows {most} {f'within {duration(within)} ' if within else ''}{{ {', '.join(part for part, _ in body)} }}",
            flow.to(results, self.grouped(keys, body), ordered=True, divided=False, ties=False))

    def step_rows_within(self, flow):
        return self.step_rows(flow, self.length())

    def step_dedupe(self, flow):
        keys, label = self.keys(flow.kind, 1)
        if keys is None:
            return None
        within, limit, events = self.length(), "", flow.events
        if self.rng.random() < 0.2:
            within, limit = 400 * 365 * DAY, "limit 2 keys"
            events, failures = steps.limited(events, keys, 2)
            self.failed(failures, flow.kind)
        return f"dedupe by {label} within {duration(within)} {limit}".strip(), flow.to(steps.dedupe(events, keys, within))

    def step_dedupe_last(self, flow):
        keys, label = self.keys(flow.kind, 1)
        if keys is None:
            return None
        most = self.rng.choice([1, 2, 3, 50])
        return f"dedupe by {label} last {most} keys", flow.to(steps.dedupe_last(flow.events, keys, most))

    def step_previous(self, flow):
        keys, label = self.keys(flow.kind, 1)
        if keys is None or has_near(flow.kind):
            return None
        within, name = self.length(), f"before{self.program.next()}"
        kind = record(*flow.kind[1], (name, name, ("opt", flow.kind)))
        return f"previous by {label} within {duration(within)} as {name}", flow.to(steps.previous(flow.events, keys, within, name), kind)

    def step_running(self, flow):
        keys, label = self.keys(flow.kind, 1)
        if keys is None:
            return None
        within, name = self.length(), f"recent{self.program.next()}"
        body = self.body(flow.kind, False)
        events, failures = steps.running(flow.events, keys, within, name, [item for _, item in body])
        self.failed(failures, flow.kind)
        kind = record(*flow.kind[1], (name, name, record(*[(part, part, inner) for _, (part, inner, _) in body])))
        return f"running by {label} within {duration(within)} as {name} {{ {', '.join(part for part, _ in body)} }}", flow.to(events, kind)

    def step_fold(self, flow):
        keys, label = self.keys(flow.kind, 1)
        number = self.value(flow.kind, "Int")
        if keys is None or number is None:
            return None
        within, name = self.length(), f"acc{self.program.next()}"
        limit, most = "", None
        if self.rng.random() < 0.2:
            within, limit = 400 * 365 * DAY, " limit 2 keys"
            most = 2

        def following(row, acc):
            if number[2](row) == 0:
                raise Failed
            return {"n": acc["n"] + 1, "last": quotient(1000, number[2](row)), "most": max(acc["most"], number[2](row))}

        start = {"n": 0, "last": None, "most": -5}
        events, failures = steps.fold(flow.events, keys, within, name, start, following, most)
        self.failed(failures, flow.kind)
        kind = record(*flow.kind[1], (name, name, record(("n", "n", "Int"), ("last", "last", ("opt", "Int")), ("most", "most", "Int"))))
        value = f"({number[0]})"
        return (
            f"fold by {label} within {duration(within)} as {name}: {{ n: Int = 0, last: Int? = null, most: Int = -5 }} "
            f"= {{ n: {name}.n + 1, last: 1000 / {value}, most: max({name}.most, {value}) }}{limit}",
            flow.to(events, kind))

    # Joins.

    def sides(self, flow):
        """The stream that is joined, and the keys of both sides with the text of their equalities."""
        source = self.rng.choice(self.program.sources[1:] * 4 + self.program.sources[:1])
        self.uses.add(source.name)
        name = f"r{self.program.next()}"
        found = []
        for field, (wire, inner) in fields(flow.kind).items():
            for other, (_, kind) in fields(EVENT).items():
                if wrapped(inner) == wrapped(kind) and wrapped(inner) in ("String", "Decimal", "Float", KIND, "Bool", "Int"):
                    if wrapped(inner) != "Int" or other == field:
                        found.append((field, other, optional(kind) if "opt" in (inner[0], kind[0]) else kind))
        if not found:
            return None
        parts = self.rng.sample(found, min(len(found), self.rng.choice([1, 1, 2])))
        keys = steps.Keys([(field, field, kind, "", lambda row, field=field: row[field]) for field, _, kind in parts])
        others = steps.Keys([(field, field, kind, "", lambda row, other=other: row[other]) for field, other, kind in parts])
        label = " and ".join(
            f".{field} == {name}.{other}" if self.rng.random() < 0.7 else f"{name}.{other} == .{field}" for field, other, _ in parts)
        return source, name, keys, others, label

    def step_join(self, flow, left=False):
        sides = self.sides(flow)
        if sides is None or has_near(flow.kind) or self.program.size > 1000 and self.rng.random() < 0.5:
            return None
        source, name, keys, others, label = sides
        first, last = sorted(self.rng.choice([-60, -10, -1, 0, 1, 10, 60]) * self.program.pool.scale for _ in range(2))
        if self.rng.random() < 0.3:
            last = abs(last)
            first = -last
            within = duration(last)
        else:
            within = f"{minus(first)} to {minus(last)}"
        test = lambda row, other: True  # noqa: E731
        number = self.value(flow.kind, "Int")
        if number is not None and self.rng.random() < 0.3:
            test = lambda row, other: number[2](row) >= other["n"]  # noqa: E731
            label += f" and {number[0]} >= {name}.n"
        if len(flow.events) * len(source.events) > 3 * 10**6 and not all(kind == "String" for _, _, kind, _, _ in keys.parts):
            return None
        events = steps.join(flow.events, source.events, keys, others, first, last, test, name, left)
        if len(events) > 100_000:
            return None
        kind = record(*flow.kind[1], (name, name, ("opt", EVENT) if left else EVENT))
        return (
            f"{'left ' if left else ''}join {source.name} as {name} on {label} within {within}",
            flow.to(events, kind, ordered=False, sorted=False, ties=source.divided))

    def step_left(self, flow):
        return self.step_join(flow, True)

    def step_latest(self, flow, left=False, as_read=False):
        sides = self.sides(flow)
        if sides is None or has_near(flow.kind):
            return None
        source, name, keys, others, label = sides
        if as_read and (source.divided or source is self.program.sources[0]):
            return None
        events = steps.join_latest(flow.events, source.events, keys, others, name, left, as_read)
        kind = record(*flow.kind[1], (name, name, ("opt", EVENT) if left else EVENT))
        return (
            f"{'left ' if left else ''}join latest {source.name} as {name} on {label}{' as read' if as_read else ''}",
            flow.to(events, kind, ordered=False, sorted=False))

    def step_left_latest(self, flow):
        return self.step_latest(flow, True)

    def step_latest_read(self, flow):
        return self.step_latest(flow, self.rng.random() < 0.5, True)

    def failed(self, failures, kind):
        """The payload is the event as it came into the chain or behind the last step that keeps something; here it is said where
        that is the source's."""
        self.failures += [(reason, encode(event.row, kind) if kind == EVENT else None) for reason, event in failures]


def minus(value):
    return f"- {duration(-value)}" if value < 0 else duration(value)


def quotient(a, b):
    """Divides, rounded towards zero, as Int does."""
    return abs(a) // abs(b) * (1 if (a >= 0) == (b >= 0) else -1)


def has_near(kind):
    if kind == "Near":
        return True
    if kind[0] in ("opt", "list"):
        return has_near(kind[1])
    return kind[0] == "rec" and any(has_near(inner) for _, _, inner in kind[1])
