"""A TCP proxy before a server that makes the faults of a network. "Up" is towards the server.

options
  --kafka   replies that name the server's own address, as metadata do, name the proxy's instead: clients come back here
  --tls     clients speak TLS to it, with a certificate of their own if they like; the server behind does not
  --sasl USER:PASSWORD
            clients log in to Kafka here, see kafka_sasl.py; faults other than reset and refuse begin after that
  --exact-nonce
            SCRAM as from Kafka 4.0 on

commands
  delay MS                 every byte arrives so much later, either way; 0 for none
  rate BYTES_PER_S         of each direction of each connection; 0 for no limit
  stall up|down|both|off   nothing is forwarded that way, connections stay; later all of it is
  refuse on|off            no new connections: refused by the kernel, as if nobody listened
  reset                    all connections end at once with RST
  fin                      all connections end in order, with FIN
  cut-after BYTES          the connection that carries this byte of those to come, both ways and all connections counted,
                           is reset right after it
  cut-reply [TEXT]         the next request (that contains TEXT) goes through, its reply does not: the connection is reset
                           instead, so the client cannot know whether the server did the work
  corrupt on|off           one bit is wrong in every piece of a reply, a piece being what one read gave
  connections              how many are open
  password NEW             of those who log in from now on
  break-logins handshake|message COUNT
                           so many logins are broken off where the client says this, as by a broker that ends
  no-logins                it answers logins as Kafka's PLAINTEXT listeners do, from now on
"""

import asyncio
import os
import socket
import ssl
import struct
import threading

import certificates
import kafka_sasl
from common import HOST, Failure, Server, free_port

PIECE = 65536


def add_arguments(parser):
    parser.add_argument("server", metavar="HOST:PORT")
    parser.add_argument("--kafka", action="store_true")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--sasl", metavar="USER:PASSWORD")
    parser.add_argument("--exact-nonce", action="store_true")


class Link:
    """One client's connection and the one to the server that belongs to it."""

    def __init__(self, *writers):
        self.writers = writers
        self.task = None
        self.finished = False  # what still comes is dropped
        self.reply_is_cut = False

    def reset(self):
        for writer in self.writers:
            if not writer.transport.is_closing():
                # Lingering for no time makes the kernel send RST.
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()

    def finish(self):
        # Closing would not do: with bytes unread the kernel sends RST.
        self.finished = True
        for writer in self.writers:
            end(writer)


def end(writer):
    """FIN; TLS knows no half of a connection that ends, there all of it does."""
    if not writer.transport.is_closing():
        writer.write_eof() if writer.can_write_eof() else writer.close()


