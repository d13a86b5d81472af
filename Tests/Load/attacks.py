"""What somebody does who wants a server to serve nobody else. Each attack is a process of its own, and goes on until it is
told to stop: a connection that the server ends is opened again a second later."""

import asyncio
import collections
import itertools
import multiprocessing
import os
import signal
import socket
import struct

# Of `127.0.0.0/8` every address is this machine's, so that one machine looks like many.
ONE, MANY = "one address", "many addresses"
RESET = struct.pack("ii", 1, 0)
AGAIN_AFTER = 1.0


def sources(kind):
    """Whence the next connection comes. One address is also the honest client's, as behind a router that all share."""
    if kind == ONE:
        return itertools.repeat("127.0.0.1")
    return itertools.cycle(f"127.0.{number // 250 + 1}.{number % 250 + 1}" for number in range(2_000))


class Target:
    """A server's port, and what a request to it needs that is let in."""

    def __init__(self, port, token, headers=(), large=None, upload="PUT /v1/files/attack?level=3", begin=b""):
        self.port = port
        self.host = f"Host: 127.0.0.1:{port}\r\n"
        self.allowed = f"Authorization: Bearer {token}\r\n" + "".join(f"{line}\r\n" for line in headers)
        # A request with an answer of many MiB: its first line, and its body.
        self.large_line, self.large_body = large
        # How to send something, and with what its content has to begin.
        self.upload_line, self.begin = upload, begin

    def large(self):
        return (f"{self.large_line} HTTP/1.1\r\n{self.host}{self.allowed}"
                f"Content-Length: {len(self.large_body)}\r\n\r\n").encode() + self.large_body

    def upload_head(self, length):
        return f"{self.upload_line} HTTP/1.1\r\n{self.host}{self.allowed}Content-Length: {length}\r\n\r\n".encode()


