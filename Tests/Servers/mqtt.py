"""What a broker other than mosquitto would say: a stand-in before mosquitto that gives some answers itself.

options
  --old        it knows MQTT 3.1.1 and not 5: who asks for 5 is refused as 3.1.1 has it, and may ask again
  --mute       the same, but it ends the connection without a word
  --together   what the broker says within 100 ms it says in one piece, as some do that write a few packets at once

commands, with the reason codes of MQTT 5, or of 3.1.1 where that is spoken
  connack CODE COUNT       the next clients are refused
  suback CODE COUNT        the next subscriptions are refused
  puback CODE COUNT TEXT   the next messages of QoS 1 do not reach mosquitto, and are refused in these words
  disconnect CODE          all clients are sent away
  drop                     all connections end
  asked                    the protocol versions that clients have asked for, in order
"""

import socket
import socketserver
import struct
import threading
import time

from common import HOST, Server, free_port

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, DISCONNECT = 1, 2, 3, 4, 8, 9, 14
REASON_STRING = 31


def add_arguments(parser):
    parser.add_argument("server", metavar="HOST:PORT")
    parser.add_argument("--old", action="store_true")
    parser.add_argument("--mute", action="store_true")
    parser.add_argument("--together", action="store_true")


def read_packet(stream):
    """The first byte of the next packet, its body, and all of it; nothing at the end."""
    head = stream.read(1)
    length, shift = 0, 0
    while head and (byte := stream.read(1)):
        head += byte
        length |= (byte[0] & 127) << shift
        shift += 7
        if byte[0] < 128:
            body = stream.read(length)
            return head[0], body, head + body
    return None


def whole_packets(data):
    """How many bytes of it are packets that have come whole."""
    end = 0
    while True:
        place, length, shift = end + 1, 0, 0
        while place < len(data):
            byte = data[place]
            length |= (byte & 127) << shift
            place, shift = place + 1, shift + 7
            if byte < 128:
                break
        else:
            return end
        if place + length > len(data):
            return end
        end = place + length


def packet(kind, body):
    """A short one."""
    return bytes([kind << 4, len(body)]) + body


class Stand(Server):
    def start(self):
        host, _, port = self.options.server.rpartition(":")
        self.target = (host, int(port))
        self.port = free_port()
        self.lock = threading.Lock()
        self.clients = set()
        self.asked = []
        # By the kind of packet: code, how many times more, and words.
        self.answers = {}
        self.listener = TCPServer((HOST, self.port), Connection)
        self.listener.owner = self
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()
        return {"port": self.port}

    def take(self, kind):
        """The answer that was told for this kind of packet, once less."""
        with self.lock:
            code, count, words = self.answers.get(kind, (0, 0, ""))
            if not count:
                return None
            self.answers[kind] = (code, count - 1, words)
            return code, words

    def do_connack(self, code, count):
        self.answers[CONNACK] = (int(code), int(count), "")

    def do_suback(self, code, count):
        self.answers[SUBACK] = (int(code), int(count), "")

    def do_puback(self, code, count, text=""):
        self.answers[PUBACK] = (int(code), int(count), text)

    def do_disconnect(self, code):
        with self.lock:
            for client in self.clients:
                try:
                    client.say(packet(DISCONNECT, bytes([int(code)])))
                except OSError:
                    pass  # it is gone already
        self.do_drop()

    def do_drop(self):
        with self.lock:
            for client in self.clients:
                client.drop()

    def do_asked(self):
        return " ".join(str(version) for version in self.asked)


class TCPServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class Connection(socketserver.BaseRequestHandler):
    def handle(self):
        owner = self.server.owner
        self.saying = threading.Lock()
        stream = self.request.makefile("rb")
        first = read_packet(stream)
        if not first:
            return
        # The name, 6 bytes with its length, and then the version.
        self.version = first[1][6]
        owner.asked.append(self.version)
        if owner.options.mute and self.version == 5:
            return
        answer = (1, "") if owner.options.old and self.version == 5 else owner.take(CONNACK)
        if answer:
            properties = b"" if owner.options.old else b"\x00"
            return self.say(packet(CONNACK, bytes([0, answer[0]]) + properties))
        with socket.create_connection(owner.target) as server:
            # Each answer at once: packets are small, and the next ones may wait for it.
            for one in (self.request, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server.sendall(first[2])
            threading.Thread(target=self.forward, args=(server,), daemon=True).start()
            with owner.lock:
                owner.clients.add(self)
            try:
                while received := read_packet(stream):
                    reply = self.reply(*received[:2])
                    self.say(reply) if reply else server.sendall(received[2])
            except OSError:
                pass  # either side is gone
            with owner.lock:
                owner.clients.discard(self)

    def reply(self, first, body):
        """What is said instead of mosquitto's answer."""
        take = self.server.owner.take
        if first >> 4 == SUBSCRIBE and (answer := take(SUBACK)):
            return packet(SUBACK, body[:2] + (b"\x00" if self.version == 5 else b"") + bytes([answer[0]]))
        if first >> 4 == PUBLISH and first & 6 == 2 and (answer := take(PUBACK)):
            words = answer[1].encode()
            properties = struct.pack(">BH", REASON_STRING, len(words)) + words if words else b""
            number = 2 + struct.unpack(">H", body[:2])[0]
            return packet(PUBACK, body[number:number + 2] + bytes([answer[0], len(properties)]) + properties)
        return None

    def forward(self, server):
        """What mosquitto says, in whole packets, so that nothing is said within one."""
        data = b""
        try:
            while piece := server.recv(65536):
                data += piece
                if self.server.owner.options.together:
                    time.sleep(0.1)
                    try:
                        data += server.recv(65536, socket.MSG_DONTWAIT)
                    except BlockingIOError:
                        pass  # nothing more has come
                end = whole_packets(data)
                if end:
                    self.say(data[:end])
                    data = data[end:]
        except OSError:
            pass  # either side is gone
        self.drop()

    def drop(self):
        try:
            self.request.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it is gone already

    def say(self, data):
        with self.saying:
            self.request.sendall(data)


SERVER = Stand
