import DepotCore
import DepotServer
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

// 64 clients of each kind at once, half of them slow or stuck. All of them end or are told, and one that is honest is
// served nearly as if it were alone. Before, twelve that stood still were enough to stop everybody.

@Suite(.timeLimit(.minutes(3))) struct CrowdTests {
    enum Kind: String, CaseIterable, CustomTestStringConvertible {
        case download, upload, batchDown, batchUp

        var testDescription: String { rawValue }
    }

    private static let (slow, stuck, honest) = (16, 16, 32)

    private static func configure(_ configuration: inout FileServerConfiguration) {
        // The machine has no time for 64 clients and two replicas at once.
        configuration.timing.stallLimit = .seconds(30)
        configuration.transfers.lookInterval = .milliseconds(50)
        // What stands still is cut off after that; who is honest is never kept so long by a machine that is busy.
        configuration.transfers.always.grace = .seconds(2)
        configuration.transfers.whileUncrowded.grace = .seconds(2)
        configuration.transfers.whileWanted.grace = .seconds(2)
    }

    @Test(arguments: Kind.allCases)
    func `a crowd of which half is slow or stuck keeps nobody waiting`(kind: Kind) async throws {
        try await TestDepot.run(replicas: 2, configure: Self.configure) { depot in
            let scene = try await Scene(depot, kind)
            let alone = try await scene.quickest(of: 3)
            try await withThrowingTaskGroup(of: Void.self) { group in
                let gate = Gate()
                let (begun, hasBegun) = AsyncStream.makeStream(of: Void.self)
                for number in 0..<Self.slow + Self.stuck {
                    group.addTask {
                        try await scene.linger(number, isStuck: number >= Self.slow, gate) {
                            hasBegun.yield()
                        }
                    }
                }
                var count = 0
                for await _ in begun {
                    count += 1
                    if count == Self.slow + Self.stuck { break }
                }
                // What the machine does beside is not the FileServer's: the quickest of several counts.
                let among = try await scene.quickest(of: 5)
                #expect(among <= alone * 3 + .milliseconds(100), "\(among), alone \(alone)")
                for number in 0..<Self.honest {
                    group.addTask {
                        let outcome = try await scene.once(100 + number)
                        #expect(outcome != .wrong)
                    }
                }
                gate.open()
                try await group.waitForAll()
            }
        }
    }
}

/// What clients of one kind do.
private struct Scene {
    private let depot: TestDepot
    private let kind: CrowdTests.Kind
    private let data: ByteBuffer
    private let list: ByteBuffer
    private let retrieval: RetrievalID

    init(_ depot: TestDepot, _ kind: CrowdTests.Kind) async throws {
        self.depot = depot
        self.kind = kind
        data = TestDepositor.data(3 << 20, seed: 600)
        _ = try await depot.http.call(.PUT, "/v1/files/big?level=2", body: [data])
        let chunks = try await depot.info("big").chunks
        list = WireList.encode(
            try chunks.map {
                ReadRequest(chunk: try ChunkReference(id: $0.id, length: $0.length))
            })
        retrieval = try await RetrievalTests.open(depot, "big")
    }

    func quickest(of count: Int) async throws -> Duration {
        var best = Duration.seconds(3_600)
        for number in 0..<count {
            let began = ContinuousClock.now
            let outcome = try await once(number)
            #expect(outcome == .served)
            best = min(best, ContinuousClock.now - began)
        }
        return best
    }

    enum Outcome {
        case served
        /// To come again, and why.
        case told
        case wrong
    }

    /// An honest client.
    func once(_ number: Int) async throws -> Outcome {
        switch kind {
        case .download:
            let answer = try await depot.content("big")
            return answer.body == data ? .served : Self.told(answer)
        case .upload:
            let answer = try await depot.http.call(
                .PUT, "/v1/files/up\(number)?level=2", body: [data])
            return answer.status == 201 ? .served : Self.told(answer)
        case .batchDown:
            let answer = try await depot.http.call(
                .POST, "/v1/retrievals/\(retrieval)/chunks", body: [list])
            let isWhole = answer.isWhole && answer.body.readableBytes > data.readableBytes
            return isWhole ? .served : Self.told(answer)
        case .batchUp:
            return try await batch(number)
        }
    }

