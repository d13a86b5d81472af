import NIOCore

/// A request that no server may take for a right one.
public struct MalformedRequest: Sendable {
    public let name: String
    public let bytes: [UInt8]
    /// What it may be answered with.
    public let statuses: Set<Int>
    /// Whether the sender sends no more; else it waits for the answer with its side open.
    public let finishes: Bool

    init(_ name: String, bytes: [UInt8], _ statuses: Set<Int> = [400], finishes: Bool = false) {
        self.name = name
        self.bytes = bytes
        self.statuses = statuses
        self.finishes = finishes
    }

    init(_ text: String, _ statuses: Set<Int> = [400], finishes: Bool = false) {
        let name = text.prefix(100).unicodeScalars.map { $0.escaped(asASCII: true) }.joined()
        self.init(name, bytes: Array(text.utf8), statuses, finishes: finishes)
    }
}

/// The table of them, for one server.
public struct MalformedRequests {
    /// Where something can be put, and read.
    let put: String
    let get: String
    /// Headers that let the sender in, each with its line's end.
    let headers: String

    public init(put: String, get: String, headers: String) {
        self.put = put
        self.get = get
        self.headers = headers
    }

    public var all: [MalformedRequest] {
        lines + hosts + fields + sizes + lengths + codings + chunks + ends
    }

    private var rest: String { "Host: x\r\n\(headers)\r\n" }

