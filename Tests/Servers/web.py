"""A server of HTTP/1.1 that does what the path asks for.

  /drop/…         the connection is closed without an answer
  /members        the answer is packed as two members of gzip
  /broken         it says that it is packed as gzip, and is not
  /br             it is packed in a way that nobody asked for
  /status/NUMBER  that status
  /forget/NUMBER  the same, and the connection is closed with it
  anything else   200, and {"target": the path and query as they came}

options
  --port PORT     listens there

commands
  asked    the targets of all requests so far
"""

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from common import HOST, Server, free_port


def add_arguments(parser):
    parser.add_argument("--port", type=int, metavar="PORT")


class Web(Server):
    def start(self):
        self.asked = []
        port = self.options.port or free_port()
        self.listener = Listener((HOST, port), Handler)
        self.listener.web = self
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()
        return {"port": port, "url": f"http://{HOST}:{port}"}

    def do_asked(self):
        return " ".join(self.asked)


class Listener(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Clients may go whenever they like."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        """Nothing is logged."""

    def handle_request(self):
        self.server.web.asked.append(self.path)
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = self.path.split("/")[1].split("?")[0]
        body, status, packing = json.dumps({"target": self.path}).encode(), 200, None
        if kind == "drop":
            self.close_connection = True
            return
        if kind in ("status", "forget"):
            status = int(self.path.split("/")[2].split("?")[0])
            self.close_connection = kind == "forget"
        if kind == "members":
            body, packing = gzip.compress(body[:5]) + gzip.compress(body[5:]), "gzip"
        if kind == "broken":
            body, packing = b"\x1f\x8b\x08 nothing of the kind", "gzip"
        if kind == "br":
            packing = "br"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        if packing:
            self.send_header("Content-Encoding", packing)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = handle_request


SERVER = Web
