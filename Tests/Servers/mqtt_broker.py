"""Brokers of MQTT other than mosquitto, from PyPI: they know 3.1.1 only.

  nats     NATS: it says that it does not know MQTT 5, and ends a connection over a topic with a blank
  amqtt    it says nothing at all to a client of MQTT 5

commands
  stop, start    the same port
"""

import os

from common import HOST, ProcessServer, free_port, program, python_with_packages, spawn


def add_arguments(parser):
    parser.add_argument("kind", choices=["nats", "amqtt"])


class Broker(ProcessServer):
    def start(self):
        self.port = free_port()
        self.configuration = os.path.join(self.folder, "configuration")
        text = self.nats() if self.options.kind == "nats" else self.amqtt()
        with open(self.configuration, "w") as file:
            file.write(text)
        self.launch()
        return {"port": self.port, "pid": self.process.pid}

    def nats(self):
        return (f'server_name: test\nhost: "{HOST}"\nport: -1\njetstream {{ store_dir: "{self.folder}/store" }}\n'
                f'mqtt {{ host: "{HOST}", port: {self.port} }}\n')

    def amqtt(self):
        return (f"listeners:\n  default:\n    type: tcp\n    bind: {HOST}:{self.port}\n"
                "plugins:\n  amqtt.plugins.authentication.AnonymousAuthPlugin:\n    allow_anonymous: true\n")

    def launch(self):
        folder = os.path.dirname(python_with_packages())
        name = {"nats": "nats-server", "amqtt": "amqtt"}[self.options.kind]
        self.process = spawn([program(name, folder), "-c", self.configuration], self.log())
        self.wait_until(self.listens)


SERVER = Broker
