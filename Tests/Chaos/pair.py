"""What pairs of a source and a sink share: events, servers behind networks that may be broken, and what came of the events."""

import contextlib
import json
import os
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{ROOT}/Tests/Servers")

from client import Server  # noqa: E402

KEYS = 10
TYPE = "type Event { n: Int, key: String, seq: Int, text: String }\n"

# How a server goes away and comes back where that is not by `stop`, which is a crash, and `start`.
LEAVING = {"kafka": ("down 1", "up 1"), "mosquitto": ("pause", "restart")}


def event(number):
    """An event that follows from its number, so that a changed one shows; within its key it has the place `seq`."""
    return {"n": number, "key": f"k{number % KEYS}", "seq": number // KEYS, "text": f"event-{number}-{number * 7919 % 10007}"}


class Pair:
    """A source, a sink, and how events get into the one and are counted in the other."""

    # Each event has its effect once: by a key, an id, or a position in the sink's transaction.
    once = True
    # The sink shows in which order its events came.
    ordered = True
    # With what a process may end by itself, for its supervisor to start it again.
    gives_up = None
    # How many processes of the program run at once.
    replicas = 1
    spec = ""

    def __init__(self, folder):
        self.folder = folder
        self.servers = []
        self.proxies = []
        self.environment = {}
        self.settings = []
        # Each is a proxy and a fault that it can make.
        self.faults = []
        # Each is who can go away, and the commands for that and for coming back.
        self.absences = []
        self.open()

    def serve(self, system):
        server = Server(system)
        self.servers.append(server)
        leave, come = LEAVING.get(system, ("stop", "start"))
        self.absences.append((server, [leave], [come]))
        return server

    def through(self, address, *options, faults=()):
        """A port that leads to a server through a network that may be broken."""
        proxy = Server("proxy", *options, address)
        self.proxies.append(proxy)
        self.faults += [(proxy, fault) for fault in ("reset", "fin", "cut-after", "cut-reply", "stall both", *faults)]
        self.absences += [(proxy, ["refuse on", "reset"], ["refuse off"]), (proxy, ["stall both"], ["stall off"])]
        return proxy.facts["port"]

    def open(self):
        """Starts the servers and makes what the program expects there."""
        raise NotImplementedError

    def issue(self, events):
        """Gives events to the source."""
        raise NotImplementedError

    def expected(self, issued):
        """What the sink has to show once everything is through, by number."""
        return {n: event(n) for n in range(1, issued + 1) if not self.refuses(n)}

    def refuses(self, number):
        """Whether the sink's system refuses the event."""
        return False

    def found(self):
        """What the sink shows, in the order in which it came."""
        raise NotImplementedError

    def refused(self):
        """What went to the error route."""
        return []

    def progress(self):
        """Something cheap that is another whenever events have come through."""
        raise NotImplementedError

    def trouble(self, chance):
        """One fault; what waits for a stall to end comes late."""
        proxy, fault = chance.choice(self.faults)
        proxy.tell(f"{fault} {chance.randrange(1, 20000)}" if fault == "cut-after" else fault)
        if fault == "stall both":
            time.sleep(chance.uniform(0, 0.3))
            proxy.tell("stall off")

    @contextlib.contextmanager
    def away(self, chance):
        """A system is away: its server has ended, its port is closed, or nothing answers there."""
        system, leave, come = chance.choice(self.absences)
        for command in leave:
            system.tell(command)
        try:
            yield
        finally:
            for command in come:
                system.tell(command)

    def end(self):
        for server in self.proxies + self.servers:
            server.end()


class FromFile(Pair):
    def open_file(self):
        open(f"{self.folder}/events.ndjson", "w").close()

    def issue(self, events):
        with open(f"{self.folder}/events.ndjson", "a") as file:
            file.writelines(json.dumps(item) + "\n" for item in events)


def lines_of(path):
    """The events of a file, if it is there."""
    if not os.path.exists(path):
        return []
    with open(path) as file:
        return [json.loads(line) for line in file]
