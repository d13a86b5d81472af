import DepotTestSupport
import Foundation
import Testing

extension CommandTests {
    /// What people at a terminal are told, who mistype, wait and are many files ahead.
    @Suite struct Terminals {
        private static func withFiles(_ body: (Composition) async throws -> Void) async throws {
            try await Composition.with(replicas: 1) { depot in
                for name in ["big/report.pdf", "big/photo.jpg", "small"] {
                    _ = try await depot.deposit(name, testBytes(10, seed: 1), level: 1)
                }
                try await body(depot)
            }
        }

        @Test func `a mistyped command is no argument and no file`() async throws {
            try await Self.withFiles { depot in
                for (words, meant) in [
                    ("retreive small", "retrieve"), ("Status", "status"),
                    ("chnage-replication small 1", "change-replication"),
                    ("token lsit", "token list"), ("token craete x", "token create"),
                    ("policy sett x", "policy set"), ("tls inti x", "tls init"),
                ] {
                    let outcome = try await depot.run(words.split(separator: " ").map(String.init))
                    #expect(outcome.status == 64)
                    #expect(
                        outcome.complaint.contains("did you mean '\(meant)'?"),
                        "\(words): \(outcome.complaint)")
                }
                #expect(!FileManager.default.fileExists(atPath: "\(depot.folder)/lsit"))
                let far = try await depot.run(["frobnicate"])
                #expect(far.complaint.contains("there is no command 'frobnicate'"))
                // Files that tokens are written to are no commands.
                #expect(try await depot.run(["token", "cluster.token"]).status == 0)
                #expect(FileManager.default.fileExists(atPath: "\(depot.folder)/cluster.token"))
                let failure = try await depot.failure(["retreive", "small"])
                #expect(failure.status == 64 && failure.error.message.contains("'retrieve'"))
            }
        }

        @Test func `a mistyped name is told with the one that may be meant`() async throws {
            try await Self.withFiles { depot in
                for (command, told) in [
                    (
                        "info big/report.pfd",
                        "no such file in the depot; did you mean 'big/report.pdf'?"
                    ),
                    ("retrieve bigg/report.pdf", "no such file in the depot"),
                    ("versions smal", "did you mean 'small'?"),
                    ("delete bigg", "did you mean 'big'?"),
                    ("change-replication big 2", "there are names below big/, for which -r is"),
                    ("info zzzzzzzz", "no such file in the depot\n"),
                ] {
                    let outcome = try await depot.run(
                        command.split(separator: " ").map(String.init))
                    #expect(outcome.status == 3)
                    #expect(outcome.complaint.contains(told), "\(command): \(outcome.complaint)")
                }
                // Programs are told what it was, and no more.
                #expect(
                    try await depot.failure(["versions", "smal"]).error.message
                        == "no such file in the depot")
                // Nobody is told of what his token does not reach.
                let made = try await depot.run([
                    "token", "create", "web", "--read", "--prefix", "smal",
                ])
                let token = made.text.split(separator: "\n").last { $0.count == 64 }
                let limited = try await depot.run(
                    ["info", "smal"], environment: ["DEPOT_TOKEN": String(try #require(token))])
                #expect(limited.complaint == "depot: smal: no such file in the depot\n")
            }
        }

        /// A suggestion is a courtesy: a FileServer that says no more is not waited for.
        @Test func `a FileServer that hangs after its answer delays no error`() async throws {
            let missing = #"{"error":{"code":"notFound","message":"no such file","object":"x"}}"#
            try await ScriptedServer.run { _, connection in
                while let request = try await connection.request() {
                    guard request.startLine.contains("versions") else { continue }
                    let exchange = request.header("depot-exchange") ?? ""
                    try await connection.send(
                        "HTTP/1.1 404 Not Found\r\ndepot-exchange: \(exchange)\r\n"
                            + "content-type: application/json\r\n"
                            + "content-length: \(missing.utf8.count)\r\n\r\n\(missing)")
                }
            } _: { server in
                try await Composition.with(replicas: 1) { depot in
                    let began = ContinuousClock.now
                    let outcome = try await depot.run(
                        ["versions", "x", "--server", "http://127.0.0.1:\(server.port)"])
                    #expect(outcome.status == 3, "\(outcome.complaint)")
                    #expect(ContinuousClock.now - began < .seconds(15))
                    #expect(server.accepted >= 1)
                }
            }
        }

        @Test func `a name with a hyphen in front is no help that was asked for`() async throws {
            try await Self.withFiles { depot in
                for words in [["deposit", "-dash", "2"], ["-hx"], ["retrieve", "-rh"]] {
                    let outcome = try await depot.run(words)
                    #expect(outcome.status == 64, "\(words)")
                    #expect(
                        outcome.complaint.contains(
                            "'\(words.last { $0.hasPrefix("-") } ?? "")' is no option"))
                }
                #expect(try await depot.run(["list", "-h"]).status == 0)
                #expect(
                    try await depot.run(["retrieve", "small", "-o=\(depot.newPath())h"]).status == 0
                )
                #expect(try await depot.run(["info", "--", "-dash"]).status == 3)
            }
        }

