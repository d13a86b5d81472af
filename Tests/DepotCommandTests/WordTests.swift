import Foundation
import Testing

extension CommandTests {
    /// What the words of a command line mean, and what they are not taken for.
    @Suite struct Words {
        @Test func `a name with a hyphen in front is no help that was asked for`() async throws {
            try await Composition.withFiles { depot in
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
            try await Composition.withFiles { depot in
                let path = depot.newPath()
                try "mine".write(toFile: path, atomically: true, encoding: .utf8)
                let outcome = try await depot.run(
                    ["retrieve", "small", "--overwrite", "never", "-o", path])
                #expect(outcome.status == 64)
                #expect(try String(contentsOfFile: path, encoding: .utf8) == "mine")
            }
        }

        @Test func `all of a depot comes back with one command`() async throws {
            try await Composition.withFiles { depot in
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
            try await Composition.withFiles { depot in
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

        @Test func `a version is wanted as it is listed`() async throws {
            try await Composition.withFiles { depot in
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

        @Test func `a folder is a folder with a slash behind it, too`() async throws {
            try await Composition.withFiles { depot in
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
    }
}
