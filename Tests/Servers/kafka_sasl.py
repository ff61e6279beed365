"""Authentication as a Kafka broker asks for it, before a cluster that knows none: PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512.

As strict as Kafka's own: ApiVersions may be asked before the handshake, anything else that comes too early ends the
connection. A handshake of version 0 is followed by bare SASL messages, one of version 1 by SaslAuthenticate requests.
Passwords are not prepared (SASLprep); there are no channel bindings, tokens, nor logins that expire.

Up to Kafka 3.9 the nonce that SCRAM's client repeats need only end as the server's did, for librdkafka before 2.6.1 puts its
own before it once more; from Kafka 4.0 on it must be the same.
"""

import asyncio
import base64
import hashlib
import hmac
import os
import struct

API_VERSIONS, HANDSHAKE, AUTHENTICATE = 18, 17, 36
UNSUPPORTED_MECHANISM, ILLEGAL_STATE, UNSUPPORTED_VERSION, AUTHENTICATION_FAILED = 33, 34, 35, 58
ITERATIONS = 4096
LARGEST = 524288  # Kafka's own limit of a request before the login is done


# By name, and the hash of those that have one.
MECHANISMS = {"PLAIN": None, "SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}


class Refused(Exception):
    """The connection has to end."""


class Front:
    def __init__(self, user, password, exact_nonce):
        self.user = user
        self.password = password
        self.exact_nonce = exact_nonce
        self.takes_logins = True
        self.broken = {"handshake": 0, "message": 0}  # so many of the next logins end there

    async def log_in(self, client, server):
        """Speaks with a client until it has logged in; both sides are pairs of a reader and a writer. Raises Refused."""
        try:
            name, is_bare = await self.handshake(client, server)
            await self.authenticate(name, is_bare, client)
        except (asyncio.IncompleteReadError, struct.error, UnicodeDecodeError) as error:
            raise Refused(str(error))

    async def handshake(self, client, server):
        """The mechanism that the client chooses, and whether its messages come bare."""
        knows_versions = False
        while True:
            key, version, correlation, body = request(await read(client))
            if key == API_VERSIONS and not knows_versions:
                reply, knows_versions = await versions(server, version, correlation)
                write(client, reply)
            elif key == HANDSHAKE and version in (0, 1):
                self.break_off("handshake")
                name = string(body)
                error = ILLEGAL_STATE if not self.takes_logins else 0 if name in MECHANISMS else UNSUPPORTED_MECHANISM
                names = MECHANISMS if self.takes_logins else []
                write(client, struct.pack(">ihi", correlation, error, len(names)) + b"".join(map(counted, names)))
                if error:
                    raise Refused(f"no mechanism {name}")
                return name, version == 0
            else:
                raise Refused(f"request {key}, version {version}, before the login")

    async def authenticate(self, name, is_bare, client):
        """Lets the mechanism answer until it is content."""
        exchange = self.scram(MECHANISMS[name]) if MECHANISMS[name] else self.plain()
        next(exchange)
        is_done = False
        while not is_done:
            message = await read(client)
            self.break_off("message")
            if not is_bare:
                key, version, correlation, body = request(message)
                if key != AUTHENTICATE or version not in (0, 1):
                    raise Refused(f"request {key}, version {version}, within the login")
                message = body[4:]
                if body[:4] != struct.pack(">i", len(message)):
                    raise Refused("a length that is wrong")
            error, why, answer = 0, None, b""
            try:
                answer = exchange.send(message)
            except StopIteration as end:
                is_done, answer = True, end.value
            except Refused as refused:
                error, why = AUTHENTICATION_FAILED, str(refused)
            except ValueError:  # Kafka does not say what it was either
                error = AUTHENTICATION_FAILED
                why = f"Authentication failed during authentication due to invalid credentials with SASL mechanism {name}"
            if not is_bare:
                lifetime = struct.pack(">q", 0) if version == 1 else b""
                write(client, struct.pack(">ih", correlation, error) + counted(why) + struct.pack(">i", len(answer)) + answer + lifetime)
            elif not error:  # which has no place there
                write(client, answer)
            if error:
                raise Refused(why)

    def break_off(self, step):
        if self.broken[step]:
            self.broken[step] -= 1
            raise ConnectionResetError

    # The mechanisms: each is sent the client's messages, yields what to answer, and returns its last word.

    def plain(self):
        authority, name, password = (yield).split(b"\0")
        if authority not in (b"", name) or (name, password) != (self.user.encode(), self.password.encode()):
            raise Refused("Authentication failed: Invalid username or password")
        return b""

    def scram(self, algorithm):
        """RFC 5802, whose names these are."""
        def mac(key, text):
            return hmac.digest(key, text, algorithm)

        flag, authority, client_first = (yield).decode().split(",", 2)
        given = attributes(client_first)
        name, nonce = given.get("n", ""), given.get("r")
        if (flag not in ("n", "y") or not client_first.startswith("n=") or not nonce or authority not in ("", f"a={name}")
                or name.replace("=2C", ",").replace("=3D", "=") != self.user):
            raise ValueError(client_first)
        salt = os.urandom(16)
        nonce += os.urandom(18).hex()
        server_first = f"r={nonce},s={base64.b64encode(salt).decode()},i={ITERATIONS}"
        without_proof, _, proof = (yield server_first.encode()).decode().rpartition(",p=")
        given = attributes(without_proof)
        repeated = given.get("r", "")
        if not (repeated == nonce if self.exact_nonce else repeated.endswith(nonce)):
            raise ValueError(repeated)
        if given.get("c") != base64.b64encode(f"{flag},{authority},".encode()).decode():
            raise ValueError(without_proof)
        auth_message = ",".join((client_first, server_first, without_proof)).encode()
        salted_password = hashlib.pbkdf2_hmac(algorithm, self.password.encode(), salt, ITERATIONS)
        client_key = mac(salted_password, b"Client Key")
        client_signature = mac(hashlib.new(algorithm, client_key).digest(), auth_message)
        expected = bytes(a ^ b for a, b in zip(client_key, client_signature))
        if base64.b64decode(proof, validate=True) != expected:
            raise ValueError(proof)
        return b"v=" + base64.b64encode(mac(mac(salted_password, b"Server Key"), auth_message))


def attributes(text):
    return dict(part.split("=", 1) for part in text.split(","))


# Kafka's protocol.

async def read(side):
    size, = struct.unpack(">i", await side[0].readexactly(4))
    if not 0 <= size <= LARGEST:
        raise Refused(f"a request of {size} bytes")
    return await side[0].readexactly(size)


def write(side, frame):
    side[1].write(struct.pack(">i", len(frame)) + frame)


def request(frame):
    """The key, the version and the correlation id of a request, and what follows its header without the flexible part."""
    key, version, correlation, size = struct.unpack_from(">hhih", frame)
    return key, version, correlation, frame[10 + max(0, size):]


def string(body):
    size, = struct.unpack_from(">h", body)
    if size != len(body) - 2:
        raise Refused("a length that is wrong")
    return body[2:].decode()


def counted(text):
    """A string that may be null."""
    return struct.pack(">h", -1) if text is None else struct.pack(">h", len(text.encode())) + text.encode()


async def versions(server, version, correlation):
    """The reply to ApiVersions, the mock's requests and ours, and whether it can be given in this version."""
    if version > 3:
        # Encoded as version 0, whatever was asked; the client asks again.
        return struct.pack(">ihihhh", correlation, UNSUPPORTED_VERSION, 1, API_VERSIONS, 0, 3), False
    write(server, struct.pack(">hhih", API_VERSIONS, 0, correlation, -1))
    reply = await read(server)
    ranges = {key: (least, most) for key, least, most in struct.iter_unpack(">hhh", reply[10:])}
    ranges |= {HANDSHAKE: (0, 1), API_VERSIONS: (0, 3), AUTHENTICATE: (0, 1)}
    # Version 3 is flexible: a varint that is one more than the count, one byte for fewer than 127, and tags, here none.
    count, tags = (bytes([len(ranges) + 1]), b"\0") if version == 3 else (struct.pack(">i", len(ranges)), b"")
    entries = b"".join(struct.pack(">hhh", key, *ranges[key]) + tags for key in sorted(ranges))
    throttle = struct.pack(">i", 0) if version > 0 else b""
    return reply[:6] + count + entries + throttle + tags, True