    private func batch(_ number: Int) async throws -> Outcome {
        let depositor = TestDepositor(depot)
        _ = try await depositor.open(level: 2)
        let chunks = (0..<4).map { part in
            VerifiedObject(
                hashing: TestDepositor.data(250_000, seed: 10_000 + UInt64(number * 4 + part)))
        }
        _ = try await depositor.negotiate(chunks)
        let answer = try await depositor.upload(chunks)
        return answer.status == 200 ? .served : Self.told(answer)
    }

    private static func told(_ answer: HTTPCaller.Answer) -> Outcome {
        let isTold = answer.status == 429 && answer.headers.contains(name: "Retry-After")
        return isTold && answer.error?.message.isEmpty == false ? .told : .wrong
    }

    /// A client that stands still, or is slow until the gate opens.
    func linger(
        _ number: Int, isStuck: Bool, _ gate: Gate, _ hasBegun: () -> Void
    ) async throws {
        let (head, whole) = try await request(number)
        var body = whole
        let isDown = kind == .download || kind == .batchDown
        let receiving = isStuck ? 4_096 : 65_536
        let answer = try await RawConnection.open(port: depot.http.port, receiving: receiving) {
            connection in
            try await connection.send(head)
            if let first = body.readSlice(length: min(body.readableBytes, 400_000)) {
                try await connection.send(first)
            }
            hasBegun()
            if isStuck {
                if isDown { await Self.standStill(&connection) }
                return await connection.rest()
            }
            return try await Self.goSlowly(&connection, &body, gate)
        }
        let text = answer.getString(at: 0, length: min(900, answer.readableBytes)) ?? ""
        let isTold =
            text.hasPrefix("HTTP/1.1 429") && text.lowercased().contains("retry-after: 1")
            && (text.contains("the body came too slowly") || text.contains("try again"))
        if isStuck, !isDown {
            #expect(isTold, "\(text)")
        } else if isStuck {
            #expect(answer.readableBytes < data.readableBytes, "it was not cut off")
        } else if !isTold {
            #expect(text.hasPrefix("HTTP/1.1 20"), "\(text)")
            #expect(!isDown || answer.readableBytes > data.readableBytes)
        }
    }

    /// Until the FileServer has closed the connection.
    private static func standStill(_ connection: inout RawConnection) async {
        while true {
            do { try await connection.send("x") } catch { return }
            do { try await Task.sleep(for: .milliseconds(300)) } catch { return }
        }
    }

    /// - Returns: everything that came.
    private static func goSlowly(
        _ connection: inout RawConnection, _ body: inout ByteBuffer, _ gate: Gate
    ) async throws -> ByteBuffer {
        var taken = ByteBuffer()
        while !gate.isOpen {
            if let some = body.readSlice(length: min(body.readableBytes, 8_192)),
                some.readableBytes > 0
            {
                // Who was told may find the connection closed.
                do { try await connection.send(some) } catch { break }
            } else {
                let before = taken.readableBytes
                while taken.readableBytes < before + 40_000, var some = await connection.piece() {
                    taken.writeBuffer(&some)
                }
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        try? await connection.send(body)
        var rest = await connection.rest()
        taken.writeBuffer(&rest)
        return taken
    }

    private func request(_ number: Int) async throws -> (head: String, body: ByteBuffer) {
        switch kind {
        case .download:
            return (SlowClientTests.request("GET", "/v1/files/big/content"), ByteBuffer())
        case .upload:
            let path = "/v1/files/slow\(number)?level=2"
            return (SlowClientTests.request("PUT", path, length: data.readableBytes), data)
        case .batchDown:
            let path = "/v1/retrievals/\(retrieval)/chunks"
            return (SlowClientTests.request("POST", path, length: list.readableBytes), list)
        case .batchUp:
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 2)
            let chunk = VerifiedObject(
                hashing: TestDepositor.data(1 << 20, seed: 800 + UInt64(number)))
            _ = try await depositor.negotiate([chunk])
            var body = ByteBuffer()
            for var part in TestDepositor.frames([chunk]) { body.writeBuffer(&part) }
            let path = "/v1/deposits/\(depositor.deposit)/chunks"
            return (SlowClientTests.request("PUT", path, length: body.readableBytes), body)
        }
    }
}
