import Foundation
import Testing

extension CommandTests {
    /// What people at a terminal are told, who mistype, wait and are many files ahead.
    @Suite struct Terminals {
        @Test func `a mistyped command is no argument and no file`() async throws {
            try await Composition.withFiles { depot in
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
            try await Composition.withFiles { depot in
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

        @Test func `the first of many failures are told, and all of them when asked for`()
            async throws
        {
            try await Composition.withFiles { depot in
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
            try await Composition.withFiles { depot in
                let id = try await depot.id(ofReplica: 0)
                let info = try await depot.run(["info", "small", "--chunks"])
                #expect(info.text.contains("  10  r0\n"), "\(info.text)")
                #expect(!info.text.contains(id.prefix(8)))
                let short = try await depot.run(["info", "small"])
                #expect(!short.text.contains("CHUNK"))
            }
        }

        @Test func `colours are for terminals, and for who wants them`() async throws {
            try await Composition.withFiles { depot in
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
            try await Composition.withFiles { depot in
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
