import DepotTestSupport
import DepotWire
import NIOCore
import NIOHTTP1
import Testing

/// A second Host passed, and an empty Transfer-Encoding; malformed chunks were called a gateway's timeout.
@Suite(.timeLimit(.minutes(2))) struct MalformedRequestTests {
    @Test func `no malformed request is taken for a right one, and each ends its connection`()
        async throws
    {
        try await TestDepot.run(replicas: 1) { depot in
            let requests = MalformedRequests(
                put: "/v1/files/x?level=1", get: "/v1/status",
                headers: "Authorization: Bearer \(TestDepot.token)\r\n")
            #expect(requests.all.count >= 136)
            let trespasses = try await requests.trespasses(port: depot.http.port)
            #expect(trespasses == [])
            let health = try await depot.http.call(.GET, "/health")
            #expect(health.status == 200)
            let totals = try await depot.catalog.totals(counting: [])
            #expect(totals.files == 0)
        }
    }

    /// RFC 9110, 10.1.1.
    @Test func `who speaks HTTP 1.0 gets no interim answer`() async throws {
        try await TestDepot.run(replicas: 1) { depot in
            try await RawConnection.open(port: depot.http.port) { connection in
                try await connection.send(
                    "PUT /v1/files/x?level=1 HTTP/1.0\r\nExpect: 100-continue\r\n"
                        + "Content-Length: 5\r\nAuthorization: Bearer \(TestDepot.token)\r\n\r\n"
                        + "hello")
                #expect(try await connection.message().map(\.status) == 201)
            }
        }
    }

    @Test func `an extension of a chunk without end is not read on`() async throws {
        try await TestDepot.run(replicas: 1) { depot in
            try await RawConnection.open(port: depot.http.port) { connection in
                try await connection.send(
                    "PUT /v1/files/x?level=1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                        + "Authorization: Bearer \(TestDepot.token)\r\n\r\n5;a=")
                let part = String(repeating: "b", count: 64 << 10)
                for _ in 0..<64 { try? await connection.send(part) }
                #expect(try await connection.message().map(\.status) == 400)
            }
            #expect(try await depot.catalog.totals(counting: []).files == 0)
        }
    }

    @Test func `the policy of everything is not meant by leaving its name out`() async throws {
        try await TestDepot.run(replicas: 1) { depot in
            for method in [HTTPMethod.PUT, .DELETE] {
                let answer = try await depot.http.call(
                    method, "/v1/policies",
                    body: method == .PUT ? [ByteBuffer(string: "{}")] : [])
                #expect(answer.error?.message.contains("'prefix' is missing") == true)
            }
        }
    }

    /// RFC 9112: what a server has to understand, however rare it is.
    @Test(arguments: [
        "GET /v1/status HTTP/1.1\r\nhost:x\r\n", "GET /v1/status HTTP/1.0\r\n",
        "GET http://x:7400/v1/status HTTP/1.1\r\nHost: other\r\n",
        "GET /v1/status HTTP/1.1\r\nHost: [::1]:7400\r\n",
        "\r\nGET /v1/status HTTP/1.1\r\nHost: x\r\n",
        "GET /v1/status HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n",
        "GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n",
    ])
    func `what is rare and right is answered`(request: String) async throws {
        try await TestDepot.run(replicas: 1) { depot in
            try await RawConnection.open(port: depot.http.port) { connection in
                try await connection.send(
                    request + "Authorization: bearer   \(TestDepot.token)\r\n\r\n")
                #expect(try await connection.message().map(\.status) == 200)
            }
        }
    }
}
