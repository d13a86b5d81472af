import DepotCore
import DepotTestSupport
import DepotWire
import NIOCore
import NIOHTTP1
import Testing

/// What a request says of its conditions is obeyed or refused: RFC 9110, sections 13 and 14.
@Suite(.timeLimit(.minutes(1))) struct ConditionTests {
    static let past = "Sat, 01 Jan 2000 00:00:00 GMT"
    static let future = "Fri, 01 Jan 2100 00:00:00 GMT"

    struct Case: Sendable {
        let headers: [(String, String)]
        let get: Int
        let put: Int
        let delete: Int

        init(_ headers: [(String, String)], get: Int, put: Int, delete: Int) {
            self.headers = headers
            self.get = get
            self.put = put
            self.delete = delete
        }
    }

    /// `TAG` stands for the tag of the file as it is.
    static let cases = [
        Case([("If-Match", "TAG")], get: 200, put: 201, delete: 204),
        Case([("If-Match", "*")], get: 200, put: 201, delete: 204),
        Case([("If-Match", "\"0\", TAG")], get: 200, put: 201, delete: 204),
        Case([("If-Match", "\"0\"")], get: 412, put: 412, delete: 412),
        Case([("If-Match", "W/TAG")], get: 412, put: 412, delete: 412),
        Case([("If-Match", "none")], get: 400, put: 400, delete: 400),
        Case([("If-None-Match", "TAG")], get: 304, put: 412, delete: 412),
        Case([("If-None-Match", "W/TAG")], get: 304, put: 412, delete: 412),
        Case([("If-None-Match", "*")], get: 304, put: 412, delete: 412),
        Case([("If-None-Match", "\"0\"")], get: 200, put: 201, delete: 204),
        Case([("If-None-Match", "")], get: 400, put: 400, delete: 400),
        Case([("If-Modified-Since", past)], get: 200, put: 201, delete: 204),
        Case([("If-Modified-Since", future)], get: 304, put: 201, delete: 204),
        Case([("If-Modified-Since", "yesterday")], get: 200, put: 201, delete: 204),
        Case([("If-Unmodified-Since", past)], get: 412, put: 412, delete: 412),
        Case([("If-Unmodified-Since", future)], get: 200, put: 201, delete: 204),
        // The tag says more than the date, and what may be done is asked before what is new.
        Case(
            [("If-Match", "TAG"), ("If-Unmodified-Since", past)], get: 200, put: 201, delete: 204),
        Case(
            [("If-None-Match", "\"0\""), ("If-Modified-Since", future)], get: 200, put: 201,
            delete: 204),
        Case([("If-Match", "\"0\""), ("If-None-Match", "TAG")], get: 412, put: 412, delete: 412),
        Case([("If-Match", "TAG"), ("If-None-Match", "TAG")], get: 304, put: 412, delete: 412),
    ]

    @Test(arguments: cases)
    func `a condition decides what is read and what is changed`(of one: Case) async throws {
        try await TestDepot.run(replicas: 1) { depot in
            let old = ByteBuffer(string: "old")
            let put = try await depot.http.call(.PUT, "/v1/files/f?level=1", body: [old])
            let tag = "\"\(try put.json(ReceiptBody.self).manifest.hex)\""
            let headers = one.headers.map {
                (
                    $0.0,
                    $0.1.split(separator: "TAG", omittingEmptySubsequences: false)
                        .joined(separator: tag)
                )
            }
            for method in [HTTPMethod.GET, .HEAD] {
                let read = try await depot.http.call(
                    method, "/v1/files/f/content", headers: headers)
                #expect(read.status == one.get, "\(method)")
            }
            let written = try await depot.http.call(
                .PUT, "/v1/files/f?level=1", headers: headers, body: [ByteBuffer(string: "new")])
            #expect(written.status == one.put)
            let content = try await depot.content("f").body
            #expect(content == (one.put == 201 ? ByteBuffer(string: "new") : old))
            _ = try await depot.http.call(.PUT, "/v1/files/f?level=1", body: [old])
            let deleted = try await depot.http.call(.DELETE, "/v1/files/f", headers: headers)
            #expect(deleted.status == one.delete)
            #expect(try await depot.content("f").status == (one.delete == 204 ? 404 : 200))
        }
    }

    @Test func `a name that is free is asked for by a star`() async throws {
        try await TestDepot.run(replicas: 1) { depot in
            func put(_ header: (String, String)) async throws -> Int {
                try await depot.http.call(
                    .PUT, "/v1/files/f?level=1", headers: [header],
                    body: [ByteBuffer(string: "x")]
                ).status
            }
            #expect(try await put(("If-Match", "*")) == 412)
            #expect(try await put(("If-None-Match", "*")) == 201)
            #expect(try await put(("If-None-Match", "*")) == 412)
            let missing = try await depot.http.call(
                .DELETE, "/v1/files/g", headers: [("If-Match", "*")])
            #expect(missing.status == 404)
        }
    }

    /// `curl -C 5000 -T` left 5,000 of 10,000 bytes.
    @Test func `a part of a file replaces nothing`() async throws {
        try await TestDepot.run(replicas: 1) { depot in
            let whole = ByteBuffer(repeating: 7, count: 10_000)
            _ = try await depot.http.call(.PUT, "/v1/files/f?level=1", body: [whole])
            let part = try await depot.http.call(
                .PUT, "/v1/files/f?level=1",
                headers: [("Content-Range", "bytes 5000-9999/10000")],
                body: [ByteBuffer(repeating: 7, count: 5_000)])
            #expect(part.status == 400)
            #expect(try await depot.content("f").body == whole)
        }
    }

    /// Both looked, both saw what they wanted, and the second took back what the first had been told was done.
    @Test func `of many that want a free name one gets it`() async throws {
        try await TestDepot.run(replicas: 1) { depot in
            let statuses = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
                for number in 0..<6 {
                    group.addTask {
                        let answer = try await depot.http.call(
                            .PUT, "/v1/files/f?level=1", headers: [("If-None-Match", "*")],
                            body: [ByteBuffer(string: "\(number)")])
                        return (number, answer.status)
                    }
                }
                return try await group.reduce(into: [Int: Int]()) { $0[$1.0] = $1.1 }
            }
            let winners = statuses.filter { $0.value == 201 }.keys
            #expect(winners.count == 1)
            #expect(statuses.values.filter { $0 == 412 }.count == 5)
            let content = try await depot.content("f").body
            #expect(String(buffer: content) == winners.first.map(String.init))
        }
    }
}
