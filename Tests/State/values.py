"""Types and values of the model, how they are written on the wire, and their order as keys.

A type is a word ("Int", "Decimal", …), or ("opt", T), ("list", T), ("enum", name, cases), ("rec", ((name, wire, T), …)). "Near" is a
number, or null, that is only known to a few digits. A Decimal is a Fraction, a Timestamp and a Duration are whole microseconds, a
record is a dictionary.
"""

import json
from fractions import Fraction

DAY = 86_400_000_000


def wrapped(kind):
    return kind[1] if kind[0] == "opt" else kind


def optional(kind):
    return kind if kind[0] == "opt" else ("opt", kind)


def fields(kind):
    """Of a record by name: the name on the wire, and the type."""
    return {name: (wire, inner) for name, wire, inner in kind[1]}


def record(*items):
    return ("rec", tuple(items))


def encode(value, kind):
    """The value as `encode json` writes it."""
    if kind[0] == "opt":
        return "null" if value is None else encode(value, kind[1])
    if kind[0] == "list":
        return "[" + ",".join(encode(item, kind[1]) for item in value) + "]"
    if kind[0] == "rec":
        return "{" + ",".join(f"{text(wire)}:{encode(value[name], inner)}" for name, wire, inner in kind[1]) + "}"
    if kind[0] == "enum":
        return text(value)
    return WRITERS[kind](value)


def text(value):
    out = []
    for sign in value:
        if sign in '"\\':
            out.append("\\" + sign)
        elif sign < " ":
            out.append({"\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(sign) or f"\\u{ord(sign):04x}")
        else:
            out.append(sign)
    return '"' + "".join(out) + '"'


def decimal(value):
    sign, value, scale = ("-" if value < 0 else ""), abs(Fraction(value)), 0
    while value.denominator != 1:
        value, scale = value * 10, scale + 1
    digits = str(value.numerator).rjust(scale + 1, "0")
    return sign + (digits[:-scale] + "." + digits[-scale:] if scale else digits)


def floating(value):
    """As ECMAScript does."""
    if value == 0:
        return "0"
    mantissa, exponent = f"{abs(value):.17e}".split("e")
    for precision in range(17):
        mantissa, exponent = f"{abs(value):.{precision}e}".split("e")
        if float(f"{mantissa}e{exponent}") == abs(value):
            break
    digits, point = mantissa.replace(".", "").rstrip("0") or "0", int(exponent) + 1
    sign = "-" if value < 0 else ""
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    tail = f"e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return sign + digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + tail


def civil(days):
    """Year, month and day of so many days since 1970, whatever the year."""
    days += 719_468
    era, day = divmod(days, 146_097)
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    rest = day - (365 * year + year // 4 - year // 100)
    month = (5 * rest + 2) // 153
    return year + era * 400 + (month >= 10), (month + 2) % 12 + 1, rest - (153 * month + 2) // 5 + 1


def timestamp(micros):
    days, rest = divmod(micros, DAY)
    year, month, day = civil(days)
    seconds, fraction = divmod(rest, 1_000_000)
    out = f"{year:04}-{month:02}-{day:02}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if fraction:
        out += f".{fraction // 1000:03}" if fraction % 1000 == 0 else f".{fraction:06}"
    return out + "Z"


def duration(micros):
    if micros == 0:
        return "0s"
    for factor, unit in ((DAY, "d"), (3_600_000_000, "h"), (60_000_000, "m"), (1_000_000, "s"), (1000, "ms"), (1, "us")):
        if micros % factor == 0:
            return f"{micros // factor}{unit}"


WRITERS = {
    "Int": str,
    "Bool": lambda value: "true" if value else "false",
    "Decimal": decimal,
    "Float": floating,
    "String": text,
    "Timestamp": lambda value: f'"{timestamp(value)}"',
    "Duration": lambda value: f'"{duration(value)}"',
    "Near": lambda value: "null" if value is None else repr(float(value)),
}


def key(value, kind):
    """What sorts as keys do: null first, texts by their bytes, enums by case; equal where two keys are one."""
    if kind[0] == "opt":
        return (0,) if value is None else (1, key(value, kind[1]))
    if kind[0] == "rec":
        return tuple(key(value[name], inner) for name, _, inner in kind[1])
    if kind[0] == "enum":
        return kind[2].index(value)
    if kind == "String":
        return value.encode()
    return value + 0.0 if kind == "Float" else value


def parse(line, kind):
    """An event of an input line."""
    return convert(json.loads(line, parse_float=Literal, parse_int=Literal), kind)


class Literal(str):
    """A number as it is written."""


def convert(value, kind):
    if kind[0] == "opt":
        return None if value is None else convert(value, kind[1])
    if kind[0] == "list":
        return [convert(item, kind[1]) for item in value]
    if kind[0] == "rec":
        return {name: convert(value.get(wire), inner) for name, wire, inner in kind[1]}
    if kind == "Int":
        return int(Fraction(value))
    if kind == "Decimal":
        return Fraction(value)
    if kind == "Float":
        return float(value)
    if kind == "Timestamp":
        return instant(value)
    if kind == "Duration":
        unit = value.lstrip("-0123456789")
        return int(value[: -len(unit)]) * {"s": 1_000_000, "ms": 1000, "us": 1, "m": 60_000_000}[unit]
    return value


def instant(value):
    """Microseconds of a timestamp in UTC or with an offset."""
    date, rest = value.split("T")
    year, month, day = (int(part) for part in date.split("-"))
    offset = 0
    if rest[-1] == "Z":
        rest = rest[:-1]
    else:
        sign = -1 if rest[-6] == "-" else 1
        offset = sign * (int(rest[-5:-3]) * 60 + int(rest[-2:])) * 60_000_000
        rest = rest[:-6]
    clock, _, fraction = rest.partition(".")
    hour, minute, second = (int(part) for part in clock.split(":"))
    return (days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second) * 1_000_000 + int(fraction.ljust(6, "0")) - offset


def days(year, month, day):
    year -= month <= 2
    era, rest = divmod(year, 400)
    return era * 146_097 + rest * 365 + rest // 4 - rest // 100 + (153 * ((month + 9) % 12) + 2) // 5 + day - 1 - 719_468