class Proxy(Server):
    """All state belongs to the event loop, which has a thread of its own; commands are run there."""

    def start(self):
        host, _, port = self.options.server.rpartition(":")
        if not host or not port.isdigit():
            raise Failure("the server to stand before is given as HOST:PORT")
        self.target = (host, int(port))
        self.delay = 0
        self.rate = 0
        self.corrupt = False
        self.cut_after = None
        self.cut_reply = None
        self.listener = None
        self.links = set()
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.port = free_port()
        # In Kafka's protocol a port of four bytes follows the host.
        self.own = [host.encode() + struct.pack(">i", number) for number in (self.target[1], self.port)] if self.options.kafka else None
        self.front = self.sasl_front() if self.options.sasl else None
        self.tls, facts = self.context() if self.options.tls else (None, {})
        self.in_loop(self.prepare())
        return {"port": self.port, **facts}

    def sasl_front(self):
        user, _, password = self.options.sasl.partition(":")
        return kafka_sasl.Front(user, password, self.options.exact_nonce)

    def context(self):
        folder = os.path.join(self.folder, "tls")
        certificates.make(folder)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=os.path.join(folder, "ca.crt"))
        context.load_cert_chain(os.path.join(folder, "server.pem"))
        context.verify_mode = ssl.CERT_OPTIONAL
        names = {"ca": "ca.crt", "certificate": "client.crt", "key": "client.key"}
        return context, {name: os.path.join(folder, file) for name, file in names.items()}

    def in_loop(self, work):
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    def command(self, name, text):
        async def work():
            result = Server.command(self, name, text)
            return await result if asyncio.iscoroutine(result) else result
        return self.in_loop(work())

    async def prepare(self):
        self.flowing = {"up": asyncio.Event(), "down": asyncio.Event()}
        self.do_stall("off")
        await self.do_refuse("off")

    async def serve(self, client_reader, client):
        try:
            server_reader, server = await asyncio.open_connection(*self.target)
        except OSError:
            Link(client).reset()
            return
        link = Link(client, server)
        link.task = asyncio.create_task(self.attend(link, client_reader, server_reader))
        self.links.add(link)
        await asyncio.wait([link.task])  # which may be cancelled
        self.links.discard(link)
        client.close()
        server.close()

    async def attend(self, link, client_reader, server_reader):
        client, server = link.writers
        if self.front:
            try:
                await self.front.log_in((client_reader, client), (server_reader, server))
            except (kafka_sasl.Refused, OSError):
                return
        await self.forward(link, client_reader, server_reader)

    async def forward(self, link, client_reader, server_reader):
        client, server = link.writers
        try:
            async with asyncio.TaskGroup() as tasks:
                for direction, reader, writer in (("up", client_reader, server), ("down", server_reader, client)):
                    # A queue in between, so that a delay does not slow down what comes after.
                    queue = asyncio.Queue(64)
                    tasks.create_task(self.receive(reader, queue))
                    tasks.create_task(self.send(direction, queue, writer, link))
        except* OSError:
            link.reset()

    async def receive(self, reader, queue):
        data = None
        while data != b"":
            data = await reader.read(PIECE)
            await queue.put((self.loop.time() + self.delay, data))

    async def send(self, direction, queue, writer, link):
        while True:
            due, data = await queue.get()
            await asyncio.sleep(due - self.loop.time())
            await self.flowing[direction].wait()
            if not data:
                end(writer)
                return
            if link.finished:
                continue
            if direction == "down" and self.own:
                data = data.replace(*self.own)
            if direction == "up" and self.cut_reply is not None and self.cut_reply in data:
                self.cut_reply = None
                link.reply_is_cut = True
            elif direction == "down" and link.reply_is_cut:
                raise ConnectionResetError
            elif direction == "down" and self.corrupt:
                middle = len(data) // 2
                data = data[:middle] + bytes([data[middle] ^ 0x20]) + data[middle + 1:]
            if self.cut_after is not None:
                if len(data) >= self.cut_after:
                    await self.write(writer, data[:self.cut_after])
                    self.cut_after = None
                    # RST makes the kernel forget what it has not sent; so let that arrive first.
                    await asyncio.sleep(0.02)
                    raise ConnectionResetError
                self.cut_after -= len(data)
            await self.write(writer, data)

    async def write(self, writer, data):
        if not self.rate:
            writer.write(data)
            await writer.drain()
            return
        # Twenty pieces a second.
        size = max(1, self.rate // 20)
        for start in range(0, len(data), size):
            piece = data[start:start + size]
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(len(piece) / self.rate if self.rate else 0)

    def do_delay(self, ms):
        self.delay = float(ms) / 1000

    def do_rate(self, bytes_per_s):
        self.rate = int(bytes_per_s)

    def do_stall(self, direction):
        if direction not in ("up", "down", "both", "off"):
            raise Failure("stall up, down, both or off")
        for name, flowing in self.flowing.items():
            if direction in (name, "both"):
                flowing.clear()
            else:
                flowing.set()

    async def do_refuse(self, on):
        refuse = switch(on)
        if refuse and self.listener:
            self.listener.close()
            self.listener = None
        elif not refuse and not self.listener:
            self.listener = await asyncio.start_server(self.serve, HOST, self.port, ssl=self.tls)

    def do_reset(self):
        for link in self.links:
            link.reset()
            link.task.cancel()
        self.links.clear()

    def do_fin(self):
        for link in self.links:
            link.finish()

    def do_cut_after(self, bytes):
        self.cut_after = int(bytes)

    def do_cut_reply(self, text=""):
        self.cut_reply = text.encode()

    def do_corrupt(self, on):
        self.corrupt = switch(on)

    def do_connections(self):
        return len(self.links)

    def do_password(self, new):
        self.login_front().password = new

    def do_no_logins(self):
        self.login_front().takes_logins = False

    def do_break_logins(self, step, count):
        if step not in self.login_front().broken:
            raise Failure("break-logins handshake or message")
        self.front.broken[step] = int(count)

    def login_front(self):
        if not self.front:
            raise Failure("nobody logs in here: it was started without --sasl")
        return self.front


def switch(text):
    if text not in ("on", "off"):
        raise Failure("on or off")
    return text == "on"


SERVER = Proxy
