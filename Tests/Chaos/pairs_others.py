"""Pairs with MQTT, Elasticsearch, SQLite and MongoDB."""

import contextlib
import json
import os
import sqlite3
import subprocess
import time

from pair import TYPE, FromFile, Pair, lines_of
from pairs_postgresql import POSTGRESQL, ToPostgreSQL


class MQTTToPostgreSQL(ToPostgreSQL):
    # The session must be there before the first message.
    starts_first = True
    spec = TYPE + POSTGRESQL + """connection broker: MQTT { host = "127.0.0.1", security = plain }
pipeline p {
  source broker.topic("events/#") |> decode json as Event |> sink db.table("events", key: [n])
  on error halt
}
"""

    def open(self):
        self.broker = self.serve("mosquitto")
        self.settings.append(f"connection.broker.port={self.through('127.0.0.1:%s' % self.broker.facts['port'])}")
        self.open_table(key=" primary key")

    def issue(self, events):
        lines = "".join(json.dumps(item) + "\n" for item in events)
        arguments = ["mosquitto_pub", "-p", str(self.broker.facts["port"]), "-q", "1", "-t", "events/a", "-l"]
        subprocess.run(arguments, input=lines, text=True, check=True)


class FileToElasticsearch(FromFile):
    # Documents have ids and no order.
    ordered = False
    spec = TYPE + """connection es: Elasticsearch { nodes = env.ES }
pipeline p {
  source file.lines("events.ndjson", follow: true) |> decode json as Event
    |> sink es.index("events") { batch { linger = 50ms } }
  on error halt
}
"""

    def open(self):
        self.es = self.serve("elasticsearch")
        self.environment["ES"] = f"http://127.0.0.1:{self.through('127.0.0.1:%s' % self.es.facts['port'])}"
        self.settings.append(f"general.state={self.folder}/state")
        self.open_file()

    def ask(self, path, body=None):
        arguments = ["curl", "-s", "-X", "POST", "-H", "Content-Type: application/json", f"{self.es.facts['url']}/events/{path}"]
        if body:
            arguments += ["-d", json.dumps(body)]
        return json.loads(subprocess.run(arguments, capture_output=True, text=True, check=True).stdout)

    def progress(self):
        return self.es.tell("count events")

    def found(self):
        self.ask("_refresh")
        items, page = [], {"size": 10000, "sort": [{"n": "asc"}]}
        while True:
            hits = self.ask("_search", page).get("hits", {}).get("hits", [])
            items += [hit["_source"] for hit in hits]
            if len(hits) < page["size"]:
                return items
            page["search_after"] = hits[-1]["sort"]


class FileToSQLite(FromFile):
    """Another process locks the database now and then, at times for longer than is waited for."""

    gives_up = "database is locked; another process holds it"
    spec = TYPE + """connection db: SQLite { path = "events.db", busy_timeout = 200ms }
pipeline p {
  source file.lines("events.ndjson", follow: true) |> decode json as Event
    |> sink db.table("events", positions: "positions") { batch { linger = 50ms } }
  on error halt
}
"""

    def open(self):
        self.open_file()

    def connect(self):
        return contextlib.closing(sqlite3.connect(f"{self.folder}/events.db", isolation_level=None, timeout=10))

    @contextlib.contextmanager
    def away(self, chance):
        with self.connect() as db:
            db.execute("begin immediate")
            yield

    def trouble(self, chance):
        with self.away(chance):
            time.sleep(chance.uniform(0, 0.4))

    def progress(self):
        with self.connect() as db:
            return db.execute("select count(*) from events").fetchone()

    def found(self):
        with self.connect() as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute("select n, key, seq, text from events order by rowid")]


class MongoDBToFile(Pair):
    once = False
    spec = TYPE + """connection mongo: MongoDB { uri = env.MONGO, database = "chaos", security = plain }
pipeline p {
  source mongo.find("events", order: [n], every: 100ms) as Event |> encode json
    |> sink file.lines("out.ndjson", mode: append) { batch { linger = 50ms } }
  on error halt
}
"""

    def open(self):
        self.mongo = self.serve("mongodb")
        port = self.through(f"127.0.0.1:{self.mongo.facts['port']}")
        # Else the driver goes to the address that the server says of itself.
        self.environment["MONGO"] = f"mongodb://127.0.0.1:{port}/?directConnection=true"
        self.settings.append(f"general.state={self.folder}/state")

    def issue(self, events):
        code = (
            "import json, pymongo, sys\n"
            f"client = pymongo.MongoClient({self.mongo.facts['uri']!r})\n"
            "client.chaos.events.insert_many(json.load(sys.stdin))\n"
        )
        subprocess.run([python(), "-c", code], input=json.dumps(events), text=True, check=True)

    def found(self):
        return lines_of(f"{self.folder}/out.ndjson")

    def progress(self):
        return os.path.getsize(f"{self.folder}/out.ndjson")


def python():
    """The interpreter that has the drivers, as Tests/Servers/install made it."""
    cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    return os.environ.get("PUMP_TESTS_VENV", f"{cache}/pump-tests/venv") + "/bin/python"
