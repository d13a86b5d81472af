import DepotTestSupport
import Foundation
import Testing

extension CommandTests {
    /// Something that is no sound replica answers at a replica's address. Numbers near 2^64 ended the FileServer by a sum,
    /// lists without end filled its memory, and one sequence at the end of its type made the whole cluster read-only.
    @Suite struct HostileReplicas {
        private static let most = "18446744073709551615"

        private static func segment(_ number: Int, _ bytes: String, _ copies: String) -> String {
            """
            {"id":{"number":\(number),"nonce":\(number)},"bytes":\(bytes),"liveBytes":0,\
            "liveCopies":\(copies),"isSealed":true}
            """
        }

        /// What it says, at which path, and what is asked of the FileServer then.
        private static let lies: [(path: String, answer: String, ask: [String])] = [
            (
                "/r1/segments", "[\(segment(1, most, "1")),\(segment(2, most, "1"))]",
                ["verify", "--coverage"]
            ),
            (
                "/r1/segments",
                "[\(segment(1, "1152921504606846976", "9007199254740992")),"
                    + "\(segment(2, "1152921504606846976", "9007199254740992"))]",
                ["verify", "--coverage"]
            ),
            ("/r1/segments", "[\(segment(1, "1", "0"))]", ["verify", "--coverage"]),
            ("/r1/segments", "[\(segment(1, "1", most))]", ["collect", "--grace", "0s"]),
            ("/r1/inventory", String(repeating: "x", count: 1_000_000), ["verify", "--unpaced"]),
            ("/r1/scrub", "\u{1}", ["verify", "--unpaced"]),
        ]

        @Test func `whatever one replica answers, the others are served, and status tells of it`()
            async throws
        {
            let hostile = HostileReplica()
            try await hostile.run { port in
                try await Composition.with(
                    replicas: 2, serve: ["--replica", "fake=http://127.0.0.1:\(port)"]
                ) { depot in
                    for number in 0..<2 { try await depot.awaitReplica(number, "up") }
                    let bytes = testBytes(300_000, seed: 151)
                    _ = try await depot.deposit("file", bytes, level: 3)
                    for lie in Self.lies {
                        hostile.say(lie.answer, at: lie.path)
                        _ = try await depot.run(lie.ask)
                        #expect(try await depot.names() == ["file"], "\(lie)")
                    }
                    try await Self.expectTold(depot)
                    for (field, number) in [
                        ("freeBytes", Self.most), ("usedBytes", Self.most), ("chunks", Self.most),
                        ("opens", Self.most), ("segment", "4294967295"), ("capacity", "-1"),
                        ("highestSequence", "\"99999999-9999999999999999\""),
                    ] {
                        hostile.say(hostile.standing(with: field, as: number), at: "/r1/standing")
                        try await poll("the replica to be refused for its \(field)") {
                            let fake = try await Self.fake(depot)
                            return fake?.state == "refused"
                                && fake?.problem?.contains("misbehaving") == true
                        }
                        _ = try await depot.run(["simulate", "--lose", "r0"])
                    }
                    _ = try await depot.deposit("more", bytes, level: 2)
                    #expect(try await depot.retrieve("more").bytes == bytes)
                    #expect(try await depot.retrieve("file").bytes == bytes)
                }
            }
        }

        private static func fake(_ depot: Composition) async throws -> Status.Replica? {
            try await depot.client(["status"], as: Status.self).replicas.first { $0.name == "fake" }
        }

        private static func expectTold(_ depot: Composition) async throws {
            let problem = try await fake(depot)?.problem ?? ""
            #expect(problem.contains("misbehaving: it answered"), "\(problem)")
            #expect(problem.contains("used for nothing"), "\(problem)")
        }
    }
}
