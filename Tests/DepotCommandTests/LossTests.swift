import Foundation
import Testing

extension CommandTests {
    @Suite struct Losses {
        @Test func `with two of five replicas gone, three copies are made`() async throws {
            try await Composition.with(replicas: 5) { depot in
                for number in [1, 3] { try await depot.stopReplica(number, SIGKILL) }
                let bytes = testBytes(6_000_000, seed: 71)
                let receipt = try await depot.deposit("file", bytes, level: 3, ["--require-all"])
                #expect(receipt.copies == 3 && !receipt.degraded)
                #expect(try await depot.info("file").chunks.allSatisfy { $0.good.count == 3 })
                #expect(try await depot.retrieve("file").bytes == bytes)
            }
        }

        @Test func `with two of five gone, level 4 is degraded, or refused if all are required`()
            async throws
        {
            try await Composition.with(replicas: 5) { depot in
                for number in [0, 3] { try await depot.stopReplica(number, SIGKILL) }
                let bytes = testBytes(6_000_000, seed: 72)
                let path = try depot.write(bytes)
                let refused = try await depot.failure(
                    ["deposit", path, "4", "--as", "strict", "--require-all"])
                #expect(refused.status == 5 && refused.error.code == "notEnoughReplicas")
                #expect(try await depot.names().isEmpty)

                let receipt = try await depot.deposit("file", bytes, level: 4)
                #expect(receipt.degraded && receipt.copies == 3 && receipt.level == 4)
                let said = try await depot.run(["deposit", path, "4", "--as", "said"])
                #expect(said.status == 0 && said.text.contains("DEGRADED: 3 of 4 copies"))
                #expect(try await depot.info("file").degraded)
                let status = try await depot.client(["status"], as: Status.self)
                #expect(status.underReplicated > 0)
                #expect(try await depot.names() == ["file", "said"])

                try await depot.startReplica(0)
                try await depot.awaitReplica(0, "up")
                _ = try await depot.client(
                    ["change-replication", "file", "4"], as: LevelChange.self)
                let info = try await depot.info("file")
                #expect(!info.degraded && info.chunks.allSatisfy { $0.good.count == 4 })
                #expect(try await depot.retrieve("file").bytes == bytes)
            }
        }

        /// Fewer than half of the members cannot vouch for a commit, at whatever level.
        @Test func `with three of five gone, nothing is acknowledged and everything is read`()
            async throws
        {
            try await Composition.with(replicas: 5) { depot in
                let bytes = testBytes(6_000_000, seed: 73)
                _ = try await depot.deposit("file", bytes, level: 5)
                for number in [0, 1, 3] {
                    try await depot.stopReplica(number, SIGKILL)
                    try await depot.awaitReplica(number, "down")
                }
                let path = try depot.write(bytes)
                for level in ["1", "3"] {
                    let refused = try await depot.failure(["deposit", path, level, "--as", "x"])
                    #expect(refused.status == 5 && refused.error.code == "notEnoughReplicas")
                }
                #expect(try await depot.names() == ["file"])
                #expect(try await depot.retrieve("file").bytes == bytes)
            }
        }
    }
}
