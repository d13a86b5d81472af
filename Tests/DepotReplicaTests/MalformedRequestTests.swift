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
