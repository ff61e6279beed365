"""Pairs with Kafka at one end or both: librdkafka's mock cluster, and noida-db, whose groups change hands."""

import json
import subprocess

from pair import TYPE, Pair
from pairs_postgresql import POSTGRESQL, ToPostgreSQL

KAFKA = """connection kafka: Kafka {
  bootstrap_servers = env.KAFKA, security_protocol = PLAINTEXT, properties { "session.timeout.ms" = "4000", "heartbeat.interval.ms" = "500" }
}
"""
# noida-db never gives up a member of a group that was killed; one that has a name of its own takes its place again.
NOIDA = KAFKA.replace('"4000"', '"6000", "group.instance.id" = "chaos"')
TO_TABLE = """pipeline p {
  source kafka.topic("events", group: "chaos", from: earliest) |> decode json as Event |> sink db.table("events", positions: "positions")
  on error halt
}
"""


class WithKafka(Pair):
    def open_kafka(self, system, *topics):
        self.kafka = self.serve(system)
        for topic in topics:
            self.kafka.tell(f"topic {topic}")
        self.environment["KAFKA"] = f"127.0.0.1:{self.through(self.kafka.facts['bootstrap'], '--kafka')}"

    def kcat(self, *arguments, lines=""):
        arguments = ["kcat", "-q", "-b", self.kafka.facts["bootstrap"], *arguments]
        return subprocess.run(arguments, input=lines, capture_output=True, text=True, timeout=60, check=True).stdout

    def put(self, events):
        """The key decides the partition, so what has one key has an order."""
        self.kcat("-t", "events", "-P", "-K:", lines="".join(f"{item['key']}:{json.dumps(item)}\n" for item in events))

    def messages(self, topic):
        return [json.loads(line) for line in self.kcat("-t", topic, "-C", "-e", "-o", "beginning").splitlines()]

    def ends(self, topic):
        return self.kcat("-Q", "-t", f"{topic}:0:-1", "-t", f"{topic}:1:-1")


class KafkaToPostgreSQL(WithKafka, ToPostgreSQL):
    spec = TYPE + POSTGRESQL + KAFKA + TO_TABLE

    def open(self):
        self.open_kafka("kafka", "events 4 1")
        self.open_table()

    def issue(self, events):
        self.put(events)


class ReplicasToPostgreSQL(KafkaToPostgreSQL):
    """Two members of the group, which take partitions from each other."""

    replicas = 2


class NoidaToPostgreSQL(KafkaToPostgreSQL):
    spec = TYPE + POSTGRESQL + NOIDA + TO_TABLE

    def open(self):
        self.open_kafka("noida", "events 4")
        self.open_table()


class NoidaToNoida(WithKafka):
    once = False
    spec = TYPE + NOIDA + """pipeline p {
  source kafka.topic("events", group: "chaos", from: earliest) |> decode json as Event |> encode json
    |> sink kafka.topic("out", key: meta.key) { batch { linger = 50ms } }
  on error halt
}
"""

    def open(self):
        self.open_kafka("noida", "events 4", "out 2")

    def issue(self, events):
        self.put(events)

    def found(self):
        return self.messages("out")

    def progress(self):
        return self.ends("out")


class PostgreSQLToKafka(WithKafka, ToPostgreSQL):
    once = False
    spec = TYPE + POSTGRESQL + KAFKA + """pipeline p {
  source db.table("events", order: [n], every: 100ms) as Event |> encode json
    |> sink kafka.topic("events", key: to_bytes(.key)) { batch { linger = 50ms } }
  on error halt
}
"""

    def open(self):
        self.open_kafka("kafka", "events 2 1")
        self.open_table(key=" primary key")
        self.settings.append(f"general.state={self.folder}/state")

    def issue(self, events):
        values = ", ".join(f"({item['n']}, '{item['key']}', {item['seq']}, '{item['text']}')" for item in events)
        self.db.tell(f"sql insert into events (n, key, seq, text) values {values}")

    def found(self):
        return self.messages("events")

    def progress(self):
        return self.ends("events")
