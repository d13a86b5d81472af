import Foundation
import Testing

extension CommandTests {
    /// What a request is called in all logs.
    @Suite struct Traces {
        private struct Event: Decodable {
            let id: String?
            let what: String
        }

        private static func lines(_ log: String, of id: String) -> [Substring] {
            log.split(separator: "\n").filter { $0.contains(" request-id=\(id) ") }
        }

        @Test func `a request has one id in its answer, in all logs and in the audit`() async throws
        {
            let audit = "\(NSTemporaryDirectory())/depot-audit-\(UUID().uuidString)"
            defer { try? FileManager.default.removeItem(atPath: audit) }
            try await Composition.with(replicas: 3, serve: ["--audit", audit]) { depot in
                let path = try depot.write(testBytes(300_000, seed: 1))
                let put = try await depot.curl(
                    "traced?level=3", ["-T", path, "-H", "X-Request-ID: ticket-4711"])
                #expect(put.status == 201)
                #expect(put.headers["x-request-id"] == "ticket-4711")
                #expect(try !Self.lines(depot.serverLog(), of: "ticket-4711").isEmpty)
                for number in 0..<3 {
                    let lines = Self.lines(try depot.log(ofReplica: number), of: "ticket-4711")
                    #expect(lines.contains { $0.contains("/r1/objects") }, "replica \(number)")
                }
                let events = try String(contentsOfFile: audit, encoding: .utf8)
                    .split(separator: "\n").map {
                        try JSONDecoder().decode(Event.self, from: Data($0.utf8))
                    }
                #expect(events.map(\.id) == ["ticket-4711"])
                // The next one on the same connection is somebody else's.
                let next = try await depot.curl("traced/info", [])
                let id = try #require(next.headers["x-request-id"])
                #expect(id != "ticket-4711")
                #expect(try !Self.lines(depot.serverLog(), of: id).isEmpty)
            }
        }

        @Test(arguments: ["two words", "a=b", "\u{1B}[2J", String(repeating: "a", count: 65)])
        func `an id that would confuse a log is replaced`(id: String) async throws {
            try await Composition.with(replicas: 1) { depot in
                let answer = try await depot.curl("nothing/info", ["-H", "X-Request-ID: \(id)"])
                // Control characters are refused before.
                guard answer.status != 400 else { return }
                #expect(answer.status == 404)
                #expect(answer.headers["x-request-id"].map { $0 != id } == true)
                #expect(try !depot.serverLog().contains(id))
            }
        }
    }
}
