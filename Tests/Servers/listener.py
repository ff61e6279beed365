"""A port where no server of any kind is: it takes connections and goes no further than it is told.

commands
  silent     connections are taken and read, and nothing is said; so it begins
  close      connections are closed as soon as they are there
  tls NAME   a TLS handshake, after PostgreSQL's request for one too, with a certificate of certificates.py: `server`,
             `wrong-name`, `expired` or `ca`, which is signed by itself; then silence
"""

import os
import socket
import socketserver
import ssl
import threading

import certificates
from common import HOST, Failure, Server, free_port

# What a client of PostgreSQL asks first: 8 bytes, the code of SSLRequest.
POSTGRESQL_ASKS = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


def add_arguments(parser):
    pass


class Listener(Server):
    def start(self):
        self.certificates = os.path.join(self.folder, "tls")
        certificates.make(self.certificates)
        self.port = free_port()
        self.closes = False
        self.context = None
        self.listener = TCPServer((HOST, self.port), Connection)
        self.listener.owner = self
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()
        return {"port": self.port, "ca": os.path.join(self.certificates, "ca.crt")}

    def do_silent(self):
        self.closes, self.context = False, None

    def do_close(self):
        self.closes, self.context = True, None

    def do_tls(self, name):
        if name not in ("server", "wrong-name", "expired", "ca"):
            raise Failure("tls server, wrong-name, expired or ca")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*(os.path.join(self.certificates, name + end) for end in (".crt", ".key")))
        self.closes, self.context = False, context


class TCPServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Clients that do not trust the certificate are what this is for."""


class Connection(socketserver.BaseRequestHandler):
    def handle(self):
        owner = self.server.owner
        if owner.closes:
            return
        stream = self.request
        if owner.context:
            if stream.recv(8, socket.MSG_PEEK) == POSTGRESQL_ASKS:
                stream.recv(8)
                stream.sendall(b"S")
            stream = owner.context.wrap_socket(stream, server_side=True)
        while stream.recv(4096):
            pass


SERVER = Listener
