import Foundation
import Testing

extension CommandTests {
    @Suite struct Refusals {
        @Test func `names that could escape or confuse are refused`() async throws {
            try await Composition.with(replicas: 3) { depot in
                let path = try depot.write(Data("bytes".utf8))
                let names = [
                    "../x", "a/../x", "/abs", "a//b", "a/", ".", "", "tab\there", "line\nbreak",
                    "del\u{7F}", String(repeating: "n", count: 1_025),
                ]
                for name in names {
                    let deposit = try await depot.failure(["deposit", path, "--as", name])
                    #expect(deposit.status == 64, "\(name)")
                    #expect(deposit.error.code == "invalidArgument")
                    let status = try await depot.failure(["retrieve", name, "-o", path]).status
                    #expect(status == 64, "\(name)")
                }
                for name in ["../x", "a/../x", "a//b", "tab%09here", String(names[10])] {
                    let answer = try await depot.curl(name, ["-T", path])
                    #expect(answer.status == 400, "\(name): \(answer.text)")
                }
                #expect(try await depot.names().isEmpty)
                #expect(try String(contentsOfFile: path, encoding: .utf8) == "bytes")
            }
        }

        @Test func `a token that is wrong or missing is refused`() async throws {
            try await Composition.with(replicas: 3) { depot in
                let path = try depot.write(Data("bytes".utf8))
                let wrong = ["DEPOT_TOKEN": String(repeating: "f", count: 64)]
                for command in [["deposit", path], ["list"], ["status"], ["retrieve", "x"]] {
                    let (status, error) = try await depot.failure(command, environment: wrong)
                    #expect(status == 6 && error.code == "unauthorized", "\(command)")
                }
                // The key of the replicas does not open the front door.
                let cluster = ["DEPOT_TOKEN": depot.clusterToken]
                #expect(try await depot.failure(["list"], environment: cluster).status == 6)
                #expect(try await depot.curl("x", ["-T", path], token: nil).status == 401)
                let command = "unset DEPOT_TOKEN; exec \"$0\" list --json"
                let missing = try await depot.bash(command, [Composition.executable])
                #expect(missing.status == 6, "\(missing.text)")
                #expect(try await depot.names().isEmpty)
            }
        }

        @Test func `a name that nobody deposited is not found`() async throws {
            try await Composition.with(replicas: 1) { depot in
                let path = depot.newPath()
                let commands = [
                    ["retrieve", "nobody", "-o", path], ["info", "nobody"], ["delete", "nobody"],
                    ["change-replication", "nobody", "1"],
                    ["retrieve", "-r", "nobody", "-o", path],
                ]
                for command in commands {
                    let (status, error) = try await depot.failure(command)
                    #expect(status == 3 && error.code == "notFound", "\(command)")
                    #expect(error.object?.hasPrefix("nobody") == true)
                }
                let missing = try await depot.failure(["deposit", "/nowhere/at/all", "1"])
                #expect(missing.status == 3)
                #expect(try depot.filesBeside(path).isEmpty)
            }
        }

        @Test func `a FileServer that is not there is told about`() async throws {
            try await Composition.with(replicas: 1) { depot in
                try await depot.stopServer(SIGTERM)
                let (status, error) = try await depot.failure(["list"])
                #expect(status == 8 && error.code == "unreachable", "\(error.message)")
            }
        }

        @Test func `what is wrong on the command line is told in one JSON object`() async throws {
            try await Composition.with(replicas: 1) { depot in
                for command in [["deposit"], ["nonsense"], ["list", "--nonsense"]] {
                    let (status, error) = try await depot.failure(command)
                    #expect(status == 64 && error.code == "invalidArgument", "\(command)")
                    #expect(!error.message.isEmpty)
                }
            }
        }

        @Test func `help lists the exit codes`() async throws {
            try await Composition.with(replicas: 1) { depot in
                let help = try await depot.run(["--help"])
                #expect(help.status == 0)
                for row in ["0    done", "3    not found", "6    refused", "7    storage full"] {
                    #expect(help.text.contains(row), "\(row)")
                }
            }
        }
    }
}
