"""librdkafka's mock cluster of Kafka brokers: groups, commits, headers, compression, idempotent producers.

It does not know read_committed, offsets within transactions, fencing, offsets for times, administration, TLS, SASL, nor
limits of size, and keeps only the newest 5 MB or 100,000 records of a partition. A topic is made when it is first used,
with 4 partitions. An injected error never stores the record. Whoever joins a group waits 3 s, and also for the session
timeout of members that left before, so tests want session.timeout.ms=4000; below 3000 nobody ever gets in.

With --newest it is the librdkafka of PyPI's confluent-kafka, which knows Kafka 4's group protocol (KIP-848); `library` is
the folder that brings a program the same by LD_LIBRARY_PATH.

commands, brokers are 1, 2, ...; API keys, error codes and partitions are numbers as in Kafka's protocol
  down BROKER, up BROKER               connections are closed and refused; the data is kept
  rtt BROKER MS                        delay of each answer
  topic NAME PARTITIONS REPLICAS
  topicerr NAME CODE                   every request about the topic fails; 0 ends that
  leader NAME PARTITION BROKER         -1 for no leader
  coord group|transaction KEY BROKER   coordinator of a group or a transactional id
  errors APIKEY CODE...                the next requests of this kind fail with these codes
  clear APIKEY                         no more of them
"""

import glob
import hashlib
import os
import select
import subprocess
import tempfile

from common import Failure, Server, program, python_with_packages, run, spawn

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kafka_mock.c")


def add_arguments(parser):
    parser.add_argument("brokers", nargs="?", type=int, default=1)
    parser.add_argument("--newest", action="store_true")


def newest(folder):
    """A folder that holds the library of the package under the name that programs look for."""
    root = os.path.dirname(os.path.dirname(python_with_packages()))
    found = glob.glob(os.path.join(root, "lib/python*/site-packages/confluent_kafka.libs/librdkafka-*.so.1"))
    if len(found) != 1:
        raise Failure("confluent-kafka is not installed: run Tests/Servers/install")
    library = os.path.join(folder, "library")
    os.mkdir(library)
    os.symlink(found[0], os.path.join(library, "librdkafka.so.1"))
    return library


def compiled():
    """The program, compiled once for each version of its source, kept in a folder that only this user can write."""
    with open(SOURCE, "rb") as file:
        key = hashlib.sha256(file.read()).hexdigest()[:16]
    folder = os.path.join(tempfile.gettempdir(), f"pump-tests-{os.getuid()}")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    if os.stat(folder).st_uid != os.getuid():
        raise Failure(f"{folder} belongs to another user")
    path = os.path.join(folder, f"kafka-mock-{key}")
    if not os.path.exists(path):
        # Renamed when complete, as others may be doing the same.
        unfinished = f"{path}.{os.getpid()}"
        try:
            run([program("cc"), "-O1", "-Wall", "-Wextra", "-o", unfinished, SOURCE, "-lrdkafka"])
        except Failure as failure:
            if not os.path.exists("/usr/include/librdkafka/rdkafka_mock.h"):
                raise Failure("librdkafka-dev is not installed: run Tests/Servers/install")
            raise failure
        os.rename(unfinished, path)
    return path


class Kafka(Server):
    process = None

    def start(self):
        facts = {"library": newest(self.folder)} if self.options.newest else {}
        environment = {**os.environ, "LD_LIBRARY_PATH": facts["library"]} if facts else None
        self.process = spawn([compiled(), str(self.options.brokers)], os.path.join(self.folder, "log"),
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
        bootstrap = self.read_line()
        return {"port": int(bootstrap.split(",")[0].rpartition(":")[2]), "bootstrap": bootstrap, "pid": self.process.pid, **facts}

    def read_line(self):
        # One line for each command, so nothing stays in Python's buffer and select tells the truth.
        if not select.select([self.process.stdout], [], [], 10)[0]:
            raise Failure("the mock cluster does not answer")
        line = self.process.stdout.readline().decode().strip()
        if not line:
            raise Failure("the mock cluster ended")
        return line

    def command(self, name, text):
        self.process.stdin.write(f"{name} {text}\n".encode())
        self.process.stdin.flush()
        verdict, _, rest = self.read_line().partition(" ")
        if verdict != "ok":
            raise Failure(rest)
        return rest or None

    def end(self):
        if self.process:
            self.process.kill()
            self.process.wait()


SERVER = Kafka
