"""PostgreSQL 15 with a superuser app (password s3cret) and a database app, ready for logical replication.

commands
  stop               at once, as in a crash
  start              again, on the same port, with its data
  restart            in order
  pause, resume      the server and its sessions are stopped by the kernel, connections stay
  sql TEXT           runs it as app; answers rows without header, columns split by |, rows by \\n (backslash and n)
  next-transaction N restarts it in order; its next transaction has this number, however far that is
  sessions           how many sessions of app there are, replication included, without the one that asks
"""

import os
import pwd
import shutil
import signal
import tempfile

import certificates
from common import HOST, PASSWORD, USER, Failure, ProcessServer, free_port, one_line, program, run, spawn

PROGRAMS = "/usr/lib/postgresql/15/bin"

SETTINGS = """
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
max_connections = 100
shared_buffers = '32MB'
# The machine does not crash, only the server does: then the kernel still has what was written.
fsync = off
full_page_writes = off
synchronous_commit = on
wal_level = logical
max_replication_slots = 10
max_wal_senders = 10
# In the data folder instead of /dev/shm, so that nothing is left there after a kill.
dynamic_shared_memory_type = mmap
"""

TLS_SETTINGS = """
ssl = on
ssl_cert_file = 'server.crt'
ssl_key_file = 'server.key'
"""

SESSIONS = f"""
select count(*) from pg_stat_activity
where usename = '{USER}' and backend_type in ('client backend', 'walsender') and pid <> pg_backend_pid()
"""


def add_arguments(parser):
    parser.add_argument("--tls", action="store_true", help="connections without TLS are refused")


class PostgreSQL(ProcessServer):
    # The shutdown that PostgreSQL calls immediate: no checkpoint, recovery at the next start, as after a crash, but no
    # shared memory is left behind.
    stop_signal = signal.SIGQUIT

    def start(self):
        self.account = {}
        if os.geteuid() == 0:
            # PostgreSQL refuses to run as root.
            entry = pwd.getpwnam("postgres")
            self.account = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
            self.move_to_reachable_folder()
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        self.data = os.path.join(self.folder, "data")
        self.port = free_port()
        self.initialise()
        self.launch()
        run(self.psql("postgres", f"create database {USER}"), env=self.environment())
        description = {"port": self.port, "user": USER, "password": PASSWORD, "database": USER, "pid": self.process.pid}
        if self.options.tls:
            description["ca"] = os.path.join(self.folder, "tls", "ca.crt")
            description["certificates"] = os.path.join(self.folder, "tls")
        return description

    def initialise(self):
        password = os.path.join(self.folder, "password")
        with open(password, "w") as file:
            file.write(PASSWORD)
        self.give_away(password)
        run([program("initdb", PROGRAMS), "-D", self.data, "-U", USER, f"--pwfile={password}", "-A", "scram-sha-256",
             "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"], cwd=self.folder, **self.account)
        with open(os.path.join(self.data, "postgresql.conf"), "a") as file:
            file.write(SETTINGS.format(host=HOST, port=self.port))
            if self.options.tls:
                file.write(TLS_SETTINGS)
        if self.options.tls:
            certificates.make(os.path.join(self.folder, "tls"))
            for name in ("server.crt", "server.key"):
                copy = os.path.join(self.data, name)
                shutil.copy(os.path.join(self.folder, "tls", name), copy)
                os.chmod(copy, 0o600)
                self.give_away(copy)
            with open(os.path.join(self.data, "pg_hba.conf"), "w") as file:
                file.write(f"hostssl all all {HOST}/32 scram-sha-256\nhostssl replication all {HOST}/32 scram-sha-256\n")

    def move_to_reachable_folder(self):
        """User postgres must be able to enter every folder above, which a private TMPDIR does not allow."""
        above = os.path.dirname(self.folder)
        while os.stat(above).st_mode & 0o001:
            if above == "/":
                return
            above = os.path.dirname(above)
        os.rmdir(self.folder)
        self.folder = tempfile.mkdtemp(prefix="pump-server-", dir="/tmp")

    def give_away(self, path):
        if self.account:
            os.chown(path, self.account["user"], self.account["group"])

    def launch(self):
        self.process = spawn([program("postgres", PROGRAMS), "-D", self.data], self.log(),
                             death_signal=self.stop_signal, cwd=self.folder, **self.account)
        self.wait_until(self.accepts)

    def accepts(self):
        """It may listen and still be recovering; pg_isready knows, and needs no password."""
        if not self.listens():
            return False
        try:
            run([program("pg_isready", PROGRAMS), "-q", "-h", HOST, "-p", str(self.port)])
            return True
        except Failure:
            return False

    def environment(self):
        return {**os.environ, "PGPASSWORD": PASSWORD, "PGCONNECT_TIMEOUT": "5"}

    def psql(self, database, text):
        return [program("psql", PROGRAMS), "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1",
                "-h", HOST, "-p", str(self.port), "-U", USER, "-d", database, "-c", text]

    def do_sql(self, text):
        return one_line(run(self.psql(USER, text), env=self.environment()))

    def do_sessions(self):
        return self.do_sql(SESSIONS)

    def do_next_transaction(self, number):
        # What was written so far must stay in the past, which reaches back two thousand million transactions.
        run([program("vacuumdb", PROGRAMS), "-q", "--all", "--freeze", "-h", HOST, "-p", str(self.port), "-U", USER], env=self.environment())
        self.finish(signal.SIGINT)
        run([program("pg_resetwal", PROGRAMS), "-x", number, "-D", self.data], cwd=self.folder, **self.account)
        # The page of the status of such transactions, of which none has ended yet.
        segment = os.path.join(self.data, "pg_xact", f"{int(number) // (1 << 20):04X}")
        with open(segment, "wb") as file:
            file.write(bytes(1 << 18))
        self.give_away(segment)
        self.launch()

    def do_restart(self):
        # Without waiting for clients to leave, which SIGTERM would.
        self.finish(signal.SIGINT)
        self.launch()


SERVER = PostgreSQL
