import Foundation
import Testing

extension CommandTests {
    @Suite struct Daemons {
        @Test(arguments: [SIGTERM, SIGINT])
        func `a daemon that is asked to stop does so at once`(signal: Int32) async throws {
            try await Composition.with(replicas: 2) { depot in
                _ = try await depot.deposit("file", testBytes(1_000_000, seed: 81), level: 2)
                let start = ContinuousClock.now
                #expect(try await depot.stopServer(signal) == 0)
                #expect(try await depot.stopReplica(0, signal) == 0)
                #expect(try await depot.stopReplica(1, signal) == 0)
                #expect(ContinuousClock.now - start < .seconds(10))
            }
        }

        @Test func `a folder belongs to one daemon at a time`() async throws {
            try await Composition.with(replicas: 2) { depot in
                for command in [
                    ["replica", "--data", depot.replicaFolder(0), "--listen", "127.0.0.1:0"],
                    [
                        "serve", "--data", "\(depot.folder)/server", "--listen", "127.0.0.1:0",
                        "--replica", "http://127.0.0.1:9",
                    ],
                ] {
                    let second = try await depot.run(command)
                    #expect(second.status != 0 && second.text.isEmpty, "\(command)")
                    #expect(!second.complaint.isEmpty)
                }
                let bytes = testBytes(1_000_000, seed: 82)
                _ = try await depot.deposit("file", bytes, level: 2)
                #expect(try await depot.retrieve("file").bytes == bytes)
            }
        }

        @Test func `daemons without tokens do not start`() async throws {
            try await Composition.with(replicas: 1) { depot in
                let folder = depot.newPath()
                for (command, variable) in [
                    ("replica --data \(folder)", "DEPOT_CLUSTER_TOKEN"),
                    ("serve --data \(folder) --replica http://127.0.0.1:9", "DEPOT_TOKEN"),
                ] {
                    let script = "unset \(variable); exec \"$0\" \(command) --listen 127.0.0.1:0"
                    let outcome = try await depot.bash(script, [Composition.executable])
                    #expect(outcome.status == 6, "\(outcome.complaint)")
                    #expect(outcome.complaint.contains(variable))
                }
            }
        }

        @Test func `health needs no token and tells whether a daemon is there`() async throws {
            try await Composition.with(replicas: 1) { depot in
                let script = "unset DEPOT_TOKEN; exec \"$0\" health \(depot.url)"
                let well = try await depot.bash(script, [Composition.executable])
                #expect(well.status == 0 && well.text == "ok\n")
                try await depot.stopServer(SIGKILL)
                #expect(try await depot.bash(script, [Composition.executable]).status == 8)
            }
        }
    }
}
