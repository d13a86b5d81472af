import Foundation
import Testing

extension CommandTests {
    @Suite struct Crashes {
        private static let bytes = testBytes(95_000_000, seed: 51)

        /// Starts a deposit of `bytes` as `big` and returns when a part of it is on the replicas.
        ///
        /// - Parameter settled: when a part of it passed a barrier, as the first 64 MiB do.
        private func halfDeposit(
            _ depot: Composition, settled: Bool = false
        ) async throws -> (client: ChildProcess, input: GatedInput) {
            let input = GatedInput(Self.bytes, stopAfter: settled ? 85_000_000 : 30_000_000)
            let client = try depot.start(
                ["deposit", "-", "3", "--as", "big", "--json"], input: input.reading)
            try await poll("chunks of half a deposit") {
                let status = try await depot.client(["status"], as: Status.self)
                return status.replicas.allSatisfy { $0.chunks >= 3 }
                    && (!settled || status.storedBytes >= 3 * 64 << 20)
            }
            return (client, input)
        }

        private func expectWholeOrAbsent(_ depot: Composition) async throws {
            let names = try await depot.names()
            #expect(names == [] || names == ["big"])
            if !names.isEmpty { #expect(try await depot.retrieve("big").bytes == Self.bytes) }
        }

        private func expectRerunSendsOnlyTheRest(_ depot: Composition) async throws {
            let rerun = try await depot.deposit("big", Self.bytes)
            #expect(rerun.sharedBytes > 0 && rerun.copies == 3)
            #expect(try await depot.retrieve("big").bytes == Self.bytes)
            #expect(!(try await depot.info("big").degraded))
        }

        @Test func `a FileServer killed in a deposit leaves the name whole or absent`()
            async throws
        {
            try await Composition.with(replicas: 3) { depot in
                let (client, input) = try await halfDeposit(
                    depot, settled: true)
                try await depot.stopServer(SIGKILL)
                try await depot.startServer()
                #expect(try await depot.names().isEmpty)
                input.goOn()
                let outcome = try await client.outcome()
                #expect([0, 4, 8].contains(outcome.status), "\(outcome.text)")
                #expect(try await depot.names() == (outcome.status == 0 ? ["big"] : []))
                try await expectWholeOrAbsent(depot)
                try await expectRerunSendsOnlyTheRest(depot)
            }
        }

        @Test func `a client killed in a deposit leaves nothing, and a rerun sends the rest`()
            async throws
        {
            try await Composition.with(replicas: 3) { depot in
                let (client, _) = try await halfDeposit(
                    depot, settled: true)
                _ = try await client.stop(SIGKILL)
                #expect(try await depot.names().isEmpty)
                try await expectRerunSendsOnlyTheRest(depot)
            }
        }

        @Test func `a replica killed in a deposit costs no acknowledged byte`() async throws {
            try await Composition.with(replicas: 3) { depot in
                let (client, input) = try await halfDeposit(depot)
                try await depot.stopReplica(1, SIGKILL)
                input.goOn()
                let outcome = try await client.outcome()
                let receipt = try JSONDecoder().decode(Receipt.self, from: outcome.output)
                #expect(receipt.degraded && receipt.copies == 2, "\(receipt)")
                #expect(try await depot.retrieve("big").bytes == Self.bytes)

                try await depot.startReplica(1)
                try await depot.awaitReplica(1, "up")
                _ = try await depot.client(
                    ["change-replication", "big", "3"], as: LevelChange.self)
                let info = try await depot.info("big")
                #expect(!info.degraded && info.chunks.allSatisfy { $0.good.count == 3 })
            }
        }

        @Test func `a replica that restarts before the barrier costs no acknowledged byte`()
            async throws
        {
            try await Composition.with(replicas: 3) { depot in
                let (client, input) = try await halfDeposit(depot)
                try await depot.stopReplica(2, SIGKILL)
                try await depot.startReplica(2)
                try await depot.awaitReplica(2, "up")
                input.goOn()
                let outcome = try await client.outcome()
                let receipt = try JSONDecoder().decode(Receipt.self, from: outcome.output)
                // Every copy that the receipt counts is there without the others.
                let holder = try await depot.id(ofReplica: 2)
                let held = try await depot.info("big").chunks.allSatisfy {
                    $0.good.contains(holder)
                }
                // Of a degraded one repair may have made the third copy by now.
                #expect(held || receipt.copies < 3)
                try await depot.stopReplica(0, SIGKILL)
                if receipt.copies == 3 { try await depot.stopReplica(1, SIGKILL) }
                #expect(try await depot.retrieve("big").bytes == Self.bytes)
            }
        }

        @Test func `everything killed at once comes back with what was acknowledged`()
            async throws
        {
            try await Composition.with(replicas: 3) { depot in
                let bytes = testBytes(5_000_000, seed: 52)
                let receipt = try await depot.deposit("file", bytes)
                try await depot.stopServer(SIGKILL)
                for number in 0..<3 { try await depot.stopReplica(number, SIGKILL) }
                for number in 0..<3 { try await depot.startReplica(number) }
                try await depot.startServer()
                let (back, report) = try await depot.retrieve("file")
                #expect(back == bytes && report.badCopies.isEmpty)
                let again = try await depot.deposit("again", bytes)
                #expect(again.newChunks == 0 && again.manifest == receipt.manifest)
            }
        }

        @Test func `a deposit id that comes again gets the same receipt`() async throws {
            try await Composition.with(replicas: 3) { depot in
                let (old, new) = (testBytes(3_000_000, seed: 53), testBytes(10_000, seed: 54))
                let id = ["--deposit-id", "0190b6b2-7c1f-4e6a-9d0b-3f2a5c4d6e7f"]
                let first = try await depot.deposit("file", old, level: 3, id)
                #expect(try await depot.deposit("file", old, level: 3, id) == first)

                // Not even then does it commit a second time.
                let other = try await depot.deposit("file", new)
                #expect(other.sequence > first.sequence)
                try await depot.stopServer(SIGKILL)
                try await depot.startServer()
                #expect(try await depot.deposit("file", old, level: 3, id) == first)
                #expect(try await depot.retrieve("file").bytes == new)
            }
        }
    }
}
