import Foundation
import Testing

extension CommandTests {
    /// What files and the environment set, and what they may not.
    @Suite struct SettingsLayers {
        private struct Shown: Decodable {
            struct Row: Decodable {
                let key: String
                let values: [String]
                let source: String?
            }

            let settings: [Row]
        }

        private static func withFolders(
            _ body: (Composition, _ own: String, _ system: String) async throws -> Void
        ) async throws {
            try await Composition.with(replicas: 1) { depot in
                let (own, system) = ("\(depot.folder)/own", "\(depot.folder)/system")
                for folder in [own, system] {
                    try FileManager.default.createDirectory(
                        atPath: folder, withIntermediateDirectories: true)
                }
                try await body(depot, own, system)
            }
        }

        private static func write(_ text: String, _ path: String) throws {
            try text.write(toFile: path, atomically: true, encoding: .utf8)
        }

        @Test func `the command line counts most, then the environment, then the user's files`()
            async throws
        {
            try await Self.withFolders { depot, own, system in
                let paths = ["DEPOT_CONFIG_PATH": "\(own):\(system)"]
                func shown(_ more: [String: String] = [:]) async throws -> [String: String] {
                    let outcome = try await depot.run(
                        ["config", "show", "serve", "--json"],
                        environment: paths.merging(more) { $1 })
                    #expect(outcome.status == 0, "\(outcome.complaint)")
                    let rows = try JSONDecoder().decode(Shown.self, from: outcome.output).settings
                    return Dictionary(
                        uniqueKeysWithValues: rows.map {
                            ($0.key, "\($0.values) \($0.source ?? "default")")
                        })
                }
                try Self.write(
                    "serve:\n  data: /system\n  replica: [a=http://h:1, b=http://h:2]\n",
                    "\(system)/10.yaml")
                try Self.write("serve:\n  data: /later\n", "\(system)/20.yaml")
                var all = try await shown()
                #expect(all["serve.data"] == "[\"/later\"] \(system)/20.yaml:2")
                #expect(
                    all["serve.replica"]
                        == "[\"a=http://h:1\", \"b=http://h:2\"] \(system)/10.yaml:3")
                #expect(all["serve.loss-grace"] == "[\"10m\"] default")
                try Self.write("\nserve:\n  data: /own\n", "\(own)/mine.yaml")
                all = try await shown()
                #expect(all["serve.data"] == "[\"/own\"] \(own)/mine.yaml:3")
                all = try await shown(["DEPOT_SERVE_DATA": "/variable"])
                #expect(all["serve.data"] == "[\"/variable\"] DEPOT_SERVE_DATA")
                // And one is really used, unless the command line says otherwise.
                try Self.write("deposit:\n  exclude: ['*.o', b*]\n", "\(own)/mine.yaml")
                let tree = depot.newPath()
                try FileManager.default.createDirectory(
                    atPath: tree, withIntermediateDirectories: true)
                for name in ["a.c", "a.o", "b"] { try Self.write(name, "\(tree)/\(name)") }
                func deposited(_ more: [String]) async throws -> [String] {
                    _ = try await depot.run(
                        ["deposit", tree, "1", "-r", "--as", "t"] + more, environment: paths)
                    let names = try await depot.names().filter { $0.hasPrefix("t/") }
                    _ = try await depot.run(["delete", "-r", "t"])
                    return names
                }
                #expect(try await deposited([]) == ["t/a.c"])
                #expect(try await deposited(["--exclude", "*.c"]) == ["t/a.o", "t/b"])
            }
        }

        @Test func `a client finds its FileServer and its token there`() async throws {
            try await Self.withFolders { depot, own, _ in
                try Self.write(depot.token, "\(own)/token")
                try Self.write(
                    "server: \(depot.url)\ntoken-file: \(own)/token\n", "\(own)/depot.yaml")
                let script = "unset DEPOT_SERVER DEPOT_TOKEN; DEPOT_CONFIG_PATH=\(own) $0 list"
                let listed = try await depot.bash(script, [Composition.executable])
                #expect(listed.status == 0, "\(listed.complaint)")
            }
        }

