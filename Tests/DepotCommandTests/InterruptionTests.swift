import Foundation
import Testing

extension CommandTests {
    @Suite struct Interruptions {
        private static let bytes = testBytes(3_000_000, seed: 71)

        private static let interruptions = [SIGHUP, SIGINT, SIGTERM]

        /// - Parameter heeding: the signals that the client is to have trapped.
        private func halfDeposit(
            _ depot: Composition, _ words: [String], executable: String = Composition.executable,
            heeding: [Int32] = interruptions
        ) async throws -> (client: ChildProcess, input: GatedInput) {
            let input = GatedInput(Self.bytes, stopAfter: 10)
            let client = try depot.start(words, input: input.reading, executable: executable)
            try await poll("a client that heeds signals") {
                heeding.allSatisfy(client.catches)
            }
            return (client, input)
        }

        /// A terminal that was closed took its commands along, and left what they had half written.
        @Test(arguments: interruptions)
        func `a command that is interrupted cleans up and ends as shells expect`(
            signal: Int32
        ) async throws {
            try await Composition.with(replicas: 1) { depot in
                let (client, _) = try await halfDeposit(depot, ["deposit", "-", "1", "--as", "x"])
                #expect(try await client.stop(signal) == 128 + signal)
                #expect(
                    try client.complaint().contains(
                        "interrupted: nothing deposited so far; run the same command again"))
                #expect(try await depot.names().isEmpty)
            }
        }

        @Test func `who was told to ignore a signal goes on, as under nohup`() async throws {
            try await Composition.with(replicas: 1) { depot in
                let script = "trap '' HUP INT; exec \"$0\" \"$@\""
                let (client, input) = try await halfDeposit(
                    depot,
                    ["-c", script, Composition.executable, "deposit", "-", "1", "--as", "x"],
                    executable: "/bin/bash", heeding: [SIGTERM])
                client.send(SIGHUP)
                client.send(SIGINT)
                input.goOn()
                #expect(try await client.outcome().status == 0)
                #expect(try await depot.retrieve("x").bytes == Self.bytes)
            }
        }
    }
}
