"""Requests that are wrong, ambiguous or at a limit, byte by byte as they go over the wire."""

import hashlib
import struct

KIB, MIB = 1 << 10, 1 << 20
BAD = {400}
REFUSED = {400, 501, 505}
# The server closes without a word.
CLOSED = 0


class Case:
    """One request, and what depot may answer to it.

    `statuses` are those that the first final answer may have. `finishes`: the sender says that no more comes. `answers`:
    how many requests depot may see in it; one more would be a smuggled one. `interim`: whether 100 may come before."""

    def __init__(self, group, name, raw, statuses, finishes=False, answers=1, interim=True):
        self.group, self.name, self.raw, self.statuses = group, name, raw, set(statuses)
        self.finishes, self.answers, self.interim = finishes, answers, interim


class Server:
    """How to ask one of the two daemons for something small, and how to send it something."""

    def __init__(self, kind, token, headers, get, put, content):
        self.kind, self.get_path, self.put_path, self.content = kind, get, put, content
        self.allowed = f"Authorization: Bearer {token}\r\n" + "".join(f"{line}\r\n" for line in headers)
        self.count = 0

    @property
    def is_fileserver(self):
        return self.kind == "fileserver"

    def head(self, line, *headers, host="Host: depot\r\n"):
        return f"{line}\r\n{host}{self.allowed}{''.join(f'{each}{chr(13)}{chr(10)}' for each in headers)}\r\n".encode(
            "latin-1")

    def get(self, *headers, line=None, **options):
        return self.head(line or f"GET {self.get_path} HTTP/1.1", *headers, **options)

    def put(self, *headers, body=None, version="1.1"):
        return self.head(f"PUT {self.put_path} HTTP/{version}", *headers) + (self.content if body is None else body)

    def chunked(self, body, *headers):
        return self.put("Transfer-Encoding: chunked", *headers, body=body)

    @property
    def length(self):
        return len(self.content)

    def as_chunks(self, size=None, ending="0\r\n\r\n", separator="\r\n"):
        """The content as one chunk, whose size is written as it is said."""
        size = f"{self.length:x}" if size is None else size
        return size.encode("latin-1") + separator.encode() + self.content + b"\r\n" + ending.encode("latin-1")


def frame(content):
    """A chunk as replicas take it."""
    return struct.pack(">4sBBHII16s", b"D1OF", 0, 0, 0, len(content), 0, bytes(16)) + hashlib.sha256(content).digest() + content


# What comes behind an ambiguous request, for whoever reads its end elsewhere.
HIDDEN = b"GET /health HTTP/1.1\r\nHost: hidden\r\n\r\n"


def all_cases(server):
    groups = [framing, chunks, lines, fields, limits, targets, hosts, others, expectations, bodies, pipelines]
    if server.is_fileserver:
        groups += [names, ranges, queries]
    return [case for group in groups for case in group(server)]