        @Test(arguments: [
            ("serv:\n  data: x\n", ":1: there is no section 'serv'"),
            ("serve:\n  dta: x\n", ":2: there is no key 'dta' in 'serve'; did you mean 'data'?"),
            ("serve: x\n", ":1: 'serve' is a section"),
            ("serve:\n  data: [a, b]\n", ":2: data is one value"),
            ("serve:\n  data:\n    deep: er\n", ":3: data is one value"),
            ("\n\nserve:\n  break-locks: perhaps\n", ":4: break-locks is true or false"),
            ("server: x\nserver: y\n", ":1: server stands here twice"),
            ("delete:\n  recursive: true\n", ":1: there is no section 'delete'"),
            ("deposit:\n  mirror: true\n", ":2: there is no key 'mirror'"),
            ("deposit:\n  recursive: true\n", ":2: there is no key 'recursive'"),
            ("- 1\n", ":1: settings are lines of KEY: VALUE"),
            ("a: b: c\n", ":1: mapping values are not allowed in this context"),
            ("token: 0123456789abcdef\n", ":1: there is no key 'token'"),
        ])
        func `what is wrong in a file is told with its line`(
            text: String, told: String
        ) async throws {
            try await Self.withFolders { depot, own, _ in
                try Self.write(text, "\(own)/f.yaml")
                let outcome = try await depot.run(
                    ["list"], environment: ["DEPOT_CONFIG_PATH": own])
                #expect(outcome.status == 64)
                #expect(
                    outcome.complaint.contains("\(own)/f.yaml\(told)"), "\(outcome.complaint)")
            }
        }

        @Test func `a file that is too large or no text is refused`() async throws {
            try await Self.withFolders { depot, own, _ in
                for bytes in [Data(repeating: 35, count: 300_000), Data([0x61, 0xFF, 0x0A])] {
                    try bytes.write(to: URL(fileURLWithPath: "\(own)/f.yaml"))
                    let outcome = try await depot.run(
                        ["list"], environment: ["DEPOT_CONFIG_PATH": own])
                    #expect(outcome.status == 64, "\(outcome.complaint)")
                }
            }
        }

        @Test(arguments: ["DEPOT_SERVE_DATA", "DEPOT_SERVER", "DEPOT_CONFIG_PATH", "HOME"])
        func `a variable that is no text is refused, and not repaired`(name: String) async throws {
            try await Composition.with(replicas: 1) { depot in
                let outcome = try await depot.bash(
                    "export \(name)=$'/\\xff' DEPOT_SERVE_ADVERTISE=x; $0 config show",
                    [Composition.executable])
                #expect(outcome.status == 64, "\(outcome.text)")
                #expect(outcome.complaint.contains("the value of \(name) is not UTF-8"))
            }
        }

        @Test func `what is set for folders does not stop a file`() async throws {
            try await Self.withFolders { depot, own, _ in
                try Self.write("retrieve:\n  overwrite: never\n", "\(own)/f.yaml")
                _ = try await depot.deposit("f", testBytes(10, seed: 1), level: 1)
                let outcome = try await depot.run(
                    ["retrieve", "f", "-o", depot.newPath()],
                    environment: ["DEPOT_CONFIG_PATH": own])
                #expect(outcome.status == 0, "\(outcome.complaint)")
            }
        }

        @Test func `help is there whatever stands in a file, and shells hear no complaint`()
            async throws
        {
            try await Self.withFolders { depot, own, _ in
                try Self.write("nonsense: 1\n", "\(own)/f.yaml")
                for words in [
                    ["--help"], ["help", "list"], ["list", "-h"], ["--version"], [],
                    ["---completion", "list", "--", "positional@0", "2", "0", "depot", "list", ""],
                ] {
                    let outcome = try await depot.run(
                        words, environment: ["DEPOT_CONFIG_PATH": own, "SAP_SHELL": "fish"])
                    #expect(
                        outcome.status == 0 && outcome.complaint.isEmpty,
                        "\(words): \(outcome.complaint)")
                }
            }
        }

        @Test func `a daemon reads its settings again when it is told to`() async throws {
            try await Self.withFolders { depot, own, _ in
                let data = "\(depot.folder)/other"
                try Self.write(
                    "log-level: debug\nreplica:\n  data: \(data)\n  listen: 127.0.0.1:0\n",
                    "\(own)/f.yaml")
                let log = "\(depot.folder)/other.log"
                let replica = try depot.start(
                    ["replica"], environment: ["DEPOT_CONFIG_PATH": own], log: log)
                func logged(_ text: String) async throws {
                    try await poll("the log to have \(text)") {
                        try String(contentsOfFile: log, encoding: .utf8).contains(text)
                    }
                }
                try await poll("it to listen") { try replica.output().contains("listens") }
                try await poll("it to heed signals") { replica.catches(SIGHUP) }
                try Self.write(
                    "log-level: warning\nreplica:\n  data: \(data)\n  listen: 127.0.0.1:1\n",
                    "\(own)/f.yaml")
                replica.send(SIGHUP)
                // Warnings alone are told now; that was the last notice.
                try Self.write("nonsense: 1\n", "\(own)/g.yaml")
                try await Task.sleep(for: .milliseconds(300))
                replica.send(SIGHUP)
                try await logged("the settings are not used, those before stay")
                try Self.write("log-level: notice\n", "\(own)/g.yaml")
                replica.send(SIGHUP)
                try await logged("the settings were read")
                let text = try String(contentsOfFile: log, encoding: .utf8)
                #expect(text.contains("logLevel=notice"))
                #expect(replica.isRunning)
            }
        }
    }
}
