"""pgbouncer, a pooler before a PostgreSQL of these tests, which gives its sessions from transaction to transaction.

option
  --session   a client keeps its session instead
"""

import os

from common import HOST, PASSWORD, USER, ProcessServer, free_port, program, spawn

SETTINGS = """
[databases]
{user} = host={host} port={server} dbname={user} user={user} password={password}

[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
"""


def add_arguments(parser):
    parser.add_argument("server", metavar="PORT")
    parser.add_argument("--session", action="store_true")


class Pgbouncer(ProcessServer):
    def start(self):
        self.port = free_port()
        path = os.path.join(self.folder, "pgbouncer.ini")
        mode = "session" if self.options.session else "transaction"
        with open(path, "w") as file:
            file.write(SETTINGS.format(user=USER, password=PASSWORD, host=HOST, server=self.options.server, port=self.port, mode=mode))
        # It refuses to run as root.
        account = ["-u", "postgres"] if os.geteuid() == 0 else []
        self.process = spawn([program("pgbouncer"), *account, path], self.log())
        self.wait_until(self.listens)
        return {"port": self.port, "pid": self.process.pid}


SERVER = Pgbouncer
