import Foundation
import Testing

extension CommandTests {
    @Suite struct Sharing {
        @Test func `the same bytes cost no chunk, and bytes inserted cost a few`() async throws {
            try await Composition.with(replicas: 3) { depot in
                let bytes = testBytes(24_000_000, seed: 21)
                let first = try await depot.deposit("first", bytes)
                #expect(first.newChunks == first.chunks && first.newBytes == bytes.count)

                let second = try await depot.deposit("second", bytes)
                #expect(second.newChunks == 0 && second.newBytes == 0)
                #expect(second.sharedBytes == bytes.count)
                #expect(second.manifest == first.manifest)

                var longer = bytes
                longer.insert(contentsOf: testBytes(1_024, seed: 22), at: bytes.count / 2)
                let third = try await depot.deposit("third", longer)
                #expect((1...4).contains(third.newChunks), "\(third.newChunks) of \(third.chunks)")
                #expect(try await depot.retrieve("third").bytes == longer)
            }
        }

        @Test(arguments: ["delete", "lower"])
        func `shared chunks have the copies of the file that wants most`(how: String) async throws {
            try await Composition.with(replicas: 5) { depot in
                let shared = testBytes(12_000_000, seed: 23)
                let (low, high) = (shared + testBytes(2_000_000, seed: 24), shared)
                _ = try await depot.deposit("low", low, level: 2)
                _ = try await depot.deposit("high", high, level: 4)
                let together = try await depot.info("low").chunks
                let pinned = Set(try await depot.info("high").chunks.map(\.id))
                #expect(together.filter { pinned.contains($0.id) }.count > 3)
                for chunk in together {
                    let expected = pinned.contains(chunk.id) ? 4 : 2
                    #expect(chunk.target == expected && chunk.good.count == expected)
                }

                if how == "delete" {
                    #expect(try await depot.run(["delete", "--purge", "high"]).status == 0)
                } else {
                    _ = try await depot.client(
                        ["change-replication", "high", "2"], as: LevelChange.self)
                }
                let after = try await depot.info("low")
                #expect(!after.degraded && after.chunks.allSatisfy { $0.target == 2 })
                // A file that goes takes its wish with it; copies are dropped by a level change.
                if how == "lower" { #expect(after.chunks.allSatisfy { $0.good.count == 2 }) }
                #expect(try await depot.retrieve("low").bytes == low)
            }
        }
    }
}
