"""mosquitto, an MQTT broker.

  plain    anybody may do anything
  auth     user app, password s3cret; topics under ok/ only (a refused subscription is silent, a message refused to MQTT 5 is not)
  tls      TLS, and the same user, for every topic
  mtls     TLS with a client certificate, whose common name is the user

options
  --max-packet BYTES   clients that send longer packets are disconnected
  --memory             nothing is kept on disk; a long queue would be written out again with every change
  --line TEXT          one more line of mosquitto.conf

commands
  stop             kills it; sessions and messages of QoS 1 and 2 survive on disk
  start            again, on the same port
  restart          in order
  pause, resume    stopped by the kernel, connections stay
"""

import os

import certificates
from common import HOST, PASSWORD, USER, ProcessServer, free_port, program, run, spawn


def add_arguments(parser):
    parser.add_argument("mode", nargs="?", default="plain", choices=["plain", "auth", "tls", "mtls"])
    parser.add_argument("--max-packet", type=int, metavar="BYTES")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--line", metavar="TEXT")


class Mosquitto(ProcessServer):
    def start(self):
        self.port = free_port()
        description = {"port": self.port}
        # Without all three, a kill loses what was queued for sessions that are away.
        kept = ["persistence true", "autosave_on_changes true", "autosave_interval 1"]
        lines = [
            *([] if self.options.memory else kept),
            f"persistence_location {self.folder}/",
            # As root it would change to user mosquitto, who may not write to this folder.
            *(["user root"] if os.geteuid() == 0 else []),
            "log_dest stderr",
            f"listener {self.port} {HOST}",
            # Tests queue more than the usual 1000 messages for a session that is away. With 0, for no limit, 2.0.11 ends the
            # connection of a client whose message it refuses.
            "max_queued_messages 1000000",
        ]
        if self.options.max_packet:
            lines.append(f"max_packet_size {self.options.max_packet}")
        if self.options.line:
            lines.append(self.options.line)
        mode = self.options.mode
        if mode in ("tls", "mtls"):
            folder = os.path.join(self.folder, "tls")
            certificates.make(folder)
            lines += [f"cafile {folder}/ca.crt", f"certfile {folder}/server.crt", f"keyfile {folder}/server.key"]
            description["ca"] = os.path.join(folder, "ca.crt")
            description["certificates"] = folder
        if mode == "mtls":
            lines += ["require_certificate true", "use_identity_as_username true"]
            description["certificate"] = os.path.join(folder, "client.crt")
            description["key"] = os.path.join(folder, "client.key")
        if mode in ("auth", "tls"):
            lines.append(f"password_file {self.password_file()}")
            description["user"] = USER
            description["password"] = PASSWORD
        if mode == "auth":
            acl = self.write("acl", [f"user {USER}", "topic readwrite ok/#"])
            lines.append(f"acl_file {acl}")
        lines.append(f"allow_anonymous {'true' if mode == 'plain' else 'false'}")
        self.configuration = self.write("mosquitto.conf", lines)
        self.launch()
        return {**description, "pid": self.process.pid}

    def write(self, name, lines):
        path = os.path.join(self.folder, name)
        with open(path, "w") as file:
            file.writelines(f"{line}\n" for line in lines)
        return path

    def password_file(self):
        path = os.path.join(self.folder, "passwords")
        run([program("mosquitto_passwd"), "-b", "-c", path, USER, PASSWORD])
        return path

    def launch(self):
        self.process = spawn([program("mosquitto"), "-c", self.configuration], self.log())
        self.wait_until(self.listens)


SERVER = Mosquitto
