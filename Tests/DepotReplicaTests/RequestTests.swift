import DepotCore
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

/// Requests that cannot be right.
@Suite(.timeLimit(.minutes(1))) struct RequestTests {
    struct Fault: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let method: String
        let path: String
        let body: ByteBuffer
        let status: Int
        let code: DepotError.Code

        init(
            _ what: String, _ method: String, _ path: String, _ body: ByteBuffer = ByteBuffer(),
            status: Int = 400, code: DepotError.Code = .invalidArgument
        ) {
            testDescription = what
            self.method = method
            self.path = path
            self.body = body
            self.status = status
            self.code = code
        }
    }

    static let ids = SampleObjects.chunks(0..<2).map(\.id)
    static func list(_ count: Int) -> ByteBuffer {
        WireList.encode(repeatElement(ids[0], count: count))
    }

    static let faults = [
        Fault("no such route", "GET", "/nowhere", status: 404, code: .notFound),
        Fault("a route's beginning", "GET", "/r1", status: 404, code: .notFound),
        Fault("a route with more behind", "GET", "/r1/standing/", status: 404, code: .notFound),
        Fault("a route that climbs", "GET", "/r1/../r1/standing", status: 404, code: .notFound),
        Fault("a route in other letters", "GET", "/R1/standing", status: 404, code: .notFound),
        Fault("a method that changes nothing here", "POST", "/r1/standing"),
        Fault("a method that would read", "GET", "/r1/delete"),
        Fault("a method that nobody has", "PATCH", "/r1/objects"),
        Fault("a method that would delete", "DELETE", "/r1/objects"),
        Fault("JSON that ends", "POST", "/r1/cluster", ByteBuffer(string: #"{"cluster":"#)),
        Fault("JSON of something else", "POST", "/r1/cluster", ByteBuffer(string: "{}")),
        Fault("no JSON", "POST", "/r1/cluster", ByteBuffer(bytes: [0xff, 0x00, 0xfe])),
        Fault("nothing where JSON is wanted", "POST", "/r1/cluster"),
        Fault("a piece of an id", "POST", "/r1/vouch", ByteBuffer(repeating: 0, count: 32)),
        Fault("ids and a byte", "POST", "/r1/check", ByteBuffer(repeating: 0, count: 34)),
        Fault("an id of no kind", "POST", "/r1/read", ByteBuffer(repeating: 7, count: 33)),
        Fault(
            "more ids than a list has", "POST", "/r1/vouch", list(WireLimits.listEntriesMax + 1),
            status: 413, code: .tooLarge),
        Fault(
            "more objects than a batch has", "POST", "/r1/read",
            list(WireLimits.batchObjectsMax + 1), status: 413, code: .tooLarge),
        Fault(
            "a body that is too large", "POST", "/r1/cluster",
            ByteBuffer(repeating: 0, count: WireLimits.bodyBytesMax + 1), status: 413,
            code: .tooLarge),
        Fault("a deletion without a token", "POST", "/r1/delete", list(1)),
        Fault("a deletion with an empty token", "POST", "/r1/delete?token=", list(1)),
        Fault("a deletion with a negative token", "POST", "/r1/delete?token=-1", list(1)),
        Fault("an empty page", "GET", "/r1/inventory?limit=0"),
        Fault("a page without end", "GET", "/r1/inventory?limit=32769"),
        Fault("a page after nothing", "GET", "/r1/inventory?after=x"),
        Fault("a page after half an id", "GET", "/r1/inventory?after=0-abcd"),
        Fault(
            "a page after no kind", "GET",
            "/r1/inventory?after=9-" + String(repeating: "a", count: 64)),
    ]

    @Test(arguments: faults)
    func `a request that makes no sense is refused, and changes nothing`(
        _ fault: Fault
    ) async throws {
        let held = SampleObjects.chunk(0)
        let memory = MemoryReplica()
        let storage = FaultyReplica(memory)
        try await TestReplica.run(storage) { replica in
            _ = try await memory.putDurably([held])
            let calls = AccessTests.calls(of: storage)
            try await RawConnection.open(port: replica.port) { connection in
                let request = PlainRequest(fault.method, fault.path, body: fault.body)
                try await connection.send(request.bytes)
                let answer = try #require(try await connection.message())
                #expect(answer.status == fault.status)
                #expect(answer.error?.code == fault.code)
                #expect(answer.header(ReplicaHeader.replica) == memory.id.description)
                #expect(
                    answer.header(ReplicaHeader.position)
                        == "1.1.\(try await memory.standing().position.offset)")
                // The connection is as good as before, unless the answer came before the body was over.
                if answer.header("connection") == "close" {
                    #expect(fault.body.readableBytes > WireLimits.bodyBytesMax)
                    return
                }
                try await connection.send(PlainRequest("GET", "/r1/standing").bytes)
                #expect(try await connection.message().map(\.status) == 200)
            }
            #expect(AccessTests.calls(of: storage) == calls)
            #expect(memory.held == [held.id])
        }
    }

    /// A flipped bit in a list of ids asked about something else, and one in the answer turned `absent` into `durable`.
    @Test
    func `a body that was changed on its way is refused, and an answer says what it hashes to`()
        async throws
    {
        let memory = MemoryReplica()
        try await TestReplica.run(memory) { replica in
            _ = try await memory.putDurably([SampleObjects.chunk(0)])
            var request = PlainRequest("POST", "/r1/vouch", body: Self.list(1))
            request.digest = BodyDigest.of(Self.list(1))
            let answer = try #require(try await replica.answer(to: request))
            #expect(answer.status == 200)
            #expect(answer.header(BodyDigest.header) == BodyDigest.of(answer.body))
            request.digest = BodyDigest.of(Self.list(2))
            let refusal = try await replica.answer(to: request)
            #expect(refusal?.status == 504)
            #expect(refusal?.error?.code == .unreachable)
        }
    }

    /// `?=` once ended the whole process, for anybody who could reach the port.
    @Test(arguments: [
        "=", "==", "=x", "&", "&&=", "?", "?=", "after", "after=", "limit=5&=&after=",
        "limit=1&limit=2",
        "%", "%zz",
    ])
    func `a strange query is no harm`(query: String) async throws {
        try await TestReplica.run(MemoryReplica()) { replica in
            for path in ["/health", "/r1/standing", "/r1/inventory"] {
                let answer = try await replica.answer(to: PlainRequest("GET", "\(path)?\(query)"))
                #expect(answer?.status == 200, "\(path)?\(query)")
            }
        }
    }

    @Test func `a head without end is cut off`() async throws {
        try await TestReplica.run(MemoryReplica()) { replica in
            let long = String(repeating: "x", count: 4 << 20)
            let lines = (0..<100_000).map { "x-\($0): y\r\n" }.joined()
            for head in [
                "GET /\(long) HTTP/1.1\r\n\r\n", "GET /health HTTP/1.1\r\nx: \(long)\r\n\r\n",
                "GET /health HTTP/1.1\r\n\(long): x\r\n\r\n",
                "GET /health HTTP/1.1\r\n\(lines)\r\n",
            ] {
                try await RawConnection.open(port: replica.port) { connection in
                    // It may be cut off while it is still being sent.
                    try? await connection.send(head)
                    let answer = try? await connection.message()
                    #expect(answer == nil || [414, 431].contains(answer?.status ?? 0))
                    _ = await connection.rest()
                }
            }
            #expect(
                try await replica.answer(to: PlainRequest("GET", "/health")).map(\.status) == 200)
        }
    }

    @Test func `requests that come together are answered in order`() async throws {
        let memory = MemoryReplica()
        try await TestReplica.run(memory) { replica in
            let object = SampleObjects.chunk(1)
            let list = WireList.encode([object.id])
            var all = PlainRequest("POST", "/r1/vouch", body: list).bytes
            all.writeImmutableBuffer(PlainRequest.put(.frames(of: [object])).bytes)
            all.writeImmutableBuffer(PlainRequest("POST", "/r1/vouch", body: list).bytes)
            all.writeImmutableBuffer(PlainRequest("GET", "/nowhere").bytes)
            let requests = all
            try await RawConnection.open(port: replica.port) { connection in
                try await connection.send(requests)
                #expect(try await connection.message().map(\.body) == ByteBuffer(bytes: [0]))
                #expect(try await connection.message().map(\.status) == 204)
                #expect(try await connection.message().map(\.body) == ByteBuffer(bytes: [1]))
                #expect(try await connection.message().map(\.status) == 404)
            }
        }
    }

    @Test func `who wants the connection closed after the answer has it closed`() async throws {
        try await TestReplica.run(MemoryReplica()) { replica in
            var request = PlainRequest("GET", "/health")
            request.closes = true
            try await RawConnection.open(port: replica.port) { connection in
                try await connection.send(request.bytes)
                let answer = try await connection.message()
                #expect(answer?.header("connection") == "close")
                #expect(await connection.rest().readableBytes == 0)
            }
        }
    }

    /// Whatever comes, the process lives, nothing wrong is stored, and the next one is served.
    @Test(arguments: 0..<150 as Range<UInt64>)
    func `damaged requests are no harm`(seed: UInt64) async throws {
        let held = SampleObjects.chunk(1, size: 200)
        let memory = MemoryReplica()
        try await TestReplica.run(memory) { replica in
            _ = try await memory.putDurably([held])
            var generator = SeededGenerator(seed: seed)
            let requests = try await AccessTests.requests(held, memory.condemn([held.id]))
            let index = Int.random(in: 0..<requests.count, using: &generator)
            var bytes = requests[index].bytes
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let place = Int.random(in: 0..<min(300, bytes.readableBytes), using: &generator)
                bytes.setInteger(UInt8.random(in: 0...255, using: &generator), at: place)
            }
            let damaged = bytes
            try await RawConnection.open(port: replica.port) { connection in
                try await connection.send(damaged)
                connection.finish()
                _ = await connection.rest()
            }
            for id in memory.held {
                // One of the requests deletes; nobody says when it has.
                guard let bytes = try await memory.bytes(of: id) else { continue }
                #expect(ChunkID(hashing: bytes) == id.hash)
            }
            #expect(
                try await replica.answer(to: PlainRequest("GET", "/health")).map(\.status) == 200)
        }
    }
}
