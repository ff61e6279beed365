"""What a process takes."""
import os
import re
import tempfile
import threading
import time


def timed(command, cwd=None):
    """CPU seconds, wall seconds and peak memory in KiB of one process."""
    errors = tempfile.TemporaryFile()
    start = time.monotonic()
    pid = os.fork()
    if pid == 0:
        if cwd:
            os.chdir(cwd)
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 1)
        os.dup2(errors.fileno(), 2)
        os.execvp(command[0], command)
    peak, ended = [0], threading.Event()
    watch = threading.Thread(target=watch_memory, args=(pid, peak, ended))
    watch.start()
    _, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - start
    ended.set()
    watch.join()
    if status != 0:
        errors.seek(0)
        raise SystemExit("failed: %s\n%s" % (" ".join(command), errors.read().decode(errors="replace")[-4000:]))
    return usage.ru_utime + usage.ru_stime, seconds, peak[0]


def watch_memory(pid, peak, ended):
    """What the kernel notes of a program as its peak; the usage that a wait gives counts the memory of this script too."""
    while not ended.wait(0.01):
        try:
            with open("/proc/%d/status" % pid) as f:
                status = f.read()
        except OSError:
            return
        # The last one counts: before it runs the program, the process is a copy of this one.
        if found := re.search(r"VmHWM:\s+(\d+)", status):
            peak[0] = int(found[1])
