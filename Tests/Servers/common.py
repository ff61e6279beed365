"""What the test servers share: ports, processes, and how commands are answered."""

import ctypes
import inspect
import os
import shutil
import signal
import socket
import subprocess
import time

HOST = "127.0.0.1"
USER = "app"
PASSWORD = "s3cret"

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """Something to tell in one line."""


def one_line(text):
    return text.strip().replace("\n", "\\n")


def free_port():
    """A port below the range that Linux gives to clients (32768 and up).

    Inside that range a stopped server's port could go to somebody's outgoing connection before the server starts again,
    and a client that keeps dialling a closed port there can even end up connected to itself. Starting from the process
    id keeps servers that are started at the same moment apart.
    """
    first, size = 20000, 12768
    for step in range(size):
        port = first + (os.getpid() + step * 7919) % size
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
                return port
            except OSError:
                continue
    raise Failure("no free port")


def program(name, *folders):
    """The path of an installed program; Debian keeps some outside a usual user's PATH."""
    path = shutil.which(name, path=os.pathsep.join([*folders, os.environ.get("PATH", ""), "/usr/sbin"]))
    if not path:
        raise Failure(f"{name} is not installed: run Tests/Servers/install")
    return path


def python_with_packages():
    """The Python of the environment that Tests/Servers/install makes."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    venv = os.environ.get("PUMP_TESTS_VENV") or os.path.join(cache, "pump-tests/venv")
    python = os.path.join(venv, "bin/python")
    if not os.path.exists(python):
        raise Failure(f"no Python environment in {venv}: run Tests/Servers/install")
    return python


def run(arguments, timeout=60, **more):
    """Runs a program to its end and gives its output; a failure carries what it said."""
    try:
        done = subprocess.run(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, timeout=timeout, **more)
    except subprocess.TimeoutExpired:
        raise Failure(f"{os.path.basename(arguments[0])} did not end in {timeout} s")
    if done.returncode != 0:
        raise Failure(one_line(done.stderr or done.stdout) or f"{arguments[0]} ended with {done.returncode}")
    return done.stdout


def spawn(arguments, log, death_signal=signal.SIGKILL, **more):
    """Starts a process in a session of its own, which gets `death_signal` should this process be killed outright."""
    parent = os.getpid()

    def tie_to_parent():
        LIBC.prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:  # it ended before the line above
            os._exit(1)

    with open(log, "ab") as output:
        return subprocess.Popen(
            arguments,
            **{"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output, **more},
            start_new_session=True, preexec_fn=tie_to_parent)


def descendants(pid):
    """The ids of all processes that stem from `pid`, without itself."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    # The program's name stands in parentheses and may hold anything, spaces too.
                    parent = int(file.read().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(name))
            except (OSError, IndexError):
                pass  # it ended meanwhile
    found = []
    waiting = [pid]
    while waiting:
        for child in children.get(waiting.pop(), []):
            found.append(child)
            waiting.append(child)
    return found


def send_signal(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


class Server:
    """One server. A method `do_NAME` answers the command NAME (`-` becomes `_`); what it returns follows `ok`."""

    def __init__(self, options, folder):
        self.options = options
        self.folder = folder

    def start(self):
        """Starts the server and gives what the first line of output tells of it."""
        raise NotImplementedError

    def end(self):
        """Ends all that was started. The folder is removed afterwards."""

    def command(self, name, text):
        method = getattr(self, "do_" + name.replace("-", "_"), None)
        if not method:
            raise Failure(f"unknown command {name}")
        # The last parameter takes the rest of the line, so SQL needs no quotes.
        signature = inspect.signature(method)
        words = text.split(None, len(signature.parameters) - 1) if signature.parameters else text.split()
        try:
            signature.bind(*words)
        except TypeError:
            raise Failure(f"usage: {name} {' '.join(signature.parameters).upper()}".strip())
        return method(*words)


class ProcessServer(Server):
    """A server that is a process of its own, on a port that it keeps."""

    process = None
    stop_signal = signal.SIGKILL  # a crash is what tests need; no chance to tidy up

    def launch(self):
        """Starts `self.process` and waits until it answers."""
        raise NotImplementedError

    def log(self):
        return os.path.join(self.folder, "log")

    def wait_until(self, answers, seconds=30):
        deadline = time.monotonic() + seconds
        while not answers():
            ended = self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                with open(self.log(), errors="replace") as file:
                    last = file.read().strip().split("\n")[-1]
                raise Failure(f"the server {'ended' if ended else 'does not answer'}: {last}")
            time.sleep(0.01)

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex((HOST, self.port)) == 0

    def running(self):
        if not self.process:
            raise Failure("the server is stopped")
        return self.process

    def finish(self, number):
        """Ends the process and waits for it and whatever stems from it."""
        process = self.running()
        self.process = None
        everyone = [process.pid, *descendants(process.pid)]
        send_signal(everyone, signal.SIGCONT)  # it may be paused
        process.send_signal(number)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            send_signal([process.pid, *descendants(process.pid)], signal.SIGKILL)
            process.wait()

    def end(self):
        if self.process:
            self.finish(self.stop_signal)

    def do_stop(self):
        self.finish(self.stop_signal)

    def do_start(self):
        if self.process:
            raise Failure("the server is running")
        self.launch()

    def do_restart(self):
        self.finish(signal.SIGTERM)
        self.launch()

    def do_pause(self):
        # The parent first: it starts no more children while those are looked up.
        send_signal([self.running().pid], signal.SIGSTOP)
        send_signal(descendants(self.process.pid), signal.SIGSTOP)

    def do_resume(self):
        send_signal([*descendants(self.running().pid), self.process.pid], signal.SIGCONT)
