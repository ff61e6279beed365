"""A stand-in for MongoDB 6: strict about its wire protocol and its commands, over PyPI's mongomock, in memory.

It is the primary of a replica set of one, rs0. It knows insert, update, delete, find, getMore, killCursors, aggregate,
change streams, count, create, drop, dropDatabase, createIndexes, listIndexes, listCollections, listDatabases, retryable
writes and SCRAM-SHA-256. It has no transactions. Queries and pipelines mean what mongomock makes of them.

options
  --auth   user app, password s3cret, of database admin
  --tls    connections without TLS are refused

commands
  fail COMMAND CODE COUNT      the next commands of this name fail with this code, nothing is done
  close-after COMMAND COUNT    the next commands of this name are done, then the connection is closed without an answer
  stop, start                  the port is closed and opened again; the data stays, cursors do not
  connections                  how many are open
  count DATABASE COLLECTION    its documents
"""

import base64
import hashlib
import hmac
import os
import socket
import socketserver
import ssl
import struct
import threading

import bson

import certificates
from common import HOST, PASSWORD, USER, Failure, Server, free_port
from mongodb_changes import CommandError
from mongodb_commands import MAX_MESSAGE, WITHOUT_LOGIN, Commands, described

OP_REPLY, OP_QUERY, OP_MSG = 1, 2004, 2013
CHECKSUM_PRESENT, MORE_TO_COME = 1, 2

# A server names the errors that a driver may answer by trying again; since version 4.4 drivers rely on that.
RETRYABLE = (6, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436)
RESUMABLE = (*RETRYABLE, 43, 63, 133, 150, 234, 13388)


def add_arguments(parser):
    parser.add_argument("--auth", action="store_true")
    parser.add_argument("--tls", action="store_true")


class MongoDB(Server):
    def start(self):
        self.port = free_port()
        self.commands = Commands(f"{HOST}:{self.port}")
        self.lock = self.commands.changes.condition
        self.failures = {}  # by command: codes to come
        self.closings = {}  # by command: how many
        self.connections = set()
        self.listener = None
        self.context = None
        scheme = f"mongodb://{HOST}:{self.port}/?replicaSet=rs0"
        description = {"port": self.port, "uri": scheme, "replica_set": "rs0"}
        if self.options.auth:
            self.credentials = Credentials(USER, PASSWORD)
            description.update(user=USER, password=PASSWORD,
                               uri=scheme.replace("//", f"//{USER}:{PASSWORD}@") + "&authSource=admin")
        if self.options.tls:
            folder = os.path.join(self.folder, "tls")
            certificates.make(folder)
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(os.path.join(folder, "server.pem"))
            description.update(ca=os.path.join(folder, "ca.crt"), certificates=folder)
        self.do_start()
        return description

    def do_start(self):
        if self.listener:
            raise Failure("the server is running")
        self.listener = Listener((HOST, self.port), Connection)
        self.listener.mongodb = self
        # It looks ten times a second whether it shall stop.
        threading.Thread(target=self.listener.serve_forever, args=(0.1,), daemon=True).start()

    def do_stop(self):
        if not self.listener:
            raise Failure("the server is stopped")
        listener, self.listener = self.listener, None
        listener.shutdown()
        listener.server_close()
        with self.lock:
            self.commands.cursors.clear()
            for connection in self.connections:
                connection.drop()

    def do_fail(self, command, code, count):
        with self.lock:
            self.failures[command] = [int(code)] * int(count)

    def do_close_after(self, command, count):
        with self.lock:
            self.closings[command] = int(count)

    def do_connections(self):
        return len(self.connections)

    def do_count(self, database, collection):
        with self.lock:
            return self.commands.client[database][collection].count_documents({})

    def answer(self, command, connection):
        """Runs a command; gives its answer, or None when the connection shall be closed instead."""
        name = next(iter(command))
        with self.lock:
            try:
                answer = self.run(name, command, connection)
            except CommandError as error:
                answer = labelled(error.body, name, command)
            except Exception as error:  # mongomock has many ways to say that it does not know something
                code, message = described(error)
                answer = CommandError(code, message).body
            answer = {**answer, "ok": answer.get("ok", 1.0)}
            if name not in WITHOUT_LOGIN:
                now = self.commands.changes.last_time
                answer["operationTime"] = now
                answer["$clusterTime"] = {"clusterTime": now, "signature": {"hash": bytes(20), "keyId": bson.Int64(0)}}
            if self.closings.get(name, 0) > 0:
                self.closings[name] -= 1
                return None
            return answer

    def run(self, name, command, connection):
        if self.failures.get(name):
            raise CommandError(self.failures[name].pop(), "a failure that the test asked for")
        if name in ("hello", "isMaster", "ismaster"):
            mechanisms = {"saslSupportedMechs": ["SCRAM-SHA-256"]} if "saslSupportedMechs" in command else {}
            return {**self.commands.run(command), **mechanisms}
        if "$db" not in command:
            raise CommandError(40571, "OP_MSG requests require a $db argument")
        if name in ("saslStart", "saslContinue"):
            if not self.options.auth:
                raise CommandError(18, "Authentication failed.")
            return connection.log_in(name, command)
        if self.options.auth and not connection.logged_in and name not in WITHOUT_LOGIN:
            raise CommandError(13, f"command {name} requires authentication")
        return self.commands.run(command)


