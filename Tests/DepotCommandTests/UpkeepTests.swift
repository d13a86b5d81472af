import Foundation
import Testing

extension CommandTests {
    /// Collection, receipts, and members that come and go.
    @Suite struct Upkeep {
        @Test func `collection gives the disk back, and takes nothing that is used`() async throws {
            try await Composition.with(
                replicas: 3,
                serve: [
                    "--collection-grace", "0s", "--deposit-lease", "1s", "--keep-versions", "0s",
                ]
            ) { depot in
                let kept = testBytes(2_000_000, seed: 111)
                _ = try await depot.deposit("kept", kept)
                _ = try await depot.deposit("gone", testBytes(6_000_000, seed: 112))
                for number in 0..<3 { try await depot.restartReplica(number) }
                let before = try depot.segmentBytes(ofReplica: 0)
                #expect(try await depot.run(["delete", "gone"]).status == 0)
                let plan = try await depot.client(["collect", "--plan"], as: Collected.self)
                #expect(plan.deletedCopies == 0 && plan.plan.unusedChunks > 0)
                var deleted = 0
                try await poll("the space of a deleted file") {
                    deleted += try await depot.client(["collect"], as: Collected.self)
                        .deletedCopies
                    return try depot.segmentBytes(ofReplica: 0) < before - 5_000_000
                }
                #expect(deleted > 0)
                #expect(try await depot.retrieve("kept").bytes == kept)
                #expect(try await depot.verify(["--unpaced"]).exitCode == 0)
            }
        }

        @Test func `a drained replica is forgotten, and another one takes its address`()
            async throws
        {
            try await Composition.with(replicas: 4) { depot in
                let bytes = testBytes(4_000_000, seed: 113)
                _ = try await depot.deposit("file", bytes)
                let old = try await depot.id(ofReplica: 2)
                let early = try await depot.failure(["forget", "r2"])
                #expect(early.status == 4 && early.error.message.contains("depot drain r2"))
                let drained = try await depot.client(["drain", "r2"], as: Drained.self)
                #expect(drained.isSafeToRemove && drained.drain.state == "drained")
                let forgotten = try await depot.client(["forget", "r2"], as: Forgotten.self)
                #expect(forgotten.members == 3 && forgotten.lostFiles == 0)
                // What it holds is not let in again.
                try await depot.restartReplica(2, awaiting: "refused")
                try await depot.stopReplica(2, SIGTERM)
                try await depot.startReplica(2, folder: "\(depot.folder)/new-disk")
                try await depot.awaitReplica(2, "up")
                #expect(try await depot.id(ofReplica: 2) != old)
                // The level may be there before the copies: whoever did not answer lately gets none at first.
                try await poll("a fourth copy of each chunk") {
                    _ = try await depot.client(
                        ["change-replication", "file", "4"], as: LevelChange.self)
                    return try await depot.info("file").chunks.allSatisfy { $0.good.count == 4 }
                }
                #expect(try await depot.retrieve("file").bytes == bytes)
            }
        }

        @Test func `a level that changes while a replica is emptied is kept`() async throws {
            try await Composition.with(replicas: 5) { depot in
                let bytes = testBytes(4_000_000, seed: 114)
                _ = try await depot.deposit("file", bytes, level: 2)
                let change = try depot.start(["change-replication", "file", "4", "--json"])
                let drain = try depot.start(["drain", "r0", "--json"])
                #expect(try await change.outcome().status == 0)
                #expect(try await drain.outcome().status == 0)
                let drained = try await depot.id(ofReplica: 0)
                let chunks = try await depot.info("file").chunks
                #expect(chunks.allSatisfy { Set($0.good).subtracting([drained]).count == 4 })
                #expect(try await depot.run(["forget", "r0"]).status == 0)
                #expect(try await depot.retrieve("file").bytes == bytes)
            }
        }

        @Test func `a simulation tells what would be lost, and changes nothing`() async throws {
            try await Composition.with(replicas: 3) { depot in
                _ = try await depot.deposit("two", testBytes(10_000, seed: 115), level: 2)
                _ = try await depot.deposit("three", testBytes(10_000, seed: 116), level: 3)
                let one = try await depot.client(["simulate", "--lose", "r0"], as: Simulated.self)
                #expect(one.unreadableFiles == 0)
                let all = try await depot.client(
                    ["simulate", "--lose", "r0", "r1", "r2"], as: Simulated.self)
                #expect(all.unreadableFiles == 2)
                #expect(try await depot.verify(["--unpaced"]).exitCode == 0)
                #expect(try await depot.failure(["simulate", "--lose", "r9"]).status == 3)
                #expect(try await depot.failure(["simulate"]).status == 64)
            }
        }

        @Test func `a receipt is proved, and no more when its copies are bad`() async throws {
            try await Composition.with(replicas: 3, serve: ["--repair-period", "1h"]) { depot in
                let file = "\(depot.folder)/files/receipt"
                let receipt = try await depot.deposit(
                    "file", testBytes(2_000_000, seed: 117), level: 3, ["--receipt", file])
                let proof = try await depot.client(["verify", "--receipt", file], as: Proof.self)
                #expect(proof.proved && proof.receipts.first?.copiesNow == 3)
                try await depot.damageChunks(ofReplica: 1, sparing: receipt.manifest)
                let broken = try await depot.run(["verify", "--receipt", file, "--json"])
                #expect(broken.status == 2)
                let short = try JSONDecoder().decode(Proof.self, from: broken.output)
                #expect(!short.proved && short.receipts.first?.copiesNow == 2, "\(short)")
                for path in ["/nowhere/at/all", depot.replicaFolder(0) + "/depot-replica.json"] {
                    let (status, error) = try await depot.failure(["verify", "--receipt", path])
                    #expect([3, 64].contains(status) && error.object == path)
                }
            }
        }
    }
}

extension Composition {
    func restartReplica(_ number: Int, awaiting state: String = "up") async throws {
        try await stopReplica(number, SIGTERM)
        try await startReplica(number)
        try await awaitReplica(number, state)
    }

    /// What its segments take on the disk.
    func segmentBytes(ofReplica number: Int) throws -> Int {
        let folder = "\(replicaFolder(number))/segments"
        return try FileManager.default.contentsOfDirectory(atPath: folder).reduce(0) { sum, name in
            var status = stat()
            return stat("\(folder)/\(name)", &status) == 0 ? sum + Int(status.st_size) : sum
        }
    }
}
