"""A broker of Kafka's real protocol, noida-db from PyPI: limits of size, groups that change hands, fencing, offsets that are
out of their log, administration. It has no SASL, TLS nor ACLs, and keeps a group's offsets when their topic is deleted.
With KAFKA_BOOTSTRAP in the environment it is the broker of that address; nothing is started then.

commands
  topic NAME PARTITIONS [KEY=VALUE ...]   makes a topic, with settings of its own
  partitions NAME COUNT                   adds partitions
  delete NAME                             deletes a topic
  truncate NAME PARTITION OFFSET          deletes what lies before the offset
  logs NAME                               [first, next] of each partition, as JSON
  committed GROUP NAME                    a group's offset in each partition, null where there is none, as JSON
  commit GROUP NAME PARTITION OFFSET      sets one; the group must be without members
  forget GROUP                            deletes a group
  timeless NAME TEXT                      a message without a timestamp
  members GROUP                           how many are in it and have their partitions
  stop, start, restart, pause, resume     the process, in order: nothing is lost
"""

import json
import os
import signal
import sys

import noida_db

from common import HOST, Failure, ProcessServer, free_port, spawn

# Beside this file is one with the package's name.
here = sys.path.pop(0)
from kafka import KafkaProducer, TopicPartition  # noqa: E402
from kafka.admin import KafkaAdminClient  # noqa: E402
from kafka.errors import KafkaError  # noqa: E402
from kafka.structs import OffsetAndMetadata  # noqa: E402

sys.path.insert(0, here)


def add_arguments(parser):
    pass


class Noida(ProcessServer):
    client = None
    stop_signal = signal.SIGINT  # killed, it loses what it has answered

    def start(self):
        bootstrap = os.environ.get("KAFKA_BOOTSTRAP")
        if bootstrap:
            self.port = int(bootstrap.split(",")[0].rpartition(":")[2])
            self.bootstrap = bootstrap
            return {"port": self.port, "bootstrap": bootstrap}
        self.port = free_port()
        self.bootstrap = f"{HOST}:{self.port}"
        self.launch()
        return {"port": self.port, "bootstrap": self.bootstrap, "pid": self.process.pid}

    def launch(self):
        # The package's own command starts this as a child, which would outlive it.
        binary = os.path.join(os.path.dirname(noida_db.__file__), "noida-db")
        self.process = spawn(
            [binary, "start", "--data-dir", os.path.join(self.folder, "data"),
             "--only", "kafka", "--kafka-port", str(self.port)], self.log())
        self.wait_until(self.listens)

    def command(self, name, text):
        try:
            return super().command(name, text)
        except KafkaError as error:
            raise Failure(f"{type(error).__name__}: {error}")

    def admin(self):
        if not self.client:
            self.client = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        return self.client

    def partitions(self, topic):
        found = self.admin().describe_topics([topic])[0]["partitions"]
        return [TopicPartition(topic, number) for number in sorted(part["partition_index"] for part in found)]

    def do_topic(self, name, partitions, settings=""):
        configs = dict(setting.split("=", 1) for setting in settings.split())
        self.admin().create_topics({name: {"num_partitions": int(partitions), "replication_factor": 1, "configs": configs}})
        self.admin().wait_for_topics([name])

    def do_partitions(self, name, count):
        self.admin().create_partitions({name: int(count)})

    def do_delete(self, name):
        self.admin().delete_topics([name])

    def do_truncate(self, name, partition, offset):
        self.admin().delete_records({TopicPartition(name, int(partition)): int(offset)})

    def do_logs(self, name):
        parts = self.partitions(name)
        first, last = ([self.admin().list_partition_offsets({part: place})[part].offset for part in parts] for place in (-2, -1))
        return json.dumps([list(pair) for pair in zip(first, last)])

    def do_committed(self, group, name):
        found = self.admin().list_group_offsets({group: None})[group]
        offsets = [found[part].offset if part in found else -1 for part in self.partitions(name)]
        return json.dumps([None if offset < 0 else offset for offset in offsets])

    def do_commit(self, group, name, partition, offset):
        self.admin().alter_group_offsets(group, {TopicPartition(name, int(partition)): OffsetAndMetadata(int(offset), "", -1)})

    def do_forget(self, group):
        self.admin().delete_groups([group])

    def do_timeless(self, name, text):
        producer = KafkaProducer(bootstrap_servers=self.bootstrap)
        producer.send(name, text.encode(), timestamp_ms=-1).get(10)
        producer.close()

    def do_members(self, group):
        found = self.admin().describe_groups([group])[group]
        return str(len(found["members"])) if found["group_state"] == "Stable" else "0"

    def finish(self, number):
        self.leave()
        super().finish(number)

    def leave(self):
        if self.client:
            self.client.close()
            self.client = None

    def end(self):
        self.leave()
        super().end()


SERVER = Noida
