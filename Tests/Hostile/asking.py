"""How hostile requests are sent, and what is demanded of whoever answers them."""

import pathlib
import re
import socket
import subprocess
import time

from cases import CLOSED, Case
from daemons import Failed, free_port

SECONDS_MAX = 5
# After a whole answer: whoever keeps the connection open says no more.
QUIET = 0.15
DEBIAN = pathlib.Path("/etc/nginx/nginx.conf")


class Answer:
    """What came back: the statuses in their order, and how it ended."""

    def __init__(self, data, first, ended, closed):
        self.data, self.first, self.ended, self.closed = data, first, ended, closed
        self.statuses, self.heads = [], []
        rest = data
        while match := re.match(rb"HTTP/1\.[01] (\d{3})[^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n", rest):
            self.statuses.append(int(match.group(1)))
            self.heads.append(match.group(2))
            length = re.search(rb"(?im)^content-length: *(\d+)", match.group(2))
            rest = rest[match.end():]
            if re.search(rb"(?im)^transfer-encoding: *chunked", match.group(2)):
                end = rest.find(b"0\r\n\r\n")
                rest = rest[end + 5:] if end >= 0 else b""
            elif self.statuses[-1] >= 200 and length:
                rest = rest[int(length.group(1)):]
        self.rest = rest

    @property
    def final(self):
        """The first status that is no interim one; 0 where there is none."""
        return next((status for status in self.statuses if status >= 200), CLOSED)

    @property
    def count(self):
        return sum(status >= 200 for status in self.statuses)

    def __str__(self):
        if not self.statuses:
            what = "closed" if self.closed else "silent"
            return f"{what}, {len(self.data)} bytes" if self.data else what
        groups = []
        for status in self.statuses:
            if groups and groups[-1][0] == status:
                groups[-1][1] += 1
            else:
                groups.append([status, 1])
        return " ".join(f"{status}" if count == 1 else f"{count} × {status}" for status, count in groups)


def send(port, raw, finishes=False, pieces=None):
    """Sends bytes and reads until the other side ends, is quiet after an answer, or 5 s have passed."""
    began = time.monotonic()
    data, first, closed = b"", None, False
    with socket.create_connection(("127.0.0.1", port), SECONDS_MAX) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(SECONDS_MAX)
        try:
            for piece in pieces or [raw]:
                connection.sendall(piece)
                if pieces:
                    time.sleep(0.002)
            if finishes:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # It was cut off while there was more; there may be an answer all the same.
        try:
            while (left := began + SECONDS_MAX + 0.5 - time.monotonic()) > 0:
                connection.settimeout(min(left, QUIET) if Answer(data, None, 0, False).count and not finishes else left)
                part = connection.recv(1 << 20)
                if not part:
                    closed = True
                    break
                first = first or time.monotonic() - began
                data += part
        except TimeoutError:
            pass
        except OSError:
            closed = True
    return Answer(data, first, time.monotonic() - began, closed)


class Nginx:
    """Debian's nginx in its own configuration, in front of a FileServer; only the files it writes are elsewhere."""

    def __init__(self, program, folder, upstream):
        self.program, self.folder, self.port = program, folder, free_port()
        text = DEBIAN.read_text()
        text = re.sub(r"(?m)^pid .*$", f"pid {folder}/nginx.pid;", text)
        text = re.sub(r"(?m)^(\s*)(error|access)_log .*$", rf"\1\2_log {folder}/nginx-\2.log;", text)
        text = re.sub(r"(?m)^\s*include /etc/nginx/(conf\.d|sites-enabled)/.*$", "", text)
        end = text.index("}", text.index("# Virtual Host Configs"))
        site = (f"\tserver {{\n\t\tlisten 127.0.0.1:{self.port};\n\t\tlocation / {{\n"
                f"\t\t\tproxy_pass http://127.0.0.1:{upstream};\n\t\t}}\n\t}}\n")
        (folder / "nginx.conf").write_text(text[:end] + site + text[end:])

    def __enter__(self):
        # Its workers are not root, and write below this folder.
        self.folder.chmod(0o755)
        self.process = subprocess.Popen(
            [self.program, "-c", str(self.folder / "nginx.conf"), "-g", "daemon off;"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(50):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.1)
        raise Failed("nginx does not listen")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)


