import Foundation
import Testing

extension CommandTests {
    @Suite struct Levels {
        @Test func `a level changes up and down, and info is true each time`() async throws {
            try await Composition.with(replicas: 5) { depot in
                let bytes = testBytes(9_000_000, seed: 31)
                _ = try await depot.deposit("file", bytes)
                var level = 3
                for next in [4, 1, 3] {
                    let change = try await depot.client(
                        ["change-replication", "file", "\(next)"], as: LevelChange.self)
                    #expect(change.from == level && change.to == next)
                    level = next
                    let info = try await depot.info("file")
                    #expect(info.level == level && !info.degraded)
                    for chunk in info.chunks {
                        #expect(chunk.target == level && chunk.good.count == level)
                        #expect(Set(chunk.good).count == level)
                    }
                    let (back, report) = try await depot.retrieve("file")
                    #expect(back == bytes && report.badCopies.isEmpty)
                }
            }
        }

        @Test func `a plan changes nothing`() async throws {
            try await Composition.with(replicas: 4) { depot in
                _ = try await depot.deposit("file", testBytes(3_000_000, seed: 32), level: 2)
                let plan = try await depot.client(
                    ["change-replication", "file", "4", "--plan"], as: LevelChange.self)
                let chunks = try await depot.info("file").chunks
                #expect(plan.copied == 2 * chunks.count)
                #expect(chunks.allSatisfy { $0.good.count == 2 && $0.target == 2 })
            }
        }

        @Test func `a level that cannot be is refused`() async throws {
            try await Composition.with(replicas: 3) { depot in
                _ = try await depot.deposit("file", testBytes(10_000, seed: 33))
                let path = try depot.write(testBytes(10_000, seed: 34))
                for (level, status) in [("0", 64), ("33", 64), ("x", 64), ("4", 5)] {
                    let deposit = try await depot.failure(["deposit", path, level, "--as", "new"])
                    #expect(deposit.status == status, "\(level): \(deposit.error.message)")
                    let change = try await depot.failure(["change-replication", "file", level])
                    #expect(change.status == status, "\(level): \(change.error.message)")
                }
                #expect(try await depot.names() == ["file"])
                #expect(try await depot.info("file").level == 3)
            }
        }
    }
}