def labelled(body, name, command):
    labels = []
    if "txnNumber" in command and body["code"] in RETRYABLE:
        labels.append("RetryableWriteError")
    if name in ("getMore", "aggregate") and body["code"] in RESUMABLE:
        labels.append("ResumableChangeStreamError")
    return {**body, "errorLabels": labels} if labels else body


class Credentials:
    """What a server keeps of a password for SCRAM-SHA-256."""

    def __init__(self, user, password):
        self.user = user
        # 28 bytes as a real server has them; libmongoc takes no other length.
        self.salt = os.urandom(28)
        self.iterations = 15_000
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), self.salt, self.iterations)
        self.stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
        self.server_key = hmac.digest(salted, b"Server Key", "sha256")


class Conversation:
    """One login by SCRAM-SHA-256 (RFC 5802 and 7677)."""

    def __init__(self, credentials, command):
        if command["mechanism"] != "SCRAM-SHA-256":
            raise CommandError(334, f"Received authentication for mechanism {command['mechanism']} which is not enabled")
        self.credentials = credentials
        self.skips_last = command.get("options", {}).get("skipEmptyExchange", False)
        self.proved = False
        self.client_first = bytes(command["payload"]).decode().split(",", 2)[2]
        fields = dict(part.split("=", 1) for part in self.client_first.split(","))
        if fields["n"] != credentials.user or command["$db"] != "admin":
            raise CommandError(18, "Authentication failed.")
        self.nonce = fields["r"] + base64.b64encode(os.urandom(18)).decode()
        salt = base64.b64encode(credentials.salt).decode()
        self.server_first = f"r={self.nonce},s={salt},i={credentials.iterations}"

    def first(self):
        return {"conversationId": 1, "done": False, "payload": self.server_first.encode()}

    def next(self, command):
        if self.proved:
            return {"conversationId": 1, "done": True, "payload": b""}
        message, _, proof = bytes(command["payload"]).decode().rpartition(",p=")
        signed = f"{self.client_first},{self.server_first},{message}".encode()
        signature = hmac.digest(self.credentials.stored_key, signed, "sha256")
        client_key = bytes(a ^ b for a, b in zip(signature, base64.b64decode(proof)))
        if message != f"c=biws,r={self.nonce}" or hashlib.sha256(client_key).digest() != self.credentials.stored_key:
            raise CommandError(18, "Authentication failed.")
        self.proved = True
        verifier = base64.b64encode(hmac.digest(self.credentials.server_key, signed, "sha256"))
        return {"conversationId": 1, "done": self.skips_last, "payload": b"v=" + verifier}