class Attacked:
    """One of the two daemons, and what is demanded of it."""

    def __init__(self, depot, daemon, server):
        self.depot, self.daemon, self.server = depot, daemon, server
        self.trespasses = []

    def expect(self, condition, case, message):
        if not condition:
            self.trespasses.append(f"{self.daemon.name}: {case.group}, {case.name}: {message}")

    def judge(self, case, answer):
        within = answer.first if answer.first is not None else answer.ended
        self.expect(within <= SECONDS_MAX, case, f"nothing within {SECONDS_MAX} s")
        self.expect(answer.statuses or answer.closed, case, "neither an answer nor an end")
        self.expect(answer.final in case.statuses, case, f"{answer}, expected one of {sorted(case.statuses)}")
        self.expect(case.interim or 100 not in answer.statuses, case, f"{answer}: 100 came before")
        self.expect(500 not in answer.statuses, case, "500")
        self.expect(answer.count <= case.answers, case, f"{answer.count} answers, at most {case.answers} were asked for")
        refused = answer.final >= 400 and not case.statuses & {200, 201, 204}
        self.expect(not refused or answer.closed or case.group not in ("framing", "chunks", "lines", "fields"), case,
                    "the connection goes on behind what cannot be read")
        injected = [head for head in answer.heads if b"hostile=1" in head]
        self.expect(not injected, case, f"a field was injected: {injected}")
        self.expect(len(answer.data) < 1 << 20, case, f"{len(answer.data)} bytes of answer")
        self.expect(self.daemon.is_alive, case, "the daemon has ended")
        began = time.monotonic()
        after = send(self.daemon.port, self.server.get("Connection: close"))
        self.expect(after.statuses == [200], case, f"the honest request after it: {after}")
        self.expect(time.monotonic() - began < 1, case, f"the honest request after it took {after.ended:.1f} s")


def cut_everywhere(attacked):
    """Each prefix of three requests, after which nothing comes; and each way to cut them into two packets."""
    server, port = attacked.server, attacked.daemon.port
    whole = {
        "GET": server.get("Connection: close"),
        "PUT": server.put("Connection: close", f"Content-Length: {server.length}"),
        "PUT in chunks": server.chunked(server.as_chunks(), "Connection: close")}
    count, slowest = 0, 0.0
    for name, raw in whole.items():
        expected = send(port, raw).statuses
        for place in range(len(raw)):
            case = Case("cuts", f"{name}, the first {place} of {len(raw)} bytes", raw[:place], {CLOSED, 400, 408, 504})
            answer = send(port, raw[:place], finishes=True)
            attacked.expect(answer.closed, case, f"not ended after {answer.ended:.1f} s")
            attacked.expect(answer.final in case.statuses, case, f"{answer}")
            slowest = max(slowest, answer.ended)
            count += 1
            if place:
                case = Case("cuts", f"{name} in two, after {place} bytes", raw, set(expected))
                answer = send(port, raw, pieces=[raw[:place], raw[place:]])
                attacked.expect(answer.statuses == expected, case, f"{answer}, whole it is {expected}")
                count += 1
        case = Case("cuts", f"{name} in single bytes", raw, set(expected))
        answer = send(port, raw, pieces=[raw[place:place + 1] for place in range(len(raw))])
        attacked.expect(answer.statuses == expected, case, f"{answer}, whole it is {expected}")
    print(f"{attacked.daemon.name}: {count} requests cut in two or cut off, the slowest end after {slowest:.2f} s", flush=True)
