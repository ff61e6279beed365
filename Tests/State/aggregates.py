"""Aggregates by their definitions: of a list of events in the order of time, partition and position, one value."""

import math
from fractions import Fraction

from values import key, wrapped


class Failed(Exception):
    """What is asked cannot be computed."""


class Aggregate:
    """`function(argument, by:, where:, …)`. `argument`, `by` and `where` are pairs of text and function of the event, or None."""

    def __init__(self, function, argument=None, kind=None, by=None, by_kind=None, where=None, n=None, q=None, limit=None, ties=False):
        self.function, self.argument, self.kind, self.by, self.by_kind = function, argument, kind, by, by_kind
        self.where, self.n, self.q, self.limit, self.ties = where, n, q, limit, ties

    @property
    def text(self):
        parts = [str(self.n)] if self.function == "top" else []
        parts += [self.argument[0]] if self.argument else []
        parts += [str(self.q)] if self.q is not None else []
        parts += [f"by: {self.by[0]}"] if self.by else []
        parts += ["ties: all"] if self.ties else []
        parts += [f"limit: {self.limit}"] if self.limit else []
        parts += [f"where: {self.where[0]}"] if self.where else []
        return f"{self.function}({', '.join(parts)})"

    @property
    def result(self):
        """The type of the result."""
        kind = self.kind
        if self.function in ("count", "distinct"):
            return "Int"
        if self.function in ("any", "all"):
            return "Bool"
        if self.function in ("stddev", "variance", "approx_distinct"):
            return "Near"
        if self.function in ("list", "top"):
            kind = ("list", kind)
        if self.function in ("average", "median", "quantile") and kind == "Int":
            kind = "Decimal"
        return ("opt", kind) if self.where and kind[0] != "opt" else kind

    def of(self, events):
        """Its value of events in their order; each is its record."""
        events = [event for event in events if not self.where or self.where[1](event)]
        if self.function == "count":
            return len(events)
        values = [self.argument[1](event) for event in events]
        if self.limit and len(values) > self.limit and self.function in ("list", "median", "quantile"):
            raise Failed
        if self.function in ("list", "any", "all", "distinct", "approx_distinct", "top", "stddev", "variance"):
            return getattr(self, self.function)(values, events)
        return getattr(self, self.function)(values, events) if values else None

    # Each takes the values and their events.

    def list(self, values, events):
        return values

    def any(self, values, events):
        return any(values)

    def all(self, values, events):
        return all(values)

    def distinct(self, values, events):
        count = len({key(value, self.kind) for value in values})
        if self.limit and count > self.limit:
            raise Failed
        return count

    def approx_distinct(self, values, events):
        return len({key(value, self.kind) for value in values})

    def sum(self, values, events):
        return self.rounded(sum(Fraction(value) for value in values), 38)

    def average(self, values, events):
        return self.rounded(sum(Fraction(value) for value in values) / len(values), 18)

    def rounded(self, value, digits):
        """An exact number as one of the argument's type; digits are those behind a Decimal's point."""
        if self.kind == "Float":
            try:
                return float(value)
            except OverflowError:
                raise Failed from None
        if self.kind == "Decimal" or self.kind == "Int" and self.function != "sum":
            result = Fraction(round(value * 10**digits), 10**digits)
            if len(str(abs(result.numerator * 10**38 // result.denominator)).rstrip("0")) > 38:
                raise Failed
            return result
        result = round(value)
        if not -(2**63) <= result < 2**63:
            raise Failed
        return result

    def min(self, values, events):
        return min(values, key=lambda value: key(value, self.kind))

    def max(self, values, events):
        return max(values, key=lambda value: key(value, self.kind))

    def first(self, values, events):
        return values[0]

    def last(self, values, events):
        return values[-1]

    def variance(self, values, events):
        if len(values) < 2:
            return None
        values = [Fraction(value) for value in values]
        mean = sum(values) / len(values)
        return float(sum((value - mean) ** 2 for value in values) / (len(values) - 1))

    def stddev(self, values, events):
        variance = self.variance(values, events)
        return None if variance is None else math.sqrt(variance)

    def median(self, values, events):
        return self.percentile(values, Fraction(1, 2))

    def quantile(self, values, events):
        return self.percentile(values, Fraction(str(self.q)))

    def percentile(self, values, share):
        values = sorted(Fraction(value) for value in values)
        place = share * (len(values) - 1)
        low = math.floor(place)
        high = min(low + 1, len(values) - 1)
        return self.rounded(values[low] + (place - low) * (values[high] - values[low]), 38)

    def top(self, values, events):
        """The greatest first, of equal ones the earliest first."""
        keys = [key(self.by[1](event), wrapped(self.by_kind)) for event in events]
        places = sorted(range(len(values)), key=lambda place: keys[place], reverse=True)
        count = self.n
        while self.ties and 0 < count < len(places) and keys[places[count]] == keys[places[count - 1]]:
            count += 1
        if self.limit and min(count, len(places)) > self.limit and self.ties:
            raise Failed
        return [values[place] for place in places[:count]]

    def min_by(self, values, events):
        keys = [key(self.by[1](event), wrapped(self.by_kind)) for event in events]
        return values[min(range(len(values)), key=lambda place: keys[place])]

    def max_by(self, values, events):
        keys = [key(self.by[1](event), wrapped(self.by_kind)) for event in events]
        return values[max(range(len(values)), key=lambda place: keys[place])]
