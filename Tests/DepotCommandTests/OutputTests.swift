import Foundation
import Testing

extension CommandTests {
    /// What reaches whoever called a command: results, or the news that they are not whole.
    @Suite struct Outputs {
        private static let commands: [[String]] = [
            ["list"], ["list", "--json"], ["info", "f"], ["info", "f", "--json"], ["status"],
            ["status", "--json"], ["verify", "--unpaced"], ["verify", "--unpaced", "--json"],
            ["deposit", "files/f", "1", "--as", "f"],
            ["deposit", "files/f", "1", "--as", "f", "--json"], ["collect", "--plan"],
            ["simulate", "--lose", "r0"], ["token"], ["--help"], ["help", "list"], ["--version"],
        ]

        /// Eight commands ended with 0 though a full disk had taken nothing of what they said.
        @Test func `results that cannot be written are an error, and one's own code`() async throws
        {
            try await Self.withFile { depot in
                for command in Self.commands {
                    let full = try await depot.bash(
                        "\"$0\" \"$@\" > /dev/full", [Composition.executable] + command)
                    #expect(full.status == 7, "\(command): \(full.complaint)")
                    #expect(full.complaint.contains("No space left on device"), "\(command)")
                    let gone = try await depot.bash(
                        "{ \"$0\" \"$@\"; echo $? >&2; } | true", [Composition.executable] + command
                    )
                    // Where it was written before the reader had gone, all is well.
                    #expect(
                        ["141\n", "0\n"].contains(gone.complaint), "\(command): \(gone.complaint)")
                    let closed = try await depot.bash(
                        "\"$0\" \"$@\" >&-", [Composition.executable] + command)
                    #expect(closed.status == 74, "\(command): \(closed.complaint)")
                }
                let content = try await depot.bash(
                    "\"$0\" retrieve f -o - > /dev/full", [Composition.executable])
                #expect(content.status == 7, "\(content.complaint)")
            }
        }

        @Test func `nobody is told that a reader has seen enough`() async throws {
            try await Self.withFile { depot in
                // `true` has ended before anything is written.
                for command in ["list --json", "retrieve f -o -"] {
                    let outcome = try await depot.bash(
                        "set -o pipefail; { sleep 0.3; \"$0\" \(command); } | true",
                        [Composition.executable])
                    #expect(outcome.status == 141)
                    #expect(outcome.complaint.isEmpty, "\(outcome.complaint)")
                }
            }
        }

        /// A name turned the direction of the line that it stood in, and hid a character.
        @Test func `names are shown so that nothing of them is hidden, and exactly in JSON`()
            async throws
        {
            try await Composition.with(replicas: 1) { depot in
                let name = "a\u{202E}gpj.exe\u{200B}"
                _ = try await depot.deposit(name, testBytes(10, seed: 1), level: 1)
                let listed = try await depot.run(["list"])
                #expect(listed.text.hasSuffix("  a\\u{202E}gpj.exe\\u{200B}\n"), "\(listed.text)")
                #expect(try await depot.names() == [name])
                let missing = try await depot.run(["info", "\u{2066}x"])
                #expect(missing.complaint.hasPrefix("depot: \\u{2066}x: "), "\(missing.complaint)")
                let refused = try await depot.run(["info", "\u{1B}[31mred\n"])
                #expect(refused.complaint.hasPrefix("depot: \\u{1B}[31mred\\u{0A}: "))
                let usage = try await depot.run(["list", "--\u{1B}[31m"])
                #expect(usage.status == 64 && !usage.complaint.contains("\u{1B}"))
                let exact = try await depot.failure(["info", "\u{2066}x"]).error.object
                #expect(exact == "\u{2066}x")
            }
        }

        @Test func `everything is written by the one writer`() throws {
            let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
                .deletingLastPathComponent().deletingLastPathComponent()
                .appendingPathComponent("Sources/depot")
            let paths = try #require(FileManager.default.enumerator(atPath: sources.path))
            let others = /(^|[^.\w])(print|puts|fputs|debugPrint|dump|NSLog)\(|standardOutput\b/
            for case let path as String in paths where path.hasSuffix(".swift") {
                let text = try String(
                    contentsOf: sources.appendingPathComponent(path), encoding: .utf8)
                #expect(text.firstMatch(of: others) == nil, "\(path)")
            }
        }

        private static func withFile(_ body: (Composition) async throws -> Void) async throws {
            try await Composition.with(replicas: 1) { depot in
                let bytes = testBytes(100_000, seed: 1)
                try bytes.write(to: URL(fileURLWithPath: "\(depot.folder)/files/f"))
                _ = try await depot.deposit("f", bytes, level: 1)
                try await body(depot)
            }
        }
    }
}