    /// Not among them: several spaces between the words of the line, which RFC 9112, 3, lets a server read.
    private var lines: [MalformedRequest] {
        let wrong: [(String, Set<Int>)] = [
            ("GET \(get)\r\n", [400, 505]), ("GET\t\(get) HTTP/1.1\r\n", [400, 501]),
            (" GET \(get) HTTP/1.1\r\n", [400, 501]),
            ("get \(get) HTTP/1.1\r\n", [400, 501]), ("G@T \(get) HTTP/1.1\r\n", [400, 501]),
            ("GETT \(get) HTTP/1.1\r\n", [400, 501]), ("FOO \(get) HTTP/1.1\r\n", [400, 501]),
            (" \(get) HTTP/1.1\r\n", [400, 501]), ("GET HTTP/1.1\r\n", [400, 505]),
            ("GET \(get) HTTP/1.1 \r\n", [400, 505]), ("GET \(get) HTTP/1.1x\r\n", [400, 505]),
            ("GET \(get) HTTP/1.2\r\n", [400, 505]), ("GET \(get) HTTP/2.0\r\n", [400, 505]),
            ("GET \(get) HTTP/0.9\r\n", [400, 505]), ("GET \(get) HTTP/9.9\r\n", [400, 505]),
            ("GET \(get) http/1.1\r\n", [400, 505]), ("GET \(get) HTTP/1\r\n", [400, 505]),
            ("GET \(get) HTTP/1.1.1\r\n", [400, 505]), ("GET \(get) HTTP/01.1\r\n", [400, 505]),
            ("GET \(get) HTTP/1.10\r\n", [400, 505]), ("GET \(get) HTTP/-1.1\r\n", [400, 505]),
            ("GET \(get) HTP/1.1\r\n", [400, 505]), ("GET \(get) HTTP1.1\r\n", [400, 505]),
            ("GET \(get)\tHTTP/1.1\r\n", [400]), ("GET x HTTP/1.1\r\n", [400]),
            ("GET * HTTP/1.1\r\n", [400]), ("GET http:// HTTP/1.1\r\n", [400]),
            ("GET http:///a HTTP/1.1\r\n", [400]), ("GET ftp://x/ HTTP/1.1\r\n", [400]),
            ("GET http://a@b/ HTTP/1.1\r\n", [400]), ("GET x:80 HTTP/1.1\r\n", [400]),
            ("GET \(get)#part HTTP/1.1\r\n", [400]), ("GET \(get)\u{0} HTTP/1.1\r\n", [400]),
            ("GET \(get)\u{1} HTTP/1.1\r\n", [400]), ("GET \(get)\u{7f} HTTP/1.1\r\n", [400]),
            ("GET \(get)é HTTP/1.1\r\n", [400]), ("GET \(get) x HTTP/1.1\r\n", [400, 505]),
            ("CONNECT x:80 HTTP/1.1\r\n", [400, 405, 501]),
            ("TRACE \(get) HTTP/1.1\r\n", [400, 405, 501]),
            ("GET \(get) HTTP/1.1\n", [400, 505]), ("GET \(get) HTTP/1.1\r", [400]),
            ("HTTP/1.1 200 OK\r\n", [400, 501, 505]), ("\u{0}\(get)\r\n", [400, 501]),
        ]
        return wrong.map { MalformedRequest($0.0 + rest, $0.1) } + [
            MalformedRequest("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [400, 501, 505]),
            MalformedRequest(
                "a TLS handshake", bytes: [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc],
                [400, 501]),
            MalformedRequest("SSH-2.0-OpenSSH_9.2\r\n", [400, 501]),
        ]
    }

    private func get(_ lines: String, version: String = "1.1", _ statuses: Set<Int> = [400])
        -> MalformedRequest
    {
        MalformedRequest("GET \(get) HTTP/\(version)\r\n\(lines)\(headers)\r\n", statuses)
    }

    private var hosts: [MalformedRequest] {
        let wrong = [
            "", "Host: x\r\nHost: x\r\n", "Host: x\r\nHost: y\r\n", "Host: x\r\nhOST: y\r\n",
            "Host:\r\n", "Host: \r\n", "Host: a b\r\n", "Host: a/b\r\n", "Host: a@b\r\n",
            "Host: a,b\r\n", "Host: a:b\r\n", "Host: a:999999\r\n", "Host: a:-1\r\n",
            "Host: :80\r\n", "Host: [::1\r\n", "Host: []\r\n", "Host: [x]\r\n",
            "Host: a\tb\r\n", "Host: é\r\n", "Host: http://x\r\n", "Host: a?b\r\n",
            "Host: a#b\r\n", "Host: a\\b\r\n", "Host: [::1]x\r\n",
        ]
        return wrong.map { get($0) }
            + [get("Host: x\r\nHost: x\r\n", version: "1.0"), get("Host: a b\r\n", version: "1.0")]
    }

    private var fields: [MalformedRequest] {
        let wrong = [
            "nothing\r\n", "x : y\r\n", "x\t: y\r\n", ": y\r\n", " : y\r\n", " x: y\r\n",
            "x: y\r\n z\r\n", "x: y\r\n\tz\r\n", "x: a\u{0}b\r\n", "x: a\u{1}b\r\n",
            "x: a\u{1b}b\r\n", "x: a\u{7f}b\r\n", "x: a\rb\r\n", "x: a\nb: c\r\n", "x: a\r\r\n",
            "x\u{0}: y\r\n", "x y: z\r\n", "x(: y\r\n", "x@: y\r\n", "x[: y\r\n", "x\": y\r\n",
            "x/: y\r\n", "é: y\r\n", "x\u{7f}: y\r\n", "\r: y\r\n", "x: y\n", "x: y\r",
            "Authorization: Bearer no\r\nAuthorization: Bearer no\r\n",
            "Range: bytes=0-0\r\nRange: bytes=1-1\r\n",
        ]
        return wrong.map { get("Host: x\r\n\($0)") } + [
            get("Host: x\r\nExpect: 200-ok\r\n", [400, 417])
        ]
    }

    private var sizes: [MalformedRequest] {
        let long = String(repeating: "a", count: 70_000)
        let many = (0..<200).map { "x-\($0): y\r\n" }.joined()
        let heavy = (0..<50).map { "x-\($0): \(long.prefix(1_000))\r\n" }.joined()
        return [
            MalformedRequest("GET /\(long.prefix(10_000)) HTTP/1.1\r\n\(rest)", [414]),
            MalformedRequest("GET /\(long) HTTP/1.1\r\n\(rest)", [414, 431]),
            get("Host: x\r\nx: \(long)\r\n", [431]), get("Host: x\r\n\(long): y\r\n", [431]),
            get("Host: x\r\n\(many)", [431]), get("Host: x\r\n\(heavy)", [431]),
        ]
    }

    private func put(_ lines: String, _ body: String = "hello", version: String = "1.1")
        -> MalformedRequest
    {
        MalformedRequest(
            "PUT \(put) HTTP/\(version)\r\n\(lines)Host: x\r\n\(headers)\r\n\(body)", [400, 501])
    }

    private var lengths: [MalformedRequest] {
        let wrong = [
            "-1", "+5", "0x5", "5,5", "5, 6", "5 5", "", "abc", "1e1", "5;", "5.0", "5_0", "٥",
            "99999999999999999999", "18446744073709551616", "9223372036854775808", "5\u{b}",
            "5\u{0}", "\"5\"", "0x", "NaN",
        ]
        return wrong.map { put("Content-Length: \($0)\r\n") } + [
            put("Content-Length: 5\r\nContent-Length: 5\r\n"),
            put("Content-Length: 5\r\nContent-Length: 6\r\n"),
            put("Content-Length : 5\r\n"),
            put("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
            put("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
            put("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        ]
    }

    private var codings: [MalformedRequest] {
        let wrong = [
            "", " ", "identity", "gzip", "gzip, chunked", "chunked, chunked", "chunked, gzip",
            "chunked, identity", "xchunked", "chunkedx", "\"chunked\"", "chunked;q=1", "ch unked",
            "\u{b}chunked", "chunked\u{0}", "chunked,", ", chunked", "chunked\u{c}", "cow",
        ]
        return wrong.map { put("Transfer-Encoding: \($0)\r\n", "5\r\nhello\r\n0\r\n\r\n") } + [
            put(
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                "5\r\nhello\r\n0\r\n\r\n"),
            put("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n", "0\r\n\r\n"),
            put("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
            put("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"),
            put("Transfer-Encoding: chunked\r\n", "0\r\n\r\n", version: "1.0"),
        ]
    }

    private var chunks: [MalformedRequest] {
        let wrong = [
            "-1\r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n", "5 \r\nhello\r\n0\r\n\r\n",
            "5;\r\nhello\r\n0\r\n\r\n", " 5\r\nhello\r\n0\r\n\r\n", "\r\nhello\r\n0\r\n\r\n",
            "g\r\nhello\r\n0\r\n\r\n", "1_0\r\nhello\r\n0\r\n\r\n", "+5\r\nhello\r\n0\r\n\r\n",
            "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n",
            "5\r\nhell\r\n0\r\n\r\n", "5\nhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n",
            "5\rhello\r\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "5\r\r\nhello\r\n0\r\n\r\n",
            "5\t\r\nhello\r\n0\r\n\r\n", "5.\r\nhello\r\n0\r\n\r\n", "5,\r\nhello\r\n0\r\n\r\n",
            "5;a\u{0}\r\nhello\r\n0\r\n\r\n", "5;a\nb\r\nhello\r\n0\r\n\r\n",
            "5\r\nhello\r\n0\r\nnothing\r\n\r\n", "5\r\nhello\r\n0\r\n: y\r\n\r\n",
            "5\r\nhello\r\n0\r\nx y: z\r\n\r\n", "5\r\nhello\r\n0\r\nx: \u{0}\r\n\r\n",
            "5\r\nhello\r\n0\n\r\n", "5\r\nhello\r\n-0\r\n\r\n", "hello\r\n0\r\n\r\n",
        ]
        return wrong.map { put("Transfer-Encoding: chunked\r\n", $0) }
    }

    /// Half a request, and then nothing. A server that closes its side as well need not answer.
    private var ends: [MalformedRequest] {
        [
            MalformedRequest("GET \(get) HTTP/1.1\r\n", finishes: true),
            MalformedRequest("GET \(get) HTTP/1.1\r\nHost: x\r\n", finishes: true),
            MalformedRequest(
                "PUT \(put) HTTP/1.1\r\nHost: x\r\n\(headers)Content-Length: 9\r\n\r\nhello",
                finishes: true),
            MalformedRequest(
                "PUT \(put) HTTP/1.1\r\nHost: x\r\n\(headers)Transfer-Encoding: chunked\r\n\r\n"
                    + "5\r\nhello\r\n", finishes: true),
        ]
    }
}

extension MalformedRequests {
    /// Sends each over a connection of its own.
    ///
    /// - Returns: those that were answered otherwise than they may be, or whose connection stayed open.
    public func trespasses(port: Int) async throws -> [String] {
        var found: [String] = []
        for request in all {
            try await RawConnection.open(port: port) { connection in
                try? await connection.send(ByteBuffer(bytes: request.bytes))
                if request.finishes { connection.finish() }
                let answer = await connection.head()
                let status = answer?.status ?? 0
                let isRight = request.statuses.contains(status) || request.finishes && status == 0
                if !isRight { found.append("\(request.name): \(status)") }
                if isRight, status != 0, answer?.header("connection") != "close" {
                    found.append("\(request.name): does not say that it ends")
                }
                if isRight { _ = await connection.rest() }
            }
        }
        return found
    }
}
