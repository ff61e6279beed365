"""Rounds of events, faults, kills and stops over one pair, then a quiet run to the end."""

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

from pair import event
from verdict import judge

EVENTS_A_ROUND = 150
SHUTDOWN_TIMEOUT = 3
# The last process may be in the middle of a large transaction, on a busy machine: what it shows is that it ends well.
LAST_SHUTDOWN_TIMEOUT = 60
# What asks a server that is away.
UNREACHABLE = (RuntimeError, ValueError, OSError, sqlite3.Error, subprocess.SubprocessError)


class Chaos:
    """One pair, the processes of its program, and how they ended."""

    def __init__(self, pair, program, chance):
        self.pair, self.program, self.chance = pair, program, chance
        self.processes = []
        self.logs = {}
        self.issued = self.starts = self.kills = self.stops = self.stops_away = 0
        # Processes that ended by themselves, where they may and where not, and that did not end within shutdown_timeout.
        self.gave_up = self.ended = self.late = 0

    def start(self, shutdown_timeout=SHUTDOWN_TIMEOUT):
        arguments = [self.program, "--quiet"]
        for setting in [*self.pair.settings, f"general.shutdown_timeout={shutdown_timeout}s"]:
            arguments += ["--set", setting]
        environment = {**os.environ, **self.pair.environment}
        while len(self.processes) < self.pair.replicas:
            self.starts += 1
            path = f"{self.pair.folder}/log-{self.starts}"
            with open(path, "w") as log:
                process = subprocess.Popen(
                    arguments, cwd=self.pair.folder, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
            self.processes.append(process)
            self.logs[process] = path

    def issue(self, count):
        self.pair.issue([event(n) for n in range(self.issued + 1, self.issued + count + 1)])
        self.issued += count

    def progress(self):
        try:
            return self.pair.progress()
        except UNREACHABLE:
            return None

    def wait_for_progress(self, before):
        """Events flow; a kill tells nothing of what had not begun."""
        end = time.monotonic() + 30
        while time.monotonic() < end and not self.has_ended():
            if self.progress() not in (None, before):
                return
            time.sleep(0.02)
        self.say("nothing came through")

    def has_ended(self):
        return any(process.poll() is not None for process in self.processes)

    def say(self, what):
        print(f"after {self.issued} events: {what}", file=sys.stderr, flush=True)

    def round(self, number):
        self.start()
        before = self.progress()
        first = self.chance.randrange(1, EVENTS_A_ROUND)
        self.issue(first)
        if self.chance.random() < 0.75:
            self.wait_for_progress(before)
        else:
            self.sleep(0.4)
        self.issue(EVENTS_A_ROUND - first)
        self.sleep(0.1)
        self.pair.trouble(self.chance)
        self.sleep(0.3)
        if number % 3 == 2:
            with self.pair.away(self.chance):
                self.sleep(0.6)
            self.sleep(0.4)
        count = self.chance.randint(1, len(self.processes))
        for process in self.chance.sample(self.processes, count):
            self.processes.remove(process)
            if process.poll() is not None:
                self.look_at(process)
            elif number % 4 != 3:
                self.kills += 1
                process.send_signal(signal.SIGKILL)
                process.wait()
            elif number % 8 == 3:
                # What waits for a system that is away is neither delivered nor acknowledged; the exit code says so.
                self.stops_away += 1
                with self.pair.away(self.chance):
                    self.sleep(0.3)
                    self.stop(process)
            else:
                self.stop(process)

    def look_at(self, process):
        """A process that has ended by itself, which it may where the pair says so."""
        with open(self.logs[process]) as log:
            last = log.readlines()[-1:]
        if process.returncode == 1 and self.pair.gives_up and self.pair.gives_up in "".join(last):
            self.gave_up += 1
        else:
            self.ended += 1
            self.say(f"a process has ended by itself with {process.returncode}: {''.join(last).strip()}")

    def sleep(self, most):
        time.sleep(self.chance.uniform(0, most))

    def stop(self, process, shutdown_timeout=SHUTDOWN_TIMEOUT):
        """Returns its exit code."""
        self.stops += 1
        process.send_signal(signal.SIGTERM)
        try:
            # The machine may be busy.
            code = process.wait(timeout=shutdown_timeout + 7)
        except subprocess.TimeoutExpired:
            self.late += 1
            self.say("a process did not stop")
            process.kill()
            return process.wait()
        if code < 0:
            self.ended += 1
            self.say(f"a process crashed with {code}")
        return code

    def finish(self):
        """Runs until all is through, for as long as anything comes; returns the verdict."""
        self.start(LAST_SHUTDOWN_TIMEOUT)
        last, patience = None, time.monotonic() + 60
        while time.monotonic() < patience and not self.has_ended():
            time.sleep(0.5)
            with contextlib.suppress(*UNREACHABLE):
                now = self.pair.progress()
                if now != last:
                    last, patience = now, time.monotonic() + 60
                elif judge(self.pair, self.issued).is_kept(False):
                    break
        self.codes = [self.stop(process, LAST_SHUTDOWN_TIMEOUT) for process in self.processes]
        self.stops -= len(self.processes)
        self.processes = []
        return judge(self.pair, self.issued)

    def end(self):
        for process in self.processes:
            process.kill()
            process.wait()


def run(name, pair_type, rounds, seed, pumpc):
    """Returns whether the pair's promise was kept."""
    folder = tempfile.mkdtemp(prefix="pump-chaos-")
    pair = chaos = None
    try:
        with open(f"{folder}/main.pump", "w") as file:
            file.write(pair_type.spec)
        program = f"{folder}/program"
        subprocess.run([pumpc, "build", folder, "-o", program], check=True, stderr=subprocess.DEVNULL)
        pair = pair_type(folder)
        chaos = Chaos(pair, program, random.Random(f"{name}-{seed}"))
        if getattr(pair, "starts_first", False):
            chaos.start()
            time.sleep(2)
        # Every fourth round ends with a stop, the others with a kill; a process that has ended by itself is not killed.
        number = 0
        while chaos.kills < rounds and number < 4 * rounds:
            chaos.round(number)
            number += 1
        verdict = chaos.finish()
        kept = verdict.is_kept(pair.once) and not chaos.ended and not chaos.late and not any(chaos.codes)
        print(f"{name}: {chaos.issued} issued, {verdict}, {chaos.kills} kills, {chaos.stops} stops ({chaos.stops_away} with a system away), "
              f"{chaos.gave_up} gave up, {chaos.ended} ended by themselves, {chaos.late} too late, exit {' '.join(map(str, chaos.codes))}",
              flush=True)
        if not kept:
            for path in list(chaos.logs.values())[-3:]:
                with open(path) as file:
                    sys.stderr.write("".join(file.readlines()[-20:]))
        return kept
    finally:
        if chaos:
            chaos.end()
        if pair:
            pair.end()
        shutil.rmtree(folder, ignore_errors=True)