class Attack:
    """Connections in one process, with a count of what became of them."""

    def __init__(self, target, kind, enough):
        self.target, self.sources, self.enough = target, sources(kind), enough
        self.counts = collections.Counter()
        self.children = []

    async def connect(self, receive_buffer=None):
        connection = socket.socket()
        connection.setblocking(False)
        try:
            if receive_buffer:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            # Many connections from one address share its ports with those of others.
            connection.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
            connection.bind((next(self.sources), 0))
            await asyncio.wait_for(
                asyncio.get_running_loop().sock_connect(connection, ("127.0.0.1", self.target.port)), 10)
        except BaseException:
            connection.close()
            raise
        self.counts["connected"] += 1
        return connection

    async def again_and_again(self, one):
        """One connection after the other, each until it ends."""
        while True:
            try:
                await one()
                self.counts["ended"] += 1
            except (OSError, asyncio.TimeoutError) as error:
                self.counts[type(error).__name__] += 1
            await asyncio.sleep(AGAIN_AFTER)

    async def many(self, count, one):
        await asyncio.gather(*(self.again_and_again(one) for _ in range(count)))

    async def until_closed(self, connection, every=0.0, size=1 << 16):
        """Reads, so slowly as it is said, and counts the status."""
        loop = asyncio.get_running_loop()
        first = b""
        while part := await loop.sock_recv(connection, size):
            if len(first) < 12:
                first += part
                if len(first) >= 12:
                    self.counts[f"status {first[9:12].decode(errors='replace')}"] += 1
            await asyncio.sleep(every)

    async def drip(self, connection):
        """A head that never ends."""
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(connection, f"GET /v1/files HTTP/1.1\r\n{self.target.host}X-Slow: ".encode())
        closed = asyncio.create_task(self.until_closed(connection))
        try:
            while not closed.done():
                await loop.sock_sendall(connection, b"x")
                await asyncio.wait([closed], timeout=1)
        finally:
            closed.cancel()
            await asyncio.gather(closed, return_exceptions=True)

    # MARK: the attacks

    async def slow_heads(self):
        async def one():
            with await self.connect() as connection:
                await self.drip(connection)
        await self.many(500, one)

    async def slow_readers(self):
        async def one():
            with await self.connect(receive_buffer=4_096) as connection:
                await asyncio.get_running_loop().sock_sendall(connection, self.target.large())
                await self.until_closed(connection, every=1, size=64)
        await self.many(500, one)

    async def silence(self):
        async def one():
            with await self.connect() as connection:
                await self.until_closed(connection)
        await self.many(1_000, one)

    async def aborted(self):
        """10,000 requests, each cut off somewhere, and then again. A third in the head, a third in the body, and a third
        while the answer comes."""
        loop = asyncio.get_running_loop()
        head = self.target.upload_head(1 << 20)
        parts = [head[:len(head) // 2], head + self.target.begin + bytes(50_000), self.target.large()]

        async def one(part):
            with await self.connect() as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                await asyncio.wait_for(loop.sock_sendall(connection, part), 10)
                if part is parts[2]:
                    await asyncio.wait_for(loop.sock_recv(connection, 4_096), 10)

        async def some(count):
            for part in itertools.islice(itertools.cycle(parts), count):
                try:
                    await one(part)
                except (OSError, asyncio.TimeoutError) as error:
                    self.counts[type(error).__name__] += 1

        while True:
            await asyncio.gather(*(some(200) for _ in range(50)))
            self.counts["rounds of 10,000"] += 1
            self.enough.set()

    async def paused(self):
        """20 downloads of which nobody reads more."""
        async def one():
            with await self.connect() as connection:
                loop = asyncio.get_running_loop()
                await loop.sock_sendall(connection, self.target.large())
                first = await loop.sock_recv(connection, 4_096)
                self.counts[f"status {first[9:12].decode(errors='replace')}"] += 1
                await asyncio.sleep(3_600)
        await self.many(20, one)

    async def slow_upload(self):
        """curl, with a file that comes at 20 KB a second."""
        method, path = self.target.upload_line.split(" ")
        words = [
            "curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-X", method, "--limit-rate", "20k", "-T", "-",
            f"http://127.0.0.1:{self.target.port}{path}", "-H", "Expect:"]
        for line in self.target.allowed.splitlines():
            words += ["-H", line]
        while True:
            curl = await asyncio.create_subprocess_exec(
                *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL)
            self.children.append(curl)
            told, _ = await curl.communicate(self.target.begin + os.urandom(4 << 20))
            self.children.remove(curl)
            self.counts[f"status {told.decode()}"] += 1
            await asyncio.sleep(AGAIN_AFTER)

    async def no_body(self):
        """A head that is well-formed and let in, and nothing of the MiB that it declares."""
        async def one():
            with await self.connect() as connection:
                await asyncio.get_running_loop().sock_sendall(connection, self.target.upload_head(1 << 20))
                await self.until_closed(connection)
        await self.many(500, one)


# Each attack, and what it does.
ATTACKS = {
    "slow_heads": "500 send a head, a byte a second",
    "silence": "1,000 connect and say nothing",
    "slow_readers": "500 with a token read 64 bytes a second",
    "no_body": "500 with a token declare a body and send none",
    "paused": "20 with a token stop reading a download",
    "slow_upload": "one curl -T at 20 KB a second",
    "aborted": "10,000 requests, each cut off",
}


class Attacker:
    """An attack under way in another process."""

    def __init__(self, name, target, kind):
        fork = multiprocessing.get_context("fork")
        self.pipe, its = fork.Pipe(duplex=False)
        # That all of an attack was done at least once: most are there at once, and last.
        self.enough = fork.Event()
        if name != "aborted":
            self.enough.set()
        self.process = fork.Process(target=attack, args=(name, target, kind, self.enough, its), daemon=True)

    def __enter__(self):
        self.process.start()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.counts = self.pipe.recv() if self.pipe.poll(10) else {}
        self.process.join(10)
        if self.process.is_alive():
            self.process.kill()


def attack(name, target, kind, enough, pipe):
    attacking = Attack(target, kind, enough)

    def end(*_):
        for child in attacking.children:
            child.kill()
        pipe.send(dict(attacking.counts))
        # The kernel closes all connections at once.
        os._exit(0)

    async def until_told():
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end)
        await getattr(attacking, name)()

    asyncio.run(until_told())