class BadMessage(Exception):
    """Bytes that are no message; a real server closes the connection too."""


class Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """A client that leaves in the middle is no matter here."""


class Connection(socketserver.BaseRequestHandler):
    def handle(self):
        mongodb = self.server.mongodb
        self.logged_in = False
        self.conversation = None
        with mongodb.lock:
            if self.server is not mongodb.listener:
                return  # stopped right after this one came
            mongodb.connections.add(self)
        try:
            self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if mongodb.context:
                self.request = mongodb.context.wrap_socket(self.request, server_side=True)
            self.input = self.request.makefile("rb")
            while self.serve_one(mongodb):
                pass
        except (OSError, BadMessage, bson.errors.InvalidBSON, struct.error, UnicodeDecodeError):
            pass
        finally:
            with mongodb.lock:
                mongodb.connections.discard(self)

    def drop(self):
        try:
            self.request.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the client was faster

    def serve_one(self, mongodb):
        """Reads a message and answers it; gives whether the connection goes on."""
        header = self.input.read(16)
        if len(header) < 16:
            return False
        length, request_id, _, operation = struct.unpack("<iiii", header)
        if not 16 < length <= MAX_MESSAGE:
            raise BadMessage
        body = self.input.read(length - 16)
        if len(body) < length - 16:
            return False
        more_to_come = False
        if operation == OP_MSG:
            command, more_to_come = parsed_message(body)
        elif operation == OP_QUERY:
            command = parsed_query(body)
        else:
            raise BadMessage
        answer = mongodb.answer(command, self)
        if answer is None:
            return False
        if more_to_come:
            return True
        document = bson.encode(answer)
        if operation == OP_MSG:
            reply = struct.pack("<IB", 0, 0) + document
        else:
            reply = struct.pack("<iqii", 8, 0, 0, 1) + document
            operation = OP_REPLY
        self.request.sendall(struct.pack("<iiii", 16 + len(reply), 0, request_id, operation) + reply)
        return True

    def log_in(self, name, command):
        if name == "saslStart":
            self.conversation = Conversation(self.server.mongodb.credentials, command)
            return self.conversation.first()
        if not self.conversation:
            raise CommandError(17, "No SASL session state found")
        answer = self.conversation.next(command)
        self.logged_in = answer["done"] or self.logged_in
        return answer


def parsed_message(body):
    """OP_MSG: one document, and sequences of documents that belong into it."""
    flags, = struct.unpack_from("<I", body)
    if flags & 0xFFFF & ~(CHECKSUM_PRESENT | MORE_TO_COME):
        raise BadMessage  # of the lower half all flags must be known
    end = len(body) - (4 if flags & CHECKSUM_PRESENT else 0)
    at = 4
    command = None
    sequences = {}
    while at < end:
        kind = body[at]
        size, = struct.unpack_from("<i", body, at + 1)
        section = body[at + 1:at + 1 + size]
        if size < 5 or at + 1 + size > end:
            raise BadMessage
        if kind == 0 and command is None:
            command = bson.decode(section)
        elif kind == 1:
            name, _, documents = section[4:].partition(b"\0")
            sequences[name.decode()] = bson.decode_all(documents)
        else:
            raise BadMessage
        at += 1 + size
    if not command or sequences.keys() & command.keys():
        raise BadMessage
    command.update(sequences)
    return command, bool(flags & MORE_TO_COME)


def parsed_query(body):
    """OP_QUERY, which drivers still use for their first hello, and a real server takes for nothing else."""
    at = body.index(b"\0", 4) + 9
    size, = struct.unpack_from("<i", body, at)
    command = bson.decode(body[at:at + size])
    command = command.get("$query", command)
    if next(iter(command), "") not in ("hello", "isMaster", "ismaster"):
        raise BadMessage
    return command


SERVER = MongoDB
