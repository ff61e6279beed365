"""Runs a program, and holds what it gives against what it is to give."""

import collections
import json
import os
import random
import re
import sqlite3
import subprocess
import time

from values import encode

NEAR = re.compile(r'("near\d+":)(null|[-+.eE0-9]+)')


def lay(program, folder):
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/program.pump", "w") as out:
        out.write(program.text)
    for name, lines in program.files.items():
        with open(f"{folder}/{'input.txt' if name == '-' else name}", "w", newline="\n") as out:
            out.write("".join(line + "\n" for line in lines))


def clean(program, folder):
    for name in os.listdir(folder):
        if name not in program.files and name not in ("program.pump", "input.txt", "built"):
            os.unlink(f"{folder}/{name}")


def feed(process, data, rng):
    """Writes in random pieces, now and then with a pause."""
    place = 0
    while place < len(data):
        size = rng.choice([1, 50, 1000, 50_000, len(data)])
        process.stdin.write(data[place : place + size])
        process.stdin.flush()
        place += size
        if rng.random() < 0.1:
            time.sleep(rng.random() * 0.02)
    process.stdin.close()


def start(command, program, folder, seed):
    """None, or how the run has failed."""
    clean(program, folder)
    with open(f"{folder}/log.txt", "wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=log, stderr=log)
        try:
            if "-" in program.files:
                with open(f"{folder}/input.txt", "rb") as data:
                    feed(process, data.read(), random.Random(seed))
            else:
                process.stdin.close()
        except BrokenPipeError:
            pass
        try:
            code = process.wait(timeout=120)
        except subprocess.TimeoutExpired:
            process.kill()
            return "it hangs"
    if code:
        with open(f"{folder}/log.txt", errors="replace") as log:
            return f"it ends with {code}: {log.read()[-3000:]}"


def lines(path):
    if not os.path.exists(path):
        return []
    with open(path, newline="\n") as file:
        return file.read().split("\n")[:-1]


def same(wanted, got):
    """Whether two lines are equal, numbers that are only known to a few digits nearly."""
    if wanted == got:
        return True
    if NEAR.sub(r"\1", wanted) != NEAR.sub(r"\1", got):
        return False
    for (_, a), (_, b) in zip(NEAR.findall(wanted), NEAR.findall(got)):
        if a != b and ("null" in (a, b) or abs(float(a) - float(b)) > max(abs(float(a)), 1e-300) * (0.03 if float(b).is_integer() else 1e-14)):
            return False
    return True


def compare(name, ordered, wanted, got):
    """None, or what differs first."""
    if not ordered:
        wanted, got = sorted(wanted), sorted(got)
    for place in range(max(len(wanted), len(got))):
        a = wanted[place] if place < len(wanted) else "(nothing)"
        b = got[place] if place < len(got) else "(nothing)"
        if not same(a, b):
            note = ""
            if ordered and sorted(wanted) == sorted(got):
                note = " (the same lines in another order)"
            return f"{name}, line {place + 1} of {len(wanted)} expected and {len(got)} given{note}\n  expected {a[:1500]}\n  got      {b[:1500]}"


def check(program, folder):
    """What differs, of all that a run has given."""
    found = []
    for name, (ordered, wanted) in program.lines.items():
        found.append(compare(name, ordered, wanted, lines(f"{folder}/{name}")))
    for name, failures in program.dead.items():
        got = [json.loads(line) for line in lines(f"{folder}/{name}")]
        got = [(failure["reason"], failure["payload"]) for failure in got]
        found.append(compare(f"{name}, reasons", False, [reason for reason, _ in failures], [reason for reason, _ in got]))
        # Of some failures the payload is not foretold.
        known = {reason for reason, _ in failures} - {reason for reason, payload in failures if payload is None}
        wanted, got = ([" ".join(item) for item in items if item[0] in known] for items in (failures, got))
        found.append(compare(name, False, wanted, got))
    for name, (wanted, kind) in program.tables.items():
        found.append(compare(f"table {name}", True, wanted, table(f"{folder}/out.db", name, kind)))
    return [text for text in found if text]


def table(path, name, kind):
    database = sqlite3.connect(path)
    try:
        rows = database.execute(f'SELECT {", ".join(chr(34) + wire + chr(34) for _, wire, _ in kind[1])} FROM "{name}"').fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            return []
        raise
    finally:
        database.close()
    return sorted("{" + ",".join(f'{encode(wire, "String")}:{cell(value, inner)}' for (_, wire, inner), value in zip(kind[1], row)) + "}" for row in rows)


def cell(value, kind):
    """A column's value as it would be written in JSON."""
    if value is None:
        return "null"
    kind = kind[1] if kind[0] == "opt" else kind
    if kind in ("Int", "Float", "Duration"):
        return encode(value, kind)
    if kind == "Bool":
        return encode(bool(value), kind)
    if kind[0] in ("rec", "list") or kind == "Decimal":
        return value
    return encode(value, "String")
