import Foundation
import Testing

extension CommandTests {
    @Suite struct HTTP {
        @Test func `curl deposits, retrieves a part, asks again, and deletes`() async throws {
            try await Composition.with(replicas: 3) { depot in
                let bytes = testBytes(7_000_000, seed: 61)
                let path = try depot.write(bytes)
                let put = try await depot.curl("photos/%C3%A4.jpg?level=2", ["-T", path])
                #expect((200...201).contains(put.status), "\(put.text)")
                let receipt = try JSONDecoder().decode(Receipt.self, from: put.body)
                #expect(receipt.level == 2 && receipt.copies == 2 && receipt.name == "photos/ä.jpg")
                #expect(try await depot.retrieve("photos/ä.jpg").bytes == bytes)

                let content = "photos/%C3%A4.jpg/content"
                let whole = try await depot.curl(content, [])
                #expect(whole.status == 200 && whole.body == bytes)
                let tag = try #require(whole.headers["etag"])

                for (range, expected) in [
                    ("0-0", 0..<1), ("1000000-2999999", 1_000_000..<3_000_000),
                    ("6999990-", 6_999_990..<7_000_000), ("-10", 6_999_990..<7_000_000),
                ] {
                    let part = try await depot.curl(content, ["-r", range])
                    #expect(part.status == 206 && part.body == bytes[expected], "\(range)")
                    let last = expected.upperBound - 1
                    #expect(
                        part.headers["content-range"]
                            == "bytes \(expected.lowerBound)-\(last)/7000000")
                }
                #expect(try await depot.curl(content, ["-r", "7000000-"]).status == 416)

                let head = try await depot.curl(content, ["-I"])
                #expect(head.status == 200 && head.headers["content-length"] == "7000000")
                #expect(head.headers["etag"] == tag)
                let again = try await depot.curl(content, ["-H", "If-None-Match: \(tag)"])
                #expect(again.status == 304 && again.body.isEmpty)

                let deleted = try await depot.curl("photos/%C3%A4.jpg", ["-X", "DELETE"])
                #expect(deleted.status == 204)
                #expect(try await depot.curl(content, []).status == 404)
            }
        }
    }
}
