import DepotTestSupport
import DepotWire
import Testing

/// The same table as a FileServer's: one guard stands before both.
@Suite(.timeLimit(.minutes(2))) struct MalformedRequestTests {
    @Test func `no malformed request is taken for a right one, and each ends its connection`()
        async throws
    {
        let memory = MemoryReplica()
        try await TestReplica.run(memory) { replica in
            let requests = MalformedRequests(
                put: "/r1/objects", get: "/r1/standing",
                headers: """
                    Authorization: Bearer \(TestReplica.token)\r
                    \(ReplicaHeader.cluster): \(TestReplica.membership.cluster)\r
                    \(ReplicaHeader.epoch): \(TestReplica.membership.epoch)\r

                    """)
            let trespasses = try await requests.trespasses(port: replica.port)
            #expect(trespasses == [])
            let health = try await replica.answer(to: PlainRequest("GET", "/health"))
            #expect(health?.status == 200)
            #expect(memory.held.isEmpty)
        }
    }

    /// It was closed with no answer, where more than 32 KiB lay behind the request.
    @Test(arguments: [40_000, 200_000])
    func `what comes behind the last request takes nothing from its answer`(
        _ count: Int
    ) async throws {
        try await TestReplica.run(MemoryReplica()) { replica in
            try await RawConnection.open(port: replica.port) { connection in
                try await connection.send(
                    "GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
                        + String(repeating: "x", count: count))
                #expect(try await connection.message().map(\.status) == 200)
            }
        }
    }

    /// It told its UUID and how far its log is to anybody.
    @Test func `a refusal says nothing of the replica`() async throws {
        try await TestReplica.run(MemoryReplica()) { replica in
            for path in ["/r1/standing", "/nowhere"] {
                var request = PlainRequest("GET", path)
                request.authorization = nil
                let answer = try #require(try await replica.answer(to: request))
                #expect(answer.status == 401)
                #expect(answer.header("www-authenticate") == "Bearer")
                #expect(answer.header(ReplicaHeader.replica) == nil)
                #expect(answer.header(ReplicaHeader.position) == nil)
            }
        }
    }
}
