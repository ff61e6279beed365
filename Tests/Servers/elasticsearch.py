"""A stand-in for Elasticsearch 8: strict about what it is asked, in memory, one node.

It knows: GET /, indices (PUT, GET, HEAD, DELETE), _mapping, _doc, _mget, _create, _update, _bulk, _refresh, _count, _search
(match_all, range, term and bool; sort, from, size, search_after, pit), _pit. Anything else is answered by 400.
Unlike a real server it never refreshes by itself: searches see what was written before the last refresh.

options
  --auth             user elastic, password s3cret; or the API key that the first line of output gives
  --tls              connections without TLS are refused
  --max-body BYTES   larger requests, as they are after unpacking, get 413

commands
  fail STATUS COUNT        the next requests fail as a whole, nothing is done
  fail-item STATUS COUNT   the next items of bulk requests fail
  drop-before COUNT        the next requests end with a closed connection, nothing is done
  drop-after COUNT         the next requests are done, but the connection is closed instead of a reply
  fixed on|off             a bulk request is answered at once with success and without being read as JSON, to measure clients
  stop, start              the port is closed and opened again; all data stays
  count INDEX              its documents, refreshed or not
  requests                 how many there were
"""

import base64
import gzip
import json
import os
import re
import socket
import ssl
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import certificates
from common import HOST, PASSWORD, Failure, Server, free_port
from elasticsearch_index import Refused
from elasticsearch_requests import Request, filtered, injected
from elasticsearch_store import Store

USER = "elastic"
CONTENT_TYPE = re.compile(r"application/(json|x-ndjson|vnd\.elasticsearch\+(json|x-ndjson) *; *compatible-with=8)( *;.*)?")


def add_arguments(parser):
    parser.add_argument("--auth", action="store_true")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--max-body", type=int, default=100 << 20, metavar="BYTES")


class Elasticsearch(Server):
    def start(self):
        self.store = Store()
        self.lock = threading.RLock()
        self.requests = 0
        self.fixed = False
        self.faults = {"fail": [], "fail-item": [], "drop-before": [], "drop-after": []}
        self.connections = set()
        self.http = None
        self.port = free_port()
        self.accepted = []
        self.context = None
        description = {"port": self.port, "url": f"{'https' if self.options.tls else 'http'}://{HOST}:{self.port}"}
        if self.options.tls:
            folder = os.path.join(self.folder, "tls")
            certificates.make(folder)
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(os.path.join(folder, "server.pem"))
            description.update(ca=os.path.join(folder, "ca.crt"), certificates=folder)
        self.do_start()
        if self.options.auth:
            api_key = base64.b64encode(f"{uuid.uuid4().hex[:20]}:{uuid.uuid4().hex[:22]}".encode()).decode()
            basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            self.accepted = [f"Basic {basic}", f"ApiKey {api_key}"]
            description.update(user=USER, password=PASSWORD, api_key=api_key)
        return description

    def do_start(self):
        if self.http:
            raise Failure("the server is running")
        self.http = Listener((HOST, self.port), Handler)
        self.http.elasticsearch = self
        if self.context:
            # Each connection's own thread shakes hands, with its first read.
            self.http.socket = self.context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
        # It looks ten times a second whether it shall stop.
        threading.Thread(target=self.http.serve_forever, args=(0.1,), daemon=True).start()

    def do_stop(self):
        if not self.http:
            raise Failure("the server is stopped")
        listener, self.http = self.http, None
        listener.shutdown()
        listener.server_close()
        with self.lock:
            for connection in self.connections:
                drop(connection)

    def add_fault(self, kind, count, value=None):
        with self.lock:
            self.faults[kind] = [value] * int(count)

    def fault(self, kind):
        """Whether (and with what) this fault is due, which uses it up."""
        with self.lock:
            return (self.faults[kind].pop(),) if self.faults[kind] else None

    def do_fail(self, status, count):
        self.add_fault("fail", count, int(status))

    def do_fail_item(self, status, count):
        self.add_fault("fail-item", count, int(status))

    def do_drop_before(self, count):
        self.add_fault("drop-before", count)

    def do_drop_after(self, count):
        self.add_fault("drop-after", count)

    def do_fixed(self, on):
        if on not in ("on", "off"):
            raise Failure("on or off")
        self.fixed = on == "on"

    def do_requests(self):
        return self.requests

    def do_count(self, index):
        with self.lock:
            try:
                return len(self.store.index(index).documents)
            except Refused as refused:
                raise Failure(str(refused))


def drop(connection):
    """Ends a connection, also while another thread waits for input from it."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the client was faster


class Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """A client that leaves in the middle is no matter here."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are two writes; the second one must not wait for the client's acknowledgement of the first.
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.elasticsearch = self.server.elasticsearch
        with self.elasticsearch.lock:
            self.elasticsearch.connections.add(self.connection)
            if self.server is not self.elasticsearch.http:
                drop(self.connection)  # stopped right after this one came

    def finish(self):
        with self.elasticsearch.lock:
            self.elasticsearch.connections.discard(self.connection)
        super().finish()

    def log_message(self, *_):
        """Nothing is logged."""

    def read_body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return body

    def handle_request(self):
        elasticsearch = self.elasticsearch
        with elasticsearch.lock:
            elasticsearch.requests += 1
        body = self.read_body()
        url = urlsplit(self.path)
        parameters = dict(parse_qsl(url.query, keep_blank_values=True))
        try:
            if elasticsearch.fault("drop-before"):
                self.give_up()
                return
            if status := elasticsearch.fault("fail"):
                raise injected(*status)
            self.check_headers(body)
            if elasticsearch.fixed and url.path.endswith("/_bulk"):
                self.reply(200, {"took": 0, "errors": False, "items": []})
                return
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            if len(body) > elasticsearch.options.max_body:
                self.close_connection = True
                self.reply(413, None)
                return
            status, answer = Request(elasticsearch, self.command, url.path, parameters, body).answer()
            if elasticsearch.fault("drop-after"):
                self.give_up()
                return
        except Refused as refused:
            status, answer = refused.status, refused.body()
        except (ValueError, TypeError, KeyError, AttributeError, gzip.BadGzipFile) as error:
            # What has the wrong form deep inside; a real server has a name for each case, and the same status.
            status, answer = 400, Refused(400, "parsing_exception", f"{type(error).__name__}: {error}").body()
        if "filter_path" in parameters:
            answer = filtered(answer, parameters["filter_path"].split(","))
        self.reply(status, answer)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_request

    def check_headers(self, body):
        given = self.headers.get("Authorization")
        if self.elasticsearch.accepted and given not in self.elasticsearch.accepted:
            raise Refused(401, "security_exception", f"{'unable to authenticate user' if given else 'missing authentication'}"
                          f" for REST request [{self.path}]")
        content_type = self.headers.get("Content-Type", "")
        if body and not CONTENT_TYPE.fullmatch(content_type):
            raise Refused(406, "media_type_header_exception", f"Content-Type header [{content_type}] is not supported")

    def reply(self, status, answer):
        body = b"" if answer is None else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        compatible = "compatible-with=8" in self.headers.get("Accept", "")
        self.send_header("Content-Type",
                         "application/vnd.elasticsearch+json;compatible-with=8" if compatible else "application/json")
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="security", charset="UTF-8"')
            self.send_header("WWW-Authenticate", "ApiKey")
        if self.close_connection:
            self.send_header("Connection", "close")
        if len(body) > 1400 and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, 1)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def give_up(self):
        self.close_connection = True
        drop(self.connection)


SERVER = Elasticsearch