        @Test(arguments: ["1", "20", "26", "39", "100000", "x"])
        func `help is told on a terminal of any width`(columns: String) async throws {
            try await Composition.with(replicas: 1) { depot in
                for words in [["--help"], ["help", "config"], ["deposit", "--nonsense"]] {
                    let outcome = try await depot.run(words, environment: ["COLUMNS": columns])
                    #expect(outcome.status == (words.first == "deposit" ? 64 : 0))
                }
            }
        }

        @Test func `what is for folders is not ignored with a file`() async throws {
            try await Self.withFiles { depot in
                let path = depot.newPath()
                try "mine".write(toFile: path, atomically: true, encoding: .utf8)
                let outcome = try await depot.run(
                    ["retrieve", "small", "--overwrite", "never", "-o", path])
                #expect(outcome.status == 64)
                #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
            }
        }

        @Test func `all of a depot comes back with one command`() async throws {
            try await Self.withFiles { depot in
                let path = depot.newPath()
                #expect(try await depot.run(["retrieve", "-r", "/"]).status == 64)
                let outcome = try await depot.run(["retrieve", "-r", "/", "-o", path])
                #expect(outcome.status == 0, "\(outcome.complaint)")
                for name in ["big/report.pdf", "big/photo.jpg", "small"] {
                    #expect(FileManager.default.fileExists(atPath: "\(path)/\(name)"), "\(name)")
                }
                let told = try await depot.run(["retrieve", "-r", "/", "-o", path, "--dry-run"])
                #expect(told.text.contains("nothing was done"))
                let other = depot.newPath()
                let refused = try await depot.run(["retrieve", "-r", "/", "-o", other, "--delete"])
                #expect(refused.status == 64 && refused.complaint.contains("name a folder of it"))
                #expect(!FileManager.default.fileExists(atPath: other))
            }
        }

        @Test func `a file that is no token is told by its name, and not read to its end`()
            async throws
        {
            try await Self.withFiles { depot in
                let path = depot.newPath()
                try Data(repeating: 7, count: 5_000_000).write(to: URL(fileURLWithPath: path))
                let outcome = try await depot.bash(
                    "unset DEPOT_TOKEN; DEPOT_TOKEN_FILE=\(path) $0 list", [Composition.executable])
                #expect(outcome.status == 64)
                #expect(outcome.complaint.contains("\(path): it has no token in it"))
                try Data().write(to: URL(fileURLWithPath: path))
                let empty = try await depot.bash(
                    "unset DEPOT_TOKEN; DEPOT_TOKEN_FILE=\(path) $0 list", [Composition.executable])
                #expect(empty.status == 64 && empty.complaint.contains("no token in it"))
            }
        }

        /// The two others are too few for what it holds: no drain comes to an end there.
        @Test func `a drain that gets no further is not waited for`() async throws {
            try await Composition.with(replicas: 3) { depot in
                _ = try await depot.deposit("f", testBytes(100_000, seed: 1), level: 3)
                let name = depot.name(ofReplica: 1)
                let outcome = try await depot.run(
                    ["drain", name, "--force", "--patience", "3s"])
                #expect(outcome.status == 5, "\(outcome.complaint)")
                #expect(outcome.text.contains("\(name)  draining"))
                #expect(outcome.text.contains("too few replicas take copies"))
                #expect(try await depot.run(["drain", name, "--stop"]).status == 0)
            }
        }

