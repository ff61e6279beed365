"""Redis, with its data on disk.

commands
  stop             kills it; what was answered survives
  start            again, on the same port
  restart          in order
  pause, resume    stopped by the kernel, connections stay
"""

import socket

from common import HOST, ProcessServer, free_port, program, spawn


def add_arguments(parser):
    pass


class Redis(ProcessServer):
    def start(self):
        self.port = free_port()
        self.launch()
        return {"port": self.port, "pid": self.process.pid}

    def launch(self):
        # The log of commands is written before the answer, so a kill loses nothing, even without fsync.
        self.process = spawn(
            [program("redis-server"), "--bind", HOST, "--port", str(self.port), "--dir", self.folder,
             "--appendonly", "yes", "--appendfsync", "no", "--save", ""], self.log())
        self.wait_until(self.answers)

    def answers(self):
        """It listens before it has read its data, and answers LOADING until then."""
        try:
            with socket.create_connection((HOST, self.port), 1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False


SERVER = Redis
