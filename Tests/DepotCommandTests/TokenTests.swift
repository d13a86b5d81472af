import Foundation
import Testing

extension CommandTests {
    /// Who may do what, with the real programs.
    @Suite struct Tokens {
        private struct Made: Decodable {
            struct Grant: Decodable { let name: String }

            let token: String?
            let grant: Grant
        }
        private struct TokenList: Decodable {
            struct Entry: Decodable, Equatable {
                let name: String
                let scope: String
                let state: String
            }

            let tokens: [Entry]
        }
        private struct Event: Decodable {
            let who: String
            let what: String
            let names: [String]
            let refused: [String]
            let status: Int
        }

        private static func make(
            _ name: String, _ options: [String], _ depot: Composition
        ) async throws -> [String: String] {
            let made = try await depot.client(
                ["token", "create", name] + options, as: Made.self)
            #expect(made.grant.name == name)
            return ["DEPOT_TOKEN": try #require(made.token)]
        }

        private static func failure(
            _ arguments: [String], as who: [String: String], _ depot: Composition
        ) async throws -> String {
            let (status, error) = try await depot.failure(arguments, environment: who)
            #expect(status == 6, "\(arguments)")
            return error.code
        }

        @Test func `a monitoring system's token watches, and sees no file`() async throws {
            try await Composition.with(replicas: 1) { depot in
                _ = try await depot.deposit("secret/file", testBytes(1_000, seed: 3), level: 1)
                let watcher = try await Self.make("prometheus", ["--observe"], depot)
                #expect(try await depot.run(["status"], environment: watcher).status == 0)
                for words in [
                    ["list"], ["info", "secret/file"], ["versions", "secret/file"],
                    ["retrieve", "secret/file", "-o", depot.newPath()], ["token", "list"],
                ] {
                    #expect(try await Self.failure(words, as: watcher, depot) == "forbidden")
                }
            }
        }

        @Test func `a replica's metrics are not opened by the cluster's token, told again`()
            async throws
        {
            try await Composition.with(replicas: 0) { depot in
                let path = try depot.write(Data("the-same-token-0123456789\n".utf8))
                let outcome = try await depot.run(
                    [
                        "replica", "--data", depot.newPath(), "--listen", "127.0.0.1:0",
                        "--metrics-token-file", path,
                    ], environment: ["DEPOT_CLUSTER_TOKEN": "the-same-token-0123456789"])
                #expect(outcome.status == 64)
                #expect(outcome.complaint.contains("it is the cluster's token"))
                #expect(!outcome.complaint.contains("the-same-token"))
            }
        }

        @Test func `a machine's token adds its backups, and nothing else`() async throws {
            try await Composition.with(replicas: 3) { depot in
                let (own, other) = (testBytes(300_000, seed: 1), testBytes(300_001, seed: 2))
                _ = try await depot.deposit("secret/file", other)
                let laptop = try await Self.make(
                    "laptop", ["--append", "--prefix", "backups/laptop", "--expires", "1d"], depot)
                let path = try depot.write(own)
                func deposit(_ name: String) async throws -> ChildProcess.Outcome {
                    try await depot.run(["deposit", path, "--as", name], environment: laptop)
                }
                #expect(try await deposit("backups/laptop/1").status == 0)
                let back = depot.newPath()
                let got = try await depot.run(
                    ["retrieve", "backups/laptop/1", "-o", back], environment: laptop)
                #expect(got.status == 0 && FileManager.default.contents(atPath: back) == own)
                let list = try await depot.run(["list"], environment: laptop)
                #expect(list.text.contains("backups/laptop/1") && !list.text.contains("secret"))
                let changed = try depot.write(other)
                let replaced = try await depot.failure(
                    ["deposit", changed, "--as", "backups/laptop/1"], environment: laptop)
                #expect(replaced.status == 4)
                for command in [
                    ["deposit", path, "--as", "secret/mine"], ["retrieve", "secret/file"],
                    ["info", "secret/file"], ["delete", "backups/laptop/1"],
                    ["change-replication", "backups/laptop/1", "1"], ["collect"], ["status"],
                    ["lock", "backups/laptop/1", "--hold"], ["token", "list"],
                    ["token", "create", "more", "--admin"],
                ] {
                    let code = try await Self.failure(command, as: laptop, depot)
                    #expect(code == "forbidden", "\(command)")
                }
                #expect(try await depot.retrieve("backups/laptop/1").bytes == own)
            }
        }

        @Test func `a whole tree goes in and out with a token that reaches it alone`() async throws
        {
            try await Composition.with(replicas: 3) { depot in
                let writer = try await Self.make("w", ["--write", "--prefix", "t"], depot)
                let tree = depot.newPath()
                try FileManager.default.createDirectory(
                    atPath: "\(tree)/sub", withIntermediateDirectories: true)
                for number in 0..<40 {
                    try testBytes(100 + number * 400, seed: UInt64(number)).write(
                        to: URL(fileURLWithPath: "\(tree)/sub/\(number)"))
                }
                for _ in 0..<2 {
                    let put = try await depot.run(
                        ["deposit", "-r", tree, "--as", "t"], environment: writer)
                    #expect(put.status == 0, "\(put.complaint)")
                }
                let back = depot.newPath()
                let got = try await depot.run(
                    ["retrieve", "-r", "t", "-o", back], environment: writer)
                #expect(got.status == 0, "\(got.complaint)")
                let same = try await depot.bash("diff -r \"$0\" \"$1\"", [tree, back])
                #expect(same.status == 0, "\(same.text)")
                let gone = try await depot.run(["delete", "-r", "t"], environment: writer)
                #expect(gone.status == 0, "\(gone.complaint)")
            }
        }

        @Test func `a token is good until it is revoked, over restarts`() async throws {
            try await Composition.with(replicas: 1) { depot in
                let reader = try await Self.make("reader", ["--read"], depot)
                #expect(try await depot.run(["list"], environment: reader).status == 0)
                try await depot.stopServer(SIGKILL)
                try await depot.startServer()
                #expect(try await depot.run(["list"], environment: reader).status == 0)
                let file = "\(depot.folder)/new.token"
                let rotated = try await depot.run(["token", "rotate", "reader", "--file", file])
                #expect(rotated.status == 0, "\(rotated.complaint)")
                #expect(try await Self.failure(["list"], as: reader, depot) == "unauthorized")
                let mode = try FileManager.default.attributesOfItem(atPath: file)
                #expect(mode[.posixPermissions] as? Int == 0o600)
                func list() async throws -> Int32 {
                    try await depot.run(
                        ["list"],
                        environment: [
                            "DEPOT_TOKEN": try String(contentsOfFile: file, encoding: .utf8)
                                .trimmingCharacters(in: .newlines)
                        ]
                    ).status
                }
                #expect(try await list() == 0)
                #expect(try await depot.run(["token", "revoke", "reader"]).status == 0)
                #expect(try await list() == 6)
                try await depot.stopServer(SIGTERM)
                try await depot.startServer()
                #expect(try await list() == 6)
                let listed = try await depot.client(["token", "list"], as: TokenList.self)
                #expect(
                    listed.tokens == [.init(name: "reader", scope: "read", state: "revoked")])
                #expect(try await depot.failure(["token", "revoke", "nobody"]).status == 3)
            }
        }