def framing(server):
    length, chunked = f"Content-Length: {server.length}", "Transfer-Encoding: chunked"
    whole = server.as_chunks()
    wrong = [
        ("Content-Length and chunked", [length, chunked], whole),
        ("chunked and Content-Length", [chunked, length], whole),
        ("Content-Length 0 and chunked", ["Content-Length: 0", chunked], whole),
        ("two equal Content-Lengths", [length, length], server.content),
        ("two different Content-Lengths", [length, "Content-Length: 0"], server.content),
        ("Content-Length: 5, 5 in one field", ["Content-Length: 5, 5"], b"hello"),
        ("Content-Length: +5", ["Content-Length: +5"], b"hello"),
        ("Content-Length: 0x5", ["Content-Length: 0x5"], b"hello"),
        ("Content-Length: -1", ["Content-Length: -1"], b""),
        ("Content-Length: 5 5", ["Content-Length: 5 5"], b"hello"),
        ("an empty Content-Length", ["Content-Length:"], b""),
        ("Content-Length of 2^64", ["Content-Length: 18446744073709551616"], b""),
        ("a space before the colon of Content-Length", [f"Content-Length : {server.length}"], server.content),
        ("Content_Length beside Content-Length", [length, "Content_Length: 0"], None),
        ("Transfer-Encoding: xchunked", ["Transfer-Encoding: xchunked"], whole),
        ("Transfer-Encoding: chunked, identity", ["Transfer-Encoding: chunked, identity"], whole),
        ("Transfer-Encoding: identity", ["Transfer-Encoding: identity"], whole),
        ("Transfer-Encoding: identity and Content-Length", ["Transfer-Encoding: identity", length], server.content),
        ("Transfer-Encoding: gzip, chunked", ["Transfer-Encoding: gzip, chunked"], whole),
        ("Transfer-Encoding: chunked, chunked", ["Transfer-Encoding: chunked, chunked"], whole),
        ("two Transfer-Encodings", [chunked, chunked], whole),
        ("Transfer-Encoding with a quoted word", ['Transfer-Encoding: "chunked"'], whole),
        ("Transfer-Encoding behind a vertical tab", ["Transfer-Encoding: \x0bchunked"], whole),
        ("Transfer-Encoding: chunked;q=1", ["Transfer-Encoding: chunked;q=1"], whole),
        ("a space before the colon of Transfer-Encoding", ["Transfer-Encoding : chunked"], whole),
        ("a folded Transfer-Encoding", ["Transfer-Encoding:\r\n chunked"], whole),
    ]
    cases = []
    for name, headers, body in wrong:
        if body is None:
            # A field of another name, which says nothing of the length.
            cases.append(Case("framing", name, server.put(*headers), {201, 204}))
        else:
            cases.append(Case("framing", name, server.put(*headers, body=body + HIDDEN), REFUSED))
    cases += [
        Case("framing", "Transfer-Encoding in HTTP/1.0",
             server.put(chunked, version="1.0", body=whole + HIDDEN), REFUSED),
        Case("framing", "Transfer-Encoding: Chunked, in capitals", server.put("Transfer-Encoding: CHUNKED", body=whole),
             {201, 204}),
        Case("framing", "GET with a body that is a request", server.get(f"Content-Length: {len(HIDDEN)}") + HIDDEN,
             {200, 400}),
        Case("framing", "PUT without a length", server.put(body=b""), {201, 204, 400, 411}),
    ]
    return cases


def chunks(server):
    wrong = [
        ("size with a sign", server.as_chunks(f"+{server.length:x}")),
        ("size with 0x", server.as_chunks(f"0x{server.length:x}")),
        ("size with a space before it", server.as_chunks(f" {server.length:x}")),
        ("size with a space behind it", server.as_chunks(f"{server.length:x} ")),
        ("no size", server.as_chunks("")),
        ("a size that is no number", server.as_chunks("xyz")),
        ("size with an underscore", server.as_chunks("1_0")),
        ("size of 2^64 and more", server.as_chunks("1" + "0" * 15 + f"{server.length:02x}")),
        ("size of 17 digits", server.as_chunks("F" * 17)),
        ("a negative size", server.as_chunks("-1")),
        ("size ended by LF alone", server.as_chunks(separator="\n")),
        ("size ended by CR alone", server.as_chunks(separator="\r")),
        ("more content than the size says", server.as_chunks(f"{server.length - 1:x}")),
        ("less content than the size says", server.as_chunks(f"{server.length + 3:x}")),
        ("NUL in an extension", server.as_chunks(f"{server.length:x};a\0b")),
        ("LF in an extension", server.as_chunks(f"{server.length:x};a\nb")),
        ("a trailer that is no field", server.as_chunks(ending="0\r\nnothing\r\n\r\n")),
        ("a trailer with a space before its colon", server.as_chunks(ending="0\r\nx : y\r\n\r\n")),
        ("a trailer with NUL", server.as_chunks(ending="0\r\nx: \0\r\n\r\n")),
    ]
    # A body that goes wrong may have been answered before; then the connection has to end.
    cases = [Case("chunks", name, server.chunked(body + HIDDEN), REFUSED) for name, body in wrong]
    return cases + [
        Case("chunks", "an extension", server.chunked(server.as_chunks(f"{server.length:x};a=b")), {201, 204, 400}),
        Case("chunks", "an extension of 20,000 bytes", server.chunked(
            server.as_chunks(f"{server.length:x};a={'b' * 20_000}")), {201, 204, 400, 413, 431}),
        Case("chunks", "an extension of 20 MiB", server.chunked(
            server.as_chunks(f"{server.length:x};a={'b' * 20 * MIB}")), {400, 413, 431, CLOSED}),
        Case("chunks", "leading zeros of a size", server.chunked(server.as_chunks(f"0000{server.length:x}")), {201, 204, 400}),
        Case("chunks", "10,000 leading zeros", server.chunked(
            server.as_chunks("0" * 10_000 + f"{server.length:x}")), {201, 204, 400, 413, 431}),
        Case("chunks", "a trailer", server.chunked(server.as_chunks(ending="0\r\nx: y\r\n\r\n")), {201, 204, 400}),
        Case("chunks", "a trailer with Content-Length", server.chunked(
            server.as_chunks(ending="0\r\nContent-Length: 9\r\n\r\n")), {201, 204, 400}),
        Case("chunks", "trailers of 100 KiB", server.chunked(
            server.as_chunks(ending="0\r\n" + "x: " + "y" * 100 * KIB + "\r\n\r\n")), {201, 204, 400, 413, 431}),
    ]


