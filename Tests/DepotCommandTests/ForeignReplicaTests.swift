import Foundation
import Testing

extension CommandTests {
    /// A replica that belongs to another depot is named in this one's configuration.
    @Suite struct ForeignReplicas {
        @Test func `a foreign replica is refused and left as it is, and the others work`()
            async throws
        {
            try await Composition.with(replicas: 1) { other in
                let theirs = testBytes(2_000_000, seed: 121)
                _ = try await other.deposit("theirs", theirs, level: 1)
                try await other.stopReplica(0, SIGTERM)
                try await other.stopServer(SIGKILL)
                let folder = other.replicaFolder(0)
                let before = try contents(of: folder)
                #expect(before.count > 1)

                try await Composition.with(
                    replicas: 4,
                    prepare: { depot in
                        try FileManager.default.createSymbolicLink(
                            atPath: depot.replicaFolder(3), withDestinationPath: folder)
                    }
                ) { depot in
                    for number in 0..<3 { try await depot.awaitReplica(number, "up") }
                    let bytes = testBytes(3_000_000, seed: 122)
                    let receipt = try await depot.deposit("ours", bytes)
                    #expect(receipt.copies == 3 && !receipt.degraded)
                    let tooMany = try await depot.failure(
                        ["change-replication", "ours", "4"])
                    #expect(tooMany.status == 5, "\(tooMany)")
                    #expect(try await depot.names() == ["ours"])
                    let verified = try await depot.verify(["--unpaced"])
                    #expect(verified.exitCode == 0, "\(verified)")
                    #expect(verified.verification.replicas.allSatisfy { $0.name != "r3" })
                    #expect(try await depot.retrieve("ours").bytes == bytes)
                    try await expectRefused(depot)
                    try await depot.stopReplica(3, SIGKILL)
                }

                #expect(try contents(of: folder) == before)
                try await other.startReplica(0)
                try await other.startServer()
                try await other.awaitReplica(0, "up")
                #expect(try await other.retrieve("theirs").bytes == theirs)
            }
        }

        private func expectRefused(_ depot: Composition) async throws {
            // While the catalog is empty it could stand in for one that was lost, which the advice says.
            var problem = ""
            try await poll("the foreign replica to be refused") {
                let status = try await depot.client(["status"], as: Status.self)
                let foreign = status.replicas.first { $0.name == "r3" && $0.state == "refused" }
                #expect(foreign == nil || foreign?.chunks == 0)
                problem = foreign?.problem ?? ""
                return problem.contains("Start it with an empty data folder")
            }
            let said = try await depot.run(["status"])
            #expect(said.status == 0 && said.text.contains("r3: \(problem)"), "\(said.text)")
            let expected = /replica [-0-9a-f]+ belongs to cluster [-0-9a-f]+, this is [-0-9a-f]+;/
            #expect(problem.firstMatch(of: expected) != nil, "\(problem)")
            #expect(problem.contains("it was not touched"), "\(problem)")
        }

        /// Its segments, and whom it belongs to. How often it was opened is its own affair.
        private func contents(of folder: String) throws -> [String: Data] {
            struct Identity: Decodable {
                struct Membership: Codable {
                    let cluster: String
                    let epoch: Int
                    let members: [String]
                }
                let membership: Membership
            }
            let file = URL(fileURLWithPath: "\(folder)/depot-replica.json")
            let identity = try JSONDecoder().decode(Identity.self, from: Data(contentsOf: file))
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            var found = ["membership": try encoder.encode(identity.membership)]
            for name in try FileManager.default.contentsOfDirectory(atPath: "\(folder)/segments") {
                found[name] = try Data(
                    contentsOf: URL(fileURLWithPath: "\(folder)/segments/\(name)"))
            }
            return found
        }
    }
}