        @Test func `a list of tokens that is damaged lets nobody in`() async throws {
            try await Composition.with(replicas: 1) { depot in
                _ = try await Self.make("reader", ["--read"], depot)
                let path = "\(depot.serverFolder)/tokens.json"
                let whole = try Data(contentsOf: URL(fileURLWithPath: path))
                try await depot.stopServer(SIGTERM)
                for damaged in [Data(), Data("{}".utf8), whole.dropLast(3)] {
                    try damaged.write(to: URL(fileURLWithPath: path))
                    await #expect(throws: Composition.Failed.self) {
                        try await depot.startServer()
                    }
                }
                try whole.write(to: URL(fileURLWithPath: path))
                try await depot.startServer()
                #expect(
                    try await depot.client(["token", "list"], as: TokenList.self)
                        .tokens.count == 1)
            }
        }

        @Test func `replicas and clients have no token in common`() async throws {
            try await Composition.with(replicas: 1) { depot in
                let refused = try await depot.failure(
                    ["serve", "--data", depot.newPath(), "--listen", "127.0.0.1:0"],
                    environment: ["DEPOT_TOKEN": depot.clusterToken])
                #expect(refused.status == 64)
            }
        }

        @Test func `every change is in the audit, and no token anywhere`() async throws {
            let audit = "\(NSTemporaryDirectory())/depot-audit-\(UUID().uuidString)"
            defer { try? FileManager.default.removeItem(atPath: audit) }
            try await Composition.with(
                replicas: 3, serve: ["--audit", audit]
            ) { depot in
                let writer = try await Self.make("writer", ["--write", "--prefix", "w"], depot)
                let path = try depot.write(testBytes(300_000, seed: 1))
                for name in ["w/a", "w/b"] {
                    let put = try await depot.run(
                        ["deposit", path, "--as", name], environment: writer)
                    #expect(put.status == 0)
                }
                _ = try await depot.run(["delete", "w/a"], environment: writer)
                _ = try await depot.run(["delete", "other"], environment: writer)
                _ = try await depot.run(["collect"], environment: writer)
                _ = try await depot.run(["token", "revoke", "writer"])
                let lines = try String(contentsOfFile: audit, encoding: .utf8)
                let events = try lines.split(separator: "\n").map {
                    try JSONDecoder().decode(Event.self, from: Data($0.utf8))
                }
                let told = events.map {
                    "\($0.who) \($0.what) \($0.names)\($0.refused) \($0.status < 400)"
                }
                #expect(
                    told == [
                        "administrator making a token [][] true",
                        "writer depositing [\"w/a\"][] true",
                        "writer depositing [\"w/b\"][] true",
                        "writer deleting [\"w/a\"][] true",
                        "writer deleting [][\"other\"] false",
                        "writer collecting [][] false",
                        "administrator revoking a token [][] true",
                    ])
                let secrets = [
                    depot.token, depot.clusterToken, try #require(writer["DEPOT_TOKEN"]),
                ]
                var texts = [lines]
                let files = try FileManager.default.contentsOfDirectory(atPath: depot.folder)
                for file in files where file.hasSuffix(".log") {
                    texts.append(
                        try String(contentsOfFile: "\(depot.folder)/\(file)", encoding: .utf8))
                }
                texts.append(
                    try String(
                        contentsOfFile: "\(depot.serverFolder)/tokens.json", encoding: .utf8))
                #expect(texts.count == 6)
                for secret in secrets {
                    #expect(!texts.contains { $0.contains(secret) })
                }
            }
        }
    }
}