def lines(server):
    path = server.get_path
    wrong = [
        ("HTTP/0.9", f"GET {path}", REFUSED | {CLOSED}), ("HTTP/1.2", f"GET {path} HTTP/1.2", REFUSED),
        ("HTTP/2.0", f"GET {path} HTTP/2.0", REFUSED), ("HTTP/1.10", f"GET {path} HTTP/1.10", REFUSED),
        ("http/1.1", f"GET {path} http/1.1", REFUSED), ("no version", f"GET {path} ", REFUSED),
        ("a lower-case method", f"get {path} HTTP/1.1", REFUSED), ("an unknown method", f"DEPOT {path} HTTP/1.1", REFUSED),
        ("a tab between the words", f"GET\t{path}\tHTTP/1.1", REFUSED),
        ("a space before the method", f" GET {path} HTTP/1.1", REFUSED),
        ("a space behind the version", f"GET {path} HTTP/1.1 ", REFUSED),
        ("two targets", f"GET {path} {path} HTTP/1.1", REFUSED),
        ("NUL in the target", f"GET {path}\0 HTTP/1.1", BAD), ("CR in the target", f"GET {path}\r HTTP/1.1", REFUSED),
        ("a byte above 127 in the target", f"GET {path}\xe9 HTTP/1.1", BAD), ("TRACE", f"TRACE {path} HTTP/1.1", {405, 501}),
        ("CONNECT", "CONNECT depot:7400 HTTP/1.1", {400, 405, 501}), ("a fragment", f"GET {path}#part HTTP/1.1", BAD),
    ]
    whole = server.get()
    return [Case("lines", name, server.get(line=line), statuses) for name, line, statuses in wrong] + [
        Case("lines", "HTTP/1.0 with Host", server.get(line=f"GET {path} HTTP/1.0"), {200}),
        Case("lines", "HTTP/1.0 without Host", server.get(line=f"GET {path} HTTP/1.0", host=""), {200}),
        Case("lines", "two spaces between the words", server.get(line=f"GET  {path}  HTTP/1.1"), {200, 400}),
        Case("lines", "lines that end with LF alone", whole.replace(b"\r\n", b"\n"), REFUSED),
        Case("lines", "lines that end with CR alone", whole.replace(b"\r\n", b"\r"), REFUSED | {CLOSED}, finishes=True),
        Case("lines", "an empty line before the request", b"\r\n" + whole, {200, 400}),
        Case("lines", "10,000 empty lines before it", b"\r\n" * 10_000 + whole, {200, 400, 431, CLOSED}),
        Case("lines", "20 MiB of empty lines", b"\r\n" * 10 * MIB, {400, 431, CLOSED}, finishes=True),
        Case("lines", "a method of 1 MB", b"G" * 1_000_000 + b" / HTTP/1.1\r\n\r\n", REFUSED | {414, 431, CLOSED}),
        Case("lines", "the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", REFUSED),
        Case("lines", "a TLS hello", bytes.fromhex("16030100c8010000c40303") + bytes(range(190)), REFUSED),
        Case("lines", "SSH", b"SSH-2.0-OpenSSH_9.2\r\n", REFUSED),
        Case("lines", "an answer instead of a request", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", REFUSED),
        Case("lines", "nothing, and then the end", b"", {CLOSED}, finishes=True),
    ]


def fields(server):
    wrong = [
        ("obs-fold", "X: a\r\n b"), ("obs-fold with a tab", "X: a\r\n\tb"), ("a space before the colon", "X : a"),
        ("a field without a colon", "nothing"), ("a field without a name", ": a"), ("NUL in a value", "X: a\0b"),
        ("a control character in a value", "X: a\x01b"), ("CR in a value", "X: a\rY: b"), ("LF in a value", "X: a\nY: b"),
        ("DEL in a value", "X: a\x7fb"), ("NUL in a name", "X\0Y: a"), ("a space in a name", "X Y: a"),
        ("a byte above 127 in a name", "\xe9: a"), ("a line that begins with a space", " X: a"),
        ("two Authorizations", "Authorization: Bearer wrong"), ("CR before the end of the line", "X: a\r"),
    ]
    return [Case("fields", name, server.get(field), BAD) for name, field in wrong] + [
        Case("fields", "a byte above 127 in a value", server.get("X: \xe9"), {200, 400}),
        Case("fields", "an empty value", server.get("X:"), {200}),
        Case("fields", "Connection names Authorization", server.get("Connection: close, Authorization"), {200, 400, 401}),
        Case("fields", "Upgrade: h2c", server.get(
            "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"), {200, 400}),
        Case("fields", "no token", server.get().replace(server.allowed.encode(), b""), {401}),
        Case("fields", "a wrong token", server.get().replace(b"Bearer ", b"Bearer x"), {401}),
        Case("fields", "a token of 20,000 bytes", server.get().replace(b"Bearer ", b"Bearer " + b"x" * 20_000), {401, 431}),
        Case("fields", "Basic instead of Bearer", server.get().replace(b"Bearer ", b"Basic "), {401}),
    ]


def padded(server, size):
    """A request whose field lines have so many bytes, as depot counts them: with colon, space and line end."""
    base = sum(len(line) + 2 for line in server.get().split(b"\r\n")[1:-2])
    left, extra = size - base, []
    while left > 2_000:
        extra.append(f"X-{len(extra):03}: " + "y" * (1_000 - 9))
        left -= 1_000
    extra.append(f"X-{len(extra):03}: " + "y" * (left - 9))
    return server.get(*extra)


def counted(server, count):
    there = len(server.get().split(b"\r\n")) - 3
    return server.get(*(f"X-{number}: y" for number in range(count - there)))


def limits(server):
    def target(length):
        return server.get(line=f"GET {server.get_path}?{'a' * (length - len(server.get_path) - 1)} HTTP/1.1")

    return [
        Case("limits", "a target of 8 KiB", target(8 * KIB), {200, 400}),
        Case("limits", "a target of 8 KiB and one byte", target(8 * KIB + 1), {414}),
        Case("limits", "a target of 1 MiB", target(MIB), {400, 414, 431}),
        Case("limits", "fields of 16 KiB", padded(server, 16 * KIB), {200}),
        Case("limits", "fields of 16 KiB and one byte", padded(server, 16 * KIB + 1), {431}),
        Case("limits", "fields of 32 KiB", padded(server, 32 * KIB), {431}),
        Case("limits", "fields of 32 KiB and one byte", padded(server, 32 * KIB + 1), {431}),
        Case("limits", "100 fields", counted(server, 100), {200}),
        Case("limits", "101 fields", counted(server, 101), {431}),
        Case("limits", "a value of 1 MiB", server.get("X: " + "y" * MIB), {431}),
        Case("limits", "a name of 70,000 bytes", server.get("X" * 70_000 + ": y"), {431}),
        Case("limits", "a field that never ends", server.get()[:-2] + b"X: " + b"y" * 5 * MIB, {431, CLOSED}),
    ]


def targets(server):
    path = server.get_path
    def get(target):
        return server.get(line=f"GET {target} HTTP/1.1")

    return [
        Case("targets", "absolute form", get(f"http://depot{path}"), {200}),
        Case("targets", "absolute form of another host", get(f"http://elsewhere{path}"), {200, 400, 421}),
        Case("targets", "absolute form of https", get(f"https://depot{path}"), {200, 400}),
        Case("targets", "absolute form with a user", get(f"http://user@depot{path}"), BAD),
        Case("targets", "absolute form without a host", get(f"http://{path}"), BAD),
        Case("targets", "authority form", get("depot:7400"), BAD),
        Case("targets", "the asterisk", get("*"), BAD),
        Case("targets", "OPTIONS *", server.get(line="OPTIONS * HTTP/1.1"), {200, 204, 400, 404, 405, 501}),
        Case("targets", "a target without a slash", get(path[1:]), BAD),
        Case("targets", "..", get(f"/x/..{path}"), {400, 404}),
        Case("targets", "%2e%2e", get(f"/x/%2e%2e{path}"), {400, 404}),
        Case("targets", "..%2f", get(f"/x/..%2f{path[1:]}"), {400, 404}),
        Case("targets", "/../../etc/passwd", get("/../../etc/passwd"), {400, 404}),
        Case("targets", "two slashes", get(f"/{path}"), {400, 404}),
        Case("targets", "%00 behind the path", get(f"{path}%00"), {400, 404}),
        Case("targets", "half a percent sign", get(f"{path}%4"), {400, 404}),
        Case("targets", "overlong UTF-8, %c0%af", get(f"/x%c0%af..{path}"), {400, 404}),
        Case("targets", "a backslash", get(f"\\x{path}"), {400, 404}),
        Case("targets", "the path in percent-encoding", get("/" + "".join(f"%{ord(each):02x}" for each in path[1:])),
             {200, 400, 404}),
        Case("targets", "a semicolon", get(f"{path};a=b"), {400, 404}),
    ]


def hosts(server):
    values = [("no Host", ""), ("two equal Hosts", "Host: depot\r\nHost: depot\r\n"), ("two Hosts", "Host: a\r\nHost: b\r\n"),
              ("an empty Host", "Host:\r\n"), ("a Host with a space", "Host: a b\r\n"),
              ("a Host with a slash", "Host: a/b\r\n"),
              ("a Host with a user", "Host: a@b\r\n"), ("a Host with a comma", "Host: a,b\r\n"),
              ("a Host with a port of 6 digits", "Host: a:999999\r\n")]
    return [Case("hosts", name, server.get(host=host), BAD) for name, host in values] + [
        Case("hosts", "another Host", server.get(host="Host: elsewhere\r\n"), {200, 421})]


def others(server):
    # A replica, which none but FileServers ask, calls any other method a mistake of the request.
    refused = {404, 405} if server.is_fileserver else BAD
    return [
        *(Case("methods", method, server.get(line=f"{method} {server.get_path} HTTP/1.1"), refused)
          for method in ["OPTIONS", "DELETE", "POST", "PATCH"]),
        Case("methods", "HEAD", server.get(line=f"HEAD {server.get_path} HTTP/1.1"), refused | {200}),
        Case("methods", "X-HTTP-Method-Override: DELETE", server.get("X-HTTP-Method-Override: DELETE"), {200}),
    ]


def expectations(server):
    length = f"Content-Length: {server.length}"
    return [
        Case("Expect", "100-continue", server.put("Expect: 100-continue", length), {201, 204}),
        Case("Expect", "100-Continue, in capitals", server.put("Expect: 100-CONTINUE", length), {201, 204, 417}),
        Case("Expect", "100-continue, and no body", server.get("Expect: 100-continue"), {200}),
        Case("Expect", "100-continue with HTTP/1.0", server.put("Expect: 100-continue", length, version="1.0"),
             {201, 204, 417}, interim=False),
        Case("Expect", "something else", server.put("Expect: 200-ok", length), {417}),
        Case("Expect", "100-continue twice", server.put("Expect: 100-continue", "Expect: 100-continue", length), {400, 417}),
        Case("Expect", "100-continue, 100-continue", server.put("Expect: 100-continue, 100-continue", length), {400, 417}),
        Case("Expect", "100-continue with a wrong token",
             server.put("Expect: 100-continue", length, body=b"").replace(b"Bearer ", b"Bearer x"), {401}, interim=False),
        Case("Expect", "100-continue in capitals with a wrong token",
             server.put("EXPECT: 100-CONTINUE", length, body=b"").replace(b"Bearer ", b"Bearer x"), {401}, interim=False),
        Case("Expect", "100-continue, and the sender ends", server.put("Expect: 100-continue", length, body=b""),
             {400, 408, 499, 504, CLOSED, 100}, finishes=True),
    ]


def bodies(server):
    return [
        Case("bodies", "shorter than declared", server.put(f"Content-Length: {server.length + 100}"),
             {400, 408, 504, CLOSED}, finishes=True),
        Case("bodies", "longer than declared", server.put(
            f"Content-Length: {server.length}", body=server.content + b"garbage\r\n\r\n"), {201, 204}, answers=2),
        Case("bodies", "declared and missing", server.put(f"Content-Length: {server.length}", body=b""),
             {400, 408, 504, CLOSED}, finishes=True),
        Case("bodies", "chunks without their end", server.chunked(server.as_chunks(ending="")),
             {400, 408, 504, CLOSED}, finishes=True),
        Case("bodies", "a Content-Length of 2^62 and nothing", server.put("Content-Length: 4611686018427387904", body=b""),
             {400, 408, 413, 504, 507, CLOSED}, finishes=True),
        Case("bodies", "Content-Encoding: gzip, with other bytes",
             server.put("Content-Encoding: gzip", f"Content-Length: {server.length}"), {201, 204, 400, 415}),
        Case("bodies", "Content-Range", server.put("Content-Range: bytes 0-4/10", f"Content-Length: {server.length}"),
             {201, 204, 400} if not server.is_fileserver else BAD),
    ]


def pipelines(server):
    one = server.get()
    return [
        Case("pipelines", "100 requests at once", one * 100, {200}, answers=100),
        Case("pipelines", "99 requests and a wrong one", one * 99 + b"GARBAGE\r\n\r\n", {200}, answers=100),
        Case("pipelines", "a wrong one and 99 requests", b"GARBAGE\r\n\r\n" + one * 99, REFUSED),
        Case("pipelines", "one with Connection: close, and 99", server.get("Connection: close") + one * 99, {200}),
        Case("pipelines", "a GET and a PUT", one + server.put(f"Content-Length: {server.length}"), {200}, answers=2),
    ]


def names(server):
    def put(name, statuses):
        told = name if 0 < len(name) < 60 else f"a name of {len(name)} bytes" if name else "no name"
        return Case("names", told, server.head(
            f"PUT /v1/files/{name}?level=2 HTTP/1.1", f"Content-Length: {server.length}") + server.content, statuses)

    return [
        put("a%0d%0aSet-Cookie:%20hostile=1", {201, 400}), put("a%0aX: b", REFUSED), put("%00", BAD), put("a%00b", BAD),
        put("..", BAD), put("%2e%2e/x", BAD), put("x/%2e%2e/%2e%2e/y", BAD), put("x/../y", BAD), put(".", BAD),
        put("x//y", BAD), put("/x", BAD), put("x/", BAD), put("%2fetc%2fpasswd", BAD), put("%c0%ae%c0%ae/x", BAD),
        put("%ff", BAD), put("%", BAD), put("%zz", BAD), put("%ed%a0%80", BAD), put("n" * 1_024, {201, 400}),
        put("n" * 1_025, {400, 413, 414}), put("", {400, 404, 405}), put("%e2%80%aebidi", {201, 400}),
    ]


def ranges(server):
    """Of a file of 100,000 bytes."""
    def get(value):
        return server.get(f"Range: {value}", line="GET /v1/files/hostile-ranges/content HTTP/1.1")

    some = {200, 206, 400, 416}
    return [
        Case("ranges", "bytes=0-99999999999999999999", get("bytes=0-99999999999999999999"), some),
        Case("ranges", "bytes=99999999999999999999-", get("bytes=99999999999999999999-"), some),
        Case("ranges", "bytes=-99999999999999999999", get("bytes=-99999999999999999999"), some),
        Case("ranges", "bytes=-0", get("bytes=-0"), some), Case("ranges", "bytes=9-2", get("bytes=9-2"), some),
        Case("ranges", "bytes=-", get("bytes=-"), some), Case("ranges", "bytes=0-0x9", get("bytes=0-0x9"), some),
        Case("ranges", "lines=1-2", get("lines=1-2"), {200, 400, 416}),
        Case("ranges", "1,000 ranges", get("bytes=" + ",".join(f"{each}-{each}" for each in range(0, 2_000, 2))), some),
        Case("ranges", "1,000 times the whole", get("bytes=" + ",".join(["0-"] * 1_000)), some),
        Case("ranges", "two Ranges", server.get(
            "Range: bytes=0-0", "Range: bytes=1-1", line="GET /v1/files/hostile-ranges/content HTTP/1.1"), BAD),
    ]


def queries(server):
    def put(query, statuses):
        return Case("queries", query if len(query) < 60 else f"{query[:20]}…", server.head(
            f"PUT /v1/files/hostile-query?{query} HTTP/1.1", f"Content-Length: {server.length}") + server.content, statuses)

    def listed(query, statuses=BAD):
        return Case("queries", query, server.get(line=f"GET /v1/files?{query} HTTP/1.1"), statuses)

    return [
        put("level=2&level=3", BAD), put("level=2&%6cevel=3", BAD), put("level=", BAD), put("level=0", BAD),
        put("level=-1", BAD),
        put("level=99999999999999999999", BAD), put("level=2.5", BAD), put("level=%zz", BAD), put("level=2%00", BAD),
        put("level=2;level=3", BAD), put("level=2&requireAll=maybe", BAD), put("&".join(["a=b"] * 1_000), {400, 201}),
        listed("limit=-1"), listed("limit=1e3"), listed("limit=99999999999999999999"), listed("after=%ff"),
        listed("limit=1&limit=2"), listed("at=yesterday"), listed("unknown=1", {200, 400}), listed("&&&=&", {200, 400}),
    ]
