"""A server of `Tests/Servers/serve` as Python scripts use it."""

import json
import os
import subprocess

SERVE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "serve")


class Server:
    """Started with its facts known; told what to do line by line."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([SERVE, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.facts = json.loads(self.process.stdout.readline())

    def tell(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer.startswith("ok"):
            raise RuntimeError(f"{command}: {answer}")
        return answer[2:].strip()

    def end(self):
        self.process.stdin.close()
        self.process.wait()
