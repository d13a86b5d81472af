import Foundation
import Testing

extension CommandTests {
    /// `depot verify` on damaged disks of running daemons.
    @Suite struct Verifying {
        /// What can happen to the segments of one replica.
        enum Damage: String, CaseIterable {
            case flippedInOpenSegment
            case flippedInSealedSegment
            case deletedSegment
            case wipedFolder
            /// Asked for by its name, the record is absent; it lies in the way all the same.
            case flippedHeaderOfRecord
        }

        @Test(arguments: Damage.allCases)
        func `verify finds damage, names it and repairs it, and finds nothing the second time`(
            damage: Damage
        ) async throws {
            // A record lies on three replicas; that of the damage is to be one of them.
            let count = damage == .flippedHeaderOfRecord ? 3 : 4
            try await Composition.with(replicas: count) { depot in
                let bytes = testBytes(5_000_000, seed: 101)
                let receipt = try await depot.deposit("some/file", bytes)
                // A segment is sealed when its replica is started again.
                if damage == .flippedInSealedSegment { try await depot.restartReplica(1) }
                let held = try await depot.goodChunks(of: "some/file", onReplica: 1)
                let segments = "\(depot.replicaFolder(1))/segments"
                switch damage {
                case .flippedInOpenSegment, .flippedInSealedSegment:
                    try await depot.damageChunks(ofReplica: 1, sparing: receipt.manifest)
                case .flippedHeaderOfRecord:
                    try depot.damageRecordHeaders(ofReplica: 1)
                case .deletedSegment:
                    try await depot.stopReplica(1, SIGTERM)
                    try FileManager.default.removeItem(atPath: "\(segments)/00000001.tar")
                case .wipedFolder:
                    try await depot.stopReplica(1, SIGTERM)
                    for segment in try FileManager.default.contentsOfDirectory(atPath: segments) {
                        try FileManager.default.removeItem(atPath: "\(segments)/\(segment)")
                    }
                }
                if damage == .deletedSegment || damage == .wipedFolder {
                    try await depot.startReplica(1)
                    try await depot.awaitReplica(1, "up")
                }
                let first = try await depot.verify(["--unpaced"])
                #expect(first.exitCode == 1, "\(first)")
                let found = first.verification.problems
                #expect(found.count == first.verification.problemCount)
                #expect(found.allSatisfy { $0.replica == "r1" && $0.isRepaired }, "\(found)")
                let damaged = Set(
                    found.filter { $0.object?.kind == "chunk" }.compactMap(\.object?.hash))
                if damage == .flippedHeaderOfRecord {
                    #expect(damaged.isEmpty && found.contains { $0.object?.kind == "record" })
                } else {
                    #expect(damaged.isSuperset(of: held.subtracting([receipt.manifest])))
                }
                for problem in found where problem.object != nil {
                    #expect(problem.files == ["some/file"], "\(problem)")
                    if problem.kind == "corrupt" { #expect(problem.segment == 1) }
                }
                let second = try await depot.verify(["--unpaced"])
                #expect(second.exitCode == 0, "\(second)")
                #expect(second.verification.problems.isEmpty)
                let info = try await depot.info("some/file")
                #expect(!info.degraded)
                // What was repaired is there without the others.
                #expect(try await depot.retrieve("some/file").bytes == bytes)
            }
        }

        @Test func `without repair verify tells of the damage again and again`() async throws {
            try await Composition.with(replicas: 3, serve: ["--repair-period", "1h"]) { depot in
                let receipt = try await depot.deposit("file", testBytes(3_000_000, seed: 102))
                try await depot.damageChunks(ofReplica: 0, sparing: receipt.manifest)
                for _ in 0..<2 {
                    let report = try await depot.verify(["--unpaced", "--no-repair"])
                    #expect(report.exitCode == 2 && report.verification.problemCount > 0)
                    #expect(report.verification.repairedCount == 0)
                }
                let said = try await depot.run(["verify", "--unpaced"])
                #expect(said.status == 1, "\(said.text)")
                #expect(said.text.contains("on r0 in segment 1 of file"), "\(said.text)")
                #expect(said.text.contains("all that was found is repaired"))
            }
        }

        @Test func `with all copies bad verify ends with 2, and retrieve names file and offset`()
            async throws
        {
            try await Composition.with(replicas: 3) { depot in
                let receipt = try await depot.deposit("file", testBytes(3_000_000, seed: 103))
                for number in 0..<3 {
                    try await depot.damageChunks(ofReplica: number, sparing: receipt.manifest)
                }
                let report = try await depot.verify(["--unpaced"])
                #expect(report.exitCode == 2 && report.verification.unreadable > 0, "\(report)")
                let said = try await depot.run(["verify", "--unpaced"])
                #expect(said.status == 2 && said.text.contains("of them with none"), "\(said.text)")
                let path = depot.newPath()
                let (status, error) = try await depot.failure(["retrieve", "file", "-o", path])
                #expect(status == 2 && error.code == "noGoodCopy")
                #expect(error.object == "file" && error.message.contains("at byte 0"), "\(error)")
                #expect(try depot.filesBeside(path).isEmpty)

                // Sent again, it is whole again.
                let bytes = testBytes(3_000_000, seed: 103)
                #expect(try await depot.deposit("file", bytes).newChunks > 0)
                #expect(try await depot.retrieve("file").bytes == bytes)
            }
        }

        @Test func `verify reads one replica, leaves out what was read lately, and tells coverage`()
            async throws
        {
            try await Composition.with(replicas: 3) { depot in
                _ = try await depot.deposit("file", testBytes(2_000_000, seed: 104))
                for number in 0..<3 { try await depot.restartReplica(number) }
                let one = try await depot.verify(["--unpaced", "--replica", "r2"])
                #expect(one.verification.replicas.map(\.name) == ["r2"] && one.exitCode == 0)
                let coverage = try await depot.client(["verify", "--coverage"], as: Coverage.self)
                #expect(coverage.replicas.map(\.name) == ["r0", "r1", "r2"])
                for replica in coverage.replicas {
                    #expect(replica.copies > 0)
                    #expect(replica.checkedCopies == (replica.name == "r2" ? replica.copies : 0))
                    #expect((replica.oldestDays != nil) == (replica.name == "r2"))
                }
                let rest = try await depot.verify(["--unpaced", "--max-age", "1d"])
                for replica in rest.verification.replicas {
                    #expect((replica.copies > 0) == (replica.name != "r2"), "\(rest)")
                }
                let (status, error) = try await depot.failure(["verify", "--replica", "r9"])
                #expect(status == 3 && error.object == "r9")
            }
        }

        @Test func `a stopped replica's folder is checked without any server`() async throws {
            try await Composition.with(replicas: 3) { depot in
                let receipt = try await depot.deposit("file", testBytes(2_000_000, seed: 105))
                let folder = depot.replicaFolder(0)
                let running = try await depot.failure(["verify", "--store", folder])
                #expect(running.status == 4 && running.error.object == folder)
                try await depot.stopReplica(0, SIGTERM)
                try await depot.stopServer(SIGTERM)
                let alone = ["DEPOT_SERVER": "", "DEPOT_TOKEN": ""]
                let clean = try await depot.run(["verify", "--store", folder], environment: alone)
                #expect(clean.status == 0 && clean.text.hasSuffix("clean\n"), "\(clean.text)")
                try await depot.damageChunks(ofReplica: 0, sparing: receipt.manifest)
                let damaged = try await depot.run(
                    ["verify", "--store", folder], environment: alone)
                #expect(damaged.status == 2 && damaged.text.contains("corrupt chunk"))
                let wrong = [(depot.folder, Int32(3)), ("/nowhere/at/all", 3)]
                for (path, status) in wrong {
                    #expect(try await depot.failure(["verify", "--store", path]).status == status)
                }
            }
        }

        @Test(arguments: [
            ["--budget", "20"], ["--budget=-5m"], ["--max-age", "soon"],
            ["--coverage", "--unpaced"], ["--store", "x", "--receipt", "y"],
        ])
        func `what verify cannot do is refused at once`(options: [String]) async throws {
            try await Composition.with(replicas: 1) { depot in
                let (status, error) = try await depot.failure(["verify"] + options)
                #expect(status == 64 && error.code == "invalidArgument", "\(error.message)")
            }
        }
    }
}

extension Composition {
    /// Chunks of a file that a replica is known to hold.
    func goodChunks(of name: String, onReplica number: Int) async throws -> Set<String> {
        let replica = try await id(ofReplica: number)
        return Set(try await info(name).chunks.filter { $0.good.contains(replica) }.map(\.id))
    }
}
