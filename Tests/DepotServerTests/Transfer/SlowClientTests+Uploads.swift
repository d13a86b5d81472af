import DepotCore
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

@testable import DepotServer

/// Bodies that come slowly.
extension SlowClientTests {
    /// Each once took 24 MiB, so that one was taken in after the other.
    @Test func `slow uploads share the memory, and all come to their end`() async throws {
        try await TestDepot.run(replicas: 1) { depot in
            let data = TestDepositor.data(7 << 20, seed: 404)
            let gate = Gate()
            let (arrived, hasArrived) = AsyncStream.makeStream(of: Void.self)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<6 {
                    group.addTask {
                        try await RawConnection.open(port: depot.http.port) { connection in
                            var rest = data
                            try await connection.send(
                                Self.request(
                                    "PUT", "/v1/files/up\(number)?level=1",
                                    length: rest.readableBytes))
                            if let first = rest.readSlice(length: 1 << 20) {
                                try await connection.send(first)
                            }
                            hasArrived.yield()
                            await gate.wait()
                            try await connection.send(rest)
                            return try await connection.message()?.status ?? 0
                        }
                    }
                }
                var count = 0
                for await _ in arrived {
                    count += 1
                    if count == 6 { break }
                }
                // All six have begun, and stand still.
                let quick = try await depot.http.call(
                    .PUT, "/v1/files/quick?level=1", body: [data])
                #expect(quick.status == 201)
                gate.open()
                for try await status in group { #expect(status == 201) }
            }
            for number in 0..<6 { #expect(try await depot.content("up\(number)").body == data) }
        }
    }

    /// 240 lists of 2 MiB took a FileServer to 729 MiB.
    @Test func `bodies that are read whole take memory like others`() async throws {
        let tight = { (configuration: inout FileServerConfiguration) in
            configuration.limits.bodyMemory = 1 << 20
            Self.watchful(&configuration)
        }
        try await TestDepot.run(replicas: 1, configure: tight) { depot in
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 1)
            let path = "/v1/deposits/\(depositor.deposit)/negotiation"
            let (begun, hasBegun) = AsyncStream.makeStream(of: Void.self)
            async let slow = RawConnection.open(port: depot.http.port) { connection in
                try await connection.send(Self.request("POST", path, length: 2 << 20))
                try await connection.send(ByteBuffer(repeating: 0, count: 600_000))
                hasBegun.finish()
                return try await connection.message()
            }
            for await _ in begun {}
            // It waits for what the other one keeps; that one is told.
            let chunks = (0..<20_000).map { number in
                VerifiedObject(hashing: ByteBuffer(string: "chunk \(number)"))
            }
            #expect(try await depositor.negotiate(chunks).count == chunks.count)
            let answer = try #require(try await slow)
            #expect(answer.status == 429)
            let error = try WireJSON.decode(ErrorEnvelope.self, from: answer.body).error
            #expect(error.message.contains("fewer than 32768 bytes a second"))
        }
    }

    /// A client that sent a part kept a connection to each replica, and there memory for a chunk; with as many as a
    /// FileServer makes, none was left for asking replicas how they are.
    @Test func `slow uploads do not take all connections to a replica`() async throws {
        try await TestDepot.run(replicas: 1) { depot in
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 1)
            let chunks = (0..<60).map { number in
                VerifiedObject(hashing: TestDepositor.data(50_000, seed: 500 + UInt64(number)))
            }
            _ = try await depositor.negotiate(chunks)
            let gate = Gate()
            let (arrived, hasArrived) = AsyncStream.makeStream(of: Void.self)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for pair in stride(from: 0, to: chunks.count, by: 2) {
                    group.addTask {
                        try await Self.upload(
                            Array(chunks[pair...pair + 1]), depositor, stopAt: 70_000
                        ) {
                            hasArrived.yield()
                            await gate.wait()
                        }
                    }
                }
                var count = 0
                for await _ in arrived {
                    count += 1
                    if count == chunks.count / 2 { break }
                }
                try await eventually("some are sent on while they arrive") {
                    depot.links[0].count(of: .openUpload) >= 12
                }
                try await depot.deposit("quick", TestDepositor.data(9_000, seed: 499), level: 1)
                #expect(depot.links[0].count(of: .openUpload) <= 14)
                // None of the second halves, and the quick one's chunk and manifest.
                #expect(depot.links[0].count(of: .uploadBegin) <= 14)
                gate.open()
                for try await status in group { #expect(status == 200) }
            }
        }
    }

    private static func upload(
        _ chunks: [VerifiedObject], _ depositor: TestDepositor, stopAt: Int,
        _ wait: () async -> Void
    ) async throws -> Int {
        try await RawConnection.open(port: depositor.http.port) { connection in
            var body = ByteBuffer()
            for var part in TestDepositor.frames(chunks) { body.writeBuffer(&part) }
            let path = "/v1/deposits/\(depositor.deposit)/chunks"
            try await connection.send(request("PUT", path, length: body.readableBytes))
            if let beginning = body.readSlice(length: stopAt) {
                try await connection.send(beginning)
            }
            await wait()
            try await connection.send(body)
            return try await connection.message()?.status ?? 0
        }
    }
}
