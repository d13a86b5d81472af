"""A proxy that meddles with what passes through it, one HTTP exchange after the other.

As a program it stands between any two processes:

    meddler.py --listen 127.0.0.1:7500 --to 127.0.0.1:7401 --seed 1 --share 0.1
"""

import argparse
import asyncio
import random
import threading

# What can happen to an exchange. The other side has done its work in all but the first.
FAULTS = [
    "request-cut",  # half of the body arrives, then the connection ends
    "request-flipped",  # a bit of the body is another one
    "answer-lost",  # the connection ends when the answer is due
    "answer-repeated",  # the answer comes twice
    "answer-cut",  # half of the answer's body arrives, then the connection ends
    "answer-flipped",  # a bit of the answer's body is another one
    "answer-delayed",
]
PIECE = 64 << 10
DELAY_MAX = 2.0


class Meddler:
    """Listens on a port of its own, in a thread of its own, and forwards to one address."""

    def __init__(self, host, target, seed, share, faults=FAULTS, port=0):
        self.host, self.port, self.target = host, port, target
        self.source, self.share, self.faults = random.Random(seed), share, list(faults)
        self.counts = dict.fromkeys(FAULTS, 0)
        self.exchanges = 0
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        self.server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self.serve, self.host, self.port), self.loop).result()
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_):
        async def end():
            self.server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def fault(self):
        """What happens to the next exchange; mostly nothing."""
        self.exchanges += 1
        if self.source.random() >= self.share:
            return None
        return self.source.choice(self.faults)

    async def serve(self, reader, writer):
        upstream = None
        try:
            upstream = await asyncio.open_connection(*self.target)
            while await Exchange(self, reader, writer, *upstream).run():
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # either side ended, or the meddler does
        finally:
            for end in [writer, upstream[1] if upstream else None]:
                if end is not None:
                    end.transport.abort()


class Exchange:
    """One request and its answer."""

    def __init__(self, meddler, reader, writer, answers, requests):
        self.meddler, self.fault = meddler, None
        self.reader, self.writer, self.answers, self.requests = reader, writer, answers, requests

    async def run(self):
        """Whether another exchange may follow on these connections."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        self.fault = self.meddler.fault()
        body = asyncio.ensure_future(self.pass_request(head))
        try:
            goes_on = await self.pass_answer(head.startswith(b"HEAD "))
        except BaseException:
            body.cancel()
            raise
        if not body.done():
            # It was answered before it was whole, and its rest is of no interest to anybody.
            body.cancel()
            return False
        return await body and goes_on

    async def pass_request(self, head):
        self.requests.write(head)
        if self.fault == "request-cut":
            await self.copy(self.reader, self.requests, head, cut=True)
            self.happened()
            self.requests.transport.abort()
            return False
        await self.copy(self.reader, self.requests, head, flip=self.fault == "request-flipped")
        return True

    async def pass_answer(self, is_head):
        while True:
            head = await self.answers.readuntil(b"\r\n\r\n")
            status = int(head.split(b" ", 2)[1])
            if status >= 200:
                break
            self.writer.write(head)
        has_body = not is_head and status not in (204, 304)
        if self.fault == "answer-delayed":
            self.happened()
            await asyncio.sleep(self.meddler.source.uniform(0, DELAY_MAX))
        if self.fault == "answer-lost":
            if has_body:
                await self.copy(self.answers, None, head)
            self.happened()
            return False
        self.writer.write(head)
        if has_body:
            copied = await self.copy(
                self.answers, self.writer, head, cut=self.fault == "answer-cut",
                flip=self.fault == "answer-flipped", keep=self.fault == "answer-repeated")
        else:
            copied = b""
        if self.fault == "answer-cut" and has_body:
            self.happened()
            return False
        if self.fault == "answer-repeated":
            self.happened()
            self.writer.write(head + copied)
        await self.writer.drain()
        return b"connection: close" not in head.lower()

    def happened(self):
        self.meddler.counts[self.fault] += 1

    async def copy(self, source, sink, head, cut=False, flip=False, keep=False):
        """Passes a body on. What is kept is returned."""
        fields = dict(
            line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        kept = []
        if b"content-length" in fields:
            length = int(fields[b"content-length"])
            await self.copy_bytes(source, sink, length, self.place(length, flip), cut, kept if keep else None)
        elif b"chunked" in fields.get(b"transfer-encoding", b""):
            is_first = True
            while True:
                line = await source.readuntil(b"\r\n")
                length = int(line.split(b";")[0], 16)
                self.send(sink, line, kept if keep else None)
                await self.copy_bytes(
                    source, sink, length, self.place(length, flip and is_first), cut and is_first,
                    kept if keep else None)
                if cut and is_first:
                    break
                self.send(sink, await source.readexactly(2), kept if keep else None)
                is_first = False
                if length == 0:
                    break
        if sink is not None:
            await sink.drain()
        return b"".join(kept)

    def place(self, length, flip):
        if not flip or length == 0:
            return None
        self.happened()
        return self.meddler.source.randrange(length)

    async def copy_bytes(self, source, sink, length, place, cut, kept):
        done = 0
        end = length // 2 if cut else length
        while done < end:
            piece = bytearray(await source.read(min(PIECE, end - done)))
            if not piece:
                raise asyncio.IncompleteReadError(b"", end - done)
            if place is not None and done <= place < done + len(piece):
                piece[place - done] ^= 1 << self.meddler.source.randrange(8)
            done += len(piece)
            self.send(sink, bytes(piece), kept)
            if sink is not None:
                await sink.drain()

    @staticmethod
    def send(sink, piece, kept):
        if sink is not None:
            sink.write(piece)
        if kept is not None:
            kept.append(piece)


def main():
    def address(text):
        host, _, port = text.rpartition(":")
        return host, int(port)

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", type=address, required=True)
    parser.add_argument("--to", type=address, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=0.1, help="of the exchanges that are meddled with")
    parser.add_argument("--faults", nargs="+", choices=FAULTS, default=FAULTS)
    given = parser.parse_args()
    host, port = given.listen
    with Meddler(host, given.to, given.seed, given.share, given.faults, port) as meddler:
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print(meddler.exchanges, meddler.counts)


if __name__ == "__main__":
    main()