        @Test func `a version is wanted as it is listed`() async throws {
            try await Self.withFiles { depot in
                let listed = try await depot.run(["versions", "small"]).text
                let version = try #require(listed.firstMatch(of: /small@[0-9]+-[0-9]+/)).0
                let path = depot.newPath()
                try "new".write(toFile: path, atomically: true, encoding: .utf8)
                let words = ["deposit", path, "1", "--as", "small", "--if-sequence"]
                let first = try await depot.run(words + [String(version)])
                #expect(first.status == 0, "\(first.complaint)")
                let second = try await depot.run(words + [String(version)])
                #expect(
                    second.status == 4 && second.complaint.contains("small: the name has another"))
            }
        }

        @Test func `whoever waits is told what for`() async throws {
            try await ScriptedServer.run { _, connection in
                _ = try await connection.request()
                try await connection.send(
                    "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            } _: { server in
                try await Composition.with(replicas: 1) { depot in
                    let address = "http://127.0.0.1:\(server.port)"
                    for (more, count) in [([], 1), (["--quiet"], 0)] {
                        let outcome = try await depot.run(
                            ["list", "--server", address, "--patience", "8s"] + more)
                        #expect(outcome.status == 8)
                        let waiting = outcome.complaint.matches(of: /waiting: .* not as depot does/)
                        #expect(waiting.count == count, "\(outcome.complaint)")
                    }
                }
            }
        }

        @Test func `a FileServer that is silent is told of`() async throws {
            try await ScriptedServer.run { _, connection in
                while try await connection.request() != nil {}
            } _: { server in
                try await Composition.with(replicas: 1) { depot in
                    let outcome = try await depot.bash(
                        "timeout 8 $0 list --server http://127.0.0.1:\(server.port)",
                        [Composition.executable])
                    #expect(
                        outcome.complaint.contains("waiting: the FileServer has not answered yet"))
                }
            }
        }

        @Test func `a folder is a folder with a slash behind it, too`() async throws {
            try await Self.withFiles { depot in
                let (tree, back) = (depot.newPath(), depot.newPath())
                try FileManager.default.createDirectory(
                    atPath: tree, withIntermediateDirectories: true)
                try "1".write(toFile: "\(tree)/1", atomically: true, encoding: .utf8)
                for words in [
                    ["deposit", "\(tree)/", "1", "-r", "--as", "a/b//"],
                    ["deposit", "\(tree)/", "1", "-r", "--as", "a/\u{600}/"],
                    ["retrieve", "a/", "-r", "-o", back], ["lock", "-r", "a/", "--hold"],
                    ["lock", "-r", "a/", "--release-hold"], ["delete", "-r", "a/"],
                    ["undelete", "-r", "a/"],
                ] {
                    let outcome = try await depot.run(words)
                    #expect(outcome.status == 0, "\(words): \(outcome.complaint)")
                }
                #expect(try await depot.names().contains("a/b/1"))
                #expect(FileManager.default.fileExists(atPath: "\(back)/b/1"))
                #expect(try await depot.run(["retrieve", "big/report.pdf/"]).status == 64)
                #expect(try await depot.run(["delete", "-r", "/"]).status == 64)
            }
        }

        @Test func `the first of many failures are told, and all of them when asked for`()
            async throws
        {
            try await Self.withFiles { depot in
                let names = (1...25).map { "missing-\($0)" }
                for (more, count) in [([], 10), (["--verbose"], 25)] {
                    let outcome = try await depot.run(["delete"] + names + more)
                    #expect(outcome.status == 3)
                    let lines = outcome.complaint.split(separator: "\n")
                    #expect(lines.count { $0.hasPrefix("depot: missing-") } == count)
                    let last = try #require(lines.last)
                    #expect(last.hasPrefix("depot: 25 of 25 names could not be deleted"))
                    #expect(last.hasSuffix("with --verbose each of them is told") == more.isEmpty)
                }
            }
        }

        @Test func `replicas are called by their names`() async throws {
            try await Self.withFiles { depot in
                let id = try await depot.id(ofReplica: 0)
                let info = try await depot.run(["info", "small", "--chunks"])
                #expect(info.text.contains("  10  r0\n"), "\(info.text)")
                #expect(!info.text.contains(id.prefix(8)))
                let short = try await depot.run(["info", "small"])
                #expect(!short.text.contains("CHUNK"))
            }
        }

        @Test func `colours are for terminals, and for who wants them`() async throws {
            try await Self.withFiles { depot in
                func status(_ command: String) async throws -> String {
                    let outcome = try await depot.bash(command, [Composition.executable])
                    #expect(outcome.status == 0, "\(outcome.complaint)")
                    return outcome.text
                }
                func onTerminal(_ variables: String) async throws -> String {
                    try await status(
                        "env -u NO_COLOR \(variables) script -qec \"$0 status\" /dev/null")
                }
                let colour = "\u{1B}[32mup"
                let shown = try await onTerminal("TERM=xterm")
                let unwanted = try await onTerminal("TERM=xterm NO_COLOR=1")
                let dumb = try await onTerminal("TERM=dumb")
                let piped = try await status("env -u NO_COLOR $0 status")
                #expect(shown.contains(colour))
                for plain in [unwanted, dumb, piped] { #expect(!plain.contains("\u{1B}")) }
            }
        }

        private struct Line: Decodable {
            struct Progress: Decodable {
                let action: String
                let done: UInt64
            }

            let progress: Progress?
            let manifest: String?
        }

        @Test func `programs are told how far it is, and then the result`() async throws {
            try await Self.withFiles { depot in
                let slow = """
                    { for i in 1 2 3 4 5 6; do head -c 3000000 /dev/urandom; sleep 0.5; done; } \
                    | "$0" deposit - 1 --as slow --json
                    """
                for more in ["", " --progress"] {
                    let outcome = try await depot.bash(slow + more, [Composition.executable])
                    #expect(outcome.status == 0, "\(outcome.complaint)")
                    let lines = try outcome.text.split(separator: "\n").map {
                        try JSONDecoder().decode(Line.self, from: Data($0.utf8))
                    }
                    #expect(lines.last?.manifest != nil)
                    #expect((lines.count > 1) == !more.isEmpty)
                    for line in lines.dropLast() {
                        #expect(line.progress?.action == "deposit")
                        #expect(line.progress?.done ?? 0 > 0)
                    }
                }
            }
        }

        private struct Help: Decodable {
            struct Command: Decodable {
                let commandName: String
                let discussion: String?
                let subcommands: [Command]?
                let arguments: [Argument]?
            }
            struct Argument: Decodable {
                struct Name: Decodable { let name: String }
                let names: [Name]?
            }

            let command: Command
        }

        /// Examples go out of date where nobody looks.
        @Test func `each command has examples, of options that it has`() async throws {
            var dump = Data()
            try await Composition.with(replicas: 1) { depot in
                dump = try await depot.run(["--experimental-dump-help"]).output
            }
            let root = try JSONDecoder().decode(Help.self, from: dump).command
            var seen = 0
            func walk(_ command: Help.Command, _ path: String) {
                for next in command.subcommands ?? [] where next.commandName != "help" {
                    walk(next, "\(path) \(next.commandName)")
                }
                guard path != "depot" else { return }
                let examples =
                    (command.discussion ?? "").split(separator: "EXAMPLES:\n").last
                    .map(String.init) ?? ""
                // A line that ends with a backslash goes on.
                let lines = examples.replacing("\\\n", with: " ").split(separator: "\n")
                    .map { String($0.split(separator: "#").first ?? "") }
                let own = lines.filter { $0.contains("\(path) ") || $0.hasSuffix(path) }
                let isGroup = !(command.subcommands ?? []).isEmpty
                #expect(isGroup || !own.isEmpty, "\(path) has no example")
                let options = Set(
                    (command.arguments ?? []).flatMap { ($0.names ?? []).map(\.name) })
                for line in own where !isGroup {
                    let words = line.split(separator: "|").first { $0.contains(path) } ?? ""
                    for word in words.split(separator: " ") where word.hasPrefix("-") && word != "-"
                    {
                        let name = word.drop { $0 == "-" }
                        #expect(options.contains(String(name)), "\(path): \(word)")
                        seen += 1
                    }
                }
            }
            walk(root, "depot")
            #expect(seen > 20)
        }
    }
}
