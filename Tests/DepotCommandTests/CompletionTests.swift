import Foundation
import Testing

extension CommandTests {
    /// What shells are told when a key is pressed. Tests/Package/completions asks the shells themselves.
    @Suite struct Completions {
        /// As the script of a shell asks for the first argument of a command.
        private func ask(
            _ depot: Composition, _ command: String, _ typed: String, shell: String = "fish",
            words: [String] = [], environment: [String: String] = [:]
        ) async throws -> ChildProcess.Outcome {
            let line = ["depot", command] + words + [typed]
            return try await depot.run(
                ["---completion", command, "--", "positional@0", "\(line.count - 1)"]
                    + ["\(typed.count)"] + line,
                environment: ["SAP_SHELL": shell].merging(environment) { $1 })
        }

        private func offered(_ outcome: ChildProcess.Outcome) -> [String] {
            outcome.text.split(separator: "\n").map(String.init).filter { $0 != " " }
        }

        @Test func `names are offered a folder at a time`() async throws {
            try await Composition.with(replicas: 1) { depot in
                for name in ["a/b/1", "a/b/2", "a/c", "ab", "x/y/z", "with:colon"] {
                    _ = try await depot.deposit(name, testBytes(10, seed: 1), level: 1)
                }
                func names(_ typed: String, _ words: [String] = []) async throws -> [String] {
                    offered(try await ask(depot, "info", typed, words: words))
                }
                #expect(try await names("") == ["a/", "ab", "with:colon", "x/"])
                #expect(try await names("a/") == ["a/b/", "a/c"])
                // A folder that is all there is, is gone into.
                #expect(try await names("x") == ["x/y/z"])
                #expect(try await names("none") == [])
                #expect(try await offered(ask(depot, "delete", "a", words: ["-r"])) == ["a", "ab"])
                #expect(
                    try await offered(ask(depot, "info", "w", shell: "zsh")) == ["with\\:colon"])
            }
        }

        /// The script for bash expands what it is given as if it had been typed.
        @Test func `a name that is a command is quoted for bash`() async throws {
            try await Composition.with(replicas: 1) { depot in
                _ = try await depot.deposit("e'$(true)", testBytes(10, seed: 1), level: 1)
                #expect(
                    try await offered(ask(depot, "info", "e", shell: "bash")) == ["'e'\\''$(true)'"]
                )
                #expect(try await offered(ask(depot, "info", "e\\'")) == ["e'$(true)"])
            }
        }

        @Test func `versions, deleted names and replicas are offered`() async throws {
            try await Composition.with(replicas: 1) { depot in
                for seed in [1, 2] {
                    _ = try await depot.deposit("f", testBytes(10, seed: UInt64(seed)), level: 1)
                }
                let versions = try await offered(ask(depot, "retrieve", "f@"))
                #expect(versions.count == 2 && versions.allSatisfy { $0.hasPrefix("f@1-") })
                _ = try await depot.run(["delete", "f"])
                #expect(try await offered(ask(depot, "undelete", "")) == ["f"])
                #expect(try await offered(ask(depot, "drain", "")).count == 1)
            }
        }

        @Test func `the FileServer is the one that a file of settings names`() async throws {
            try await Composition.with(replicas: 1) { depot in
                _ = try await depot.deposit("found", testBytes(10, seed: 1), level: 1)
                let own = depot.newPath()
                try FileManager.default.createDirectory(
                    atPath: own, withIntermediateDirectories: true)
                try depot.token.write(toFile: "\(own)/token", atomically: true, encoding: .utf8)
                try "server: \(depot.url)\ntoken-file: \(own)/token\n"
                    .write(toFile: "\(own)/f.yaml", atomically: true, encoding: .utf8)
                let outcome = try await depot.bash(
                    "unset DEPOT_SERVER DEPOT_TOKEN; export DEPOT_CONFIG_PATH=\(own) SAP_SHELL=fish\n"
                        + "$0 ---completion info -- positional@0 2 1 depot info f",
                    [Composition.executable])
                #expect(offered(outcome) == ["found"], "\(outcome.complaint)")
            }
        }

        @Test func `nothing is said where nobody can be asked`() async throws {
            try await Composition.with(replicas: 1) { depot in
                for server in ["http://127.0.0.1:1", "nonsense", ""] {
                    let outcome = try await ask(
                        depot, "info", "", environment: ["DEPOT_SERVER": server])
                    #expect(outcome.status == 0 && outcome.text == "\n")
                    #expect(outcome.complaint.isEmpty, "\(outcome.complaint)")
                }
            }
        }

        @Test func `the version tells whether the commit is known`() async throws {
            try await Composition.with(replicas: 1) { depot in
                let told = try await depot.run(["--version"]).text
                let form = /\d+\.\d+\.\d+ \((?:commit [0-9a-f]+\+?|built without its commit)\)\n/
                #expect(told.wholeMatch(of: form) != nil, "\(told)")
            }
        }
    }
}
