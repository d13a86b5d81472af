import Foundation
import Testing

extension CommandTests {
    /// Somebody removes a replica's segments while it runs.
    @Suite struct VanishedSegments {
        /// Segments are sealed when their replica is started again.
        @Test(arguments: [false, true])
        func `verify misses what was removed under a running replica, and has it made again`(
            sealed: Bool
        ) async throws {
            try await Composition.with(replicas: 3, serve: ["--repair-period", "1h"]) { depot in
                let bytes = testBytes(5_000_000, seed: 111)
                _ = try await depot.deposit("some/file", bytes)
                if sealed { try await depot.restartReplica(1) }
                let held = try await depot.goodChunks(of: "some/file", onReplica: 1)
                let segments = "\(depot.replicaFolder(1))/segments"
                for segment in try FileManager.default.contentsOfDirectory(atPath: segments) {
                    try FileManager.default.removeItem(atPath: "\(segments)/\(segment)")
                }
                let first = try await depot.verify(["--unpaced"])
                #expect(first.exitCode == 1, "\(first)")
                let found = first.verification.problems
                #expect(found.allSatisfy { $0.replica == "r1" && $0.isRepaired }, "\(found)")
                let missing = found.filter { $0.kind == "missing" && $0.object?.kind == "chunk" }
                #expect(Set(missing.compactMap(\.object?.hash)) == held, "\(found)")
                #expect(missing.count == held.count)
                #expect(missing.allSatisfy { $0.files == ["some/file"] })
                let second = try await depot.verify(["--unpaced"])
                #expect(second.exitCode == 0 && second.verification.problems.isEmpty, "\(second)")
                #expect(try await depot.info("some/file").degraded == false)
                // In files that have a name.
                #expect(try depot.segmentBytes(ofReplica: 1) >= bytes.count)
                #expect(try await depot.retrieve("some/file").bytes == bytes)
            }
        }
    }
}
