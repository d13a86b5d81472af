import Foundation
import Testing

extension CommandTests {
    /// `depot rebuild-catalog`, and what happens to those who come with something old.
    @Suite struct Rebuilding {
        private func rebuild(
            _ depot: Composition, without left: Set<Int> = [], _ options: [String] = []
        ) async throws -> Rebuilt {
            try await depot.client(
                ["rebuild-catalog", "--data", "\(depot.folder)/server"]
                    + depot.replicaOptions(without: left) + options, as: Rebuilt.self)
        }

        private struct Identity: Decodable {
            struct Membership: Decodable { let members: [String] }
            let membership: Membership?
        }

        /// Replicas learn of each other after they were let in, one by one.
        private func awaitMemberLists(_ depot: Composition, count: Int) async throws {
            try await poll("all replicas know all members") {
                try (0..<count).allSatisfy { number in
                    let path = "\(depot.replicaFolder(number))/depot-replica.json"
                    let data = try Data(contentsOf: URL(fileURLWithPath: path))
                    let identity = try JSONDecoder().decode(Identity.self, from: data)
                    return identity.membership?.members.count == count
                }
            }
        }

        @Test func `a catalog that was deleted is made again from the replicas`() async throws {
            try await Composition.with(replicas: 3) { depot in
                let bytes = testBytes(3_000_000, seed: 121)
                let receipt = try await depot.deposit("some/file", bytes, level: 2)
                try await awaitMemberLists(depot, count: 3)
                _ = try await depot.deposit("gone", testBytes(5_000, seed: 122))
                #expect(try await depot.run(["delete", "gone"]).status == 0)
                let running = try await depot.failure(
                    ["rebuild-catalog", "--data", "\(depot.folder)/server"]
                        + depot.replicaOptions())
                #expect(running.status == 4, "\(running.error)")
                try await depot.stopServer(SIGKILL)
                try FileManager.default.removeItem(atPath: "\(depot.folder)/server")
                let rebuilt = try await rebuild(depot)
                #expect(rebuilt.isComplete && rebuilt.report.files == 1)
                #expect(rebuilt.report.tombstones == 1 && rebuilt.movedAside == nil)
                try await depot.startServer()
                #expect(try await depot.names() == ["some/file"])
                let info = try await depot.info("some/file")
                #expect(info.level == 2 && info.manifest == receipt.manifest)
                #expect(try await depot.retrieve("some/file").bytes == bytes)
                let again = try await depot.deposit("again", bytes, level: 2)
                #expect(again.newChunks == 0 && again.sequence > receipt.sequence)
                #expect(try await depot.verify(["--unpaced"]).exitCode == 0)
            }
        }

        @Test func `rebuilt without a replica, nothing is collected until it is back`()
            async throws
        {
            try await Composition.with(replicas: 4) { depot in
                let bytes = testBytes(3_000_000, seed: 123)
                _ = try await depot.deposit("file", bytes)
                try await awaitMemberLists(depot, count: 4)
                try await depot.stopServer(SIGTERM)
                try await depot.stopReplica(3, SIGKILL)
                try FileManager.default.removeItem(atPath: "\(depot.folder)/server")
                let refused = try await depot.failure(
                    ["rebuild-catalog", "--data", "\(depot.folder)/server"]
                        + depot.replicaOptions(without: [3]))
                #expect(refused.status == 5 && refused.error.message.contains("--accept-missing"))
                let rebuilt = try await rebuild(depot, without: [3], ["--accept-missing"])
                #expect(rebuilt.report.missing.count == 1 && rebuilt.report.files == 1)
                try await depot.startServer()
                #expect(try await depot.retrieve("file").bytes == bytes)
                #expect(try await depot.failure(["collect"]).status == 4)
                try await depot.startReplica(3)
                try await depot.awaitReplica(3, "up")
                try await poll("the missing replica's inventory") {
                    try await depot.run(["collect"]).status == 0
                }
                #expect(try await depot.retrieve("file").bytes == bytes)
            }
        }

        @Test func `an old catalog that is put back takes no deposits`() async throws {
            try await Composition.with(replicas: 3) { depot in
                let (server, old) = ("\(depot.folder)/server", "\(depot.folder)/old")
                _ = try await depot.deposit("first", testBytes(5_000, seed: 124))
                try await depot.stopServer(SIGTERM)
                try FileManager.default.copyItem(atPath: server, toPath: old)
                try await depot.startServer()
                let bytes = testBytes(7_000, seed: 125)
                _ = try await depot.deposit("second", bytes)
                try await depot.stopServer(SIGTERM)
                try FileManager.default.removeItem(atPath: server)
                try FileManager.default.moveItem(atPath: old, toPath: server)
                try await depot.startServer()
                let path = try depot.write(bytes)
                let refused = try await depot.failure(["deposit", path, "3", "--as", "third"])
                #expect(refused.status == 4, "\(refused)")
                #expect(refused.error.message.contains("rebuild-catalog"), "\(refused)")
                try await depot.stopServer(SIGTERM)
                let rebuilt = try await rebuild(depot)
                #expect(rebuilt.report.files == 2 && rebuilt.movedAside != nil)
                try await depot.startServer()
                #expect(try await depot.retrieve("second").bytes == bytes)
            }
        }

        @Test func `a folder that was copied is let in at one address only`() async throws {
            try await Composition.with(replicas: 3) { depot in
                let bytes = testBytes(3_000_000, seed: 126)
                _ = try await depot.deposit("file", bytes)
                for number in [0, 1] { try await depot.stopReplica(number, SIGTERM) }
                let copy = "\(depot.folder)/copy"
                try FileManager.default.copyItem(atPath: depot.replicaFolder(0), toPath: copy)
                try await depot.startReplica(0)
                try await depot.awaitReplica(0, "up")
                try await depot.startReplica(1, folder: copy)
                try await depot.awaitReplica(1, "refused")
                try await depot.stopReplica(1, SIGTERM)
                try await depot.startReplica(1)
                try await depot.awaitReplica(1, "up")
                #expect(try await depot.retrieve("file").bytes == bytes)
            }
        }

        @Test func `a replica whose identity is damaged does not start, and loses nothing`()
            async throws
        {
            try await Composition.with(replicas: 3) { depot in
                let bytes = testBytes(3_000_000, seed: 127)
                _ = try await depot.deposit("file", bytes)
                try await depot.stopReplica(0, SIGTERM)
                let path = "\(depot.replicaFolder(0))/depot-replica.json"
                let sound = try Data(contentsOf: URL(fileURLWithPath: path))
                try sound.dropLast(20).write(to: URL(fileURLWithPath: path))
                let refused = try await depot.run([
                    "replica", "--data", depot.replicaFolder(0), "--listen", "127.0.0.1:0",
                ])
                #expect(refused.status != 0 && refused.complaint.contains("depot-replica.json"))
                #expect(try await depot.retrieve("file").bytes == bytes)
                try sound.write(to: URL(fileURLWithPath: path))
                try await depot.startReplica(0)
                try await depot.awaitReplica(0, "up")
                #expect(try await depot.verify(["--unpaced"]).exitCode == 0)
            }
        }
    }
}
