import Foundation
import Testing

extension CommandTests {
    @Suite struct TreeFolders {
        /// Empty folders vanished and nobody said so; what only its owner could enter came back open.
        @Test
        func `what is left out of a tree is told, and nothing comes back more open than it was`()
            async throws
        {
            try await Composition.with(replicas: 1) { depot in
                let (tree, back) = (depot.newPath(), depot.newPath())
                let files = FileManager.default
                for folder in [".ssh", "empty", "outer/inner"] {
                    try files.createDirectory(
                        atPath: "\(tree)/\(folder)", withIntermediateDirectories: true)
                }
                try Data("secret".utf8).write(to: URL(fileURLWithPath: "\(tree)/.ssh/config"))
                #expect(
                    chmod("\(tree)/.ssh", 0o700) == 0 && chmod("\(tree)/.ssh/config", 0o644) == 0)
                #expect(
                    mkfifo("\(tree)/pipe", 0o600) == 0
                        && mkfifo("\(tree)/outer/pipe", 0o600) == 0)
                let deposited = try await depot.run(["deposit", "-r", tree, "1", "--as", "t"])
                #expect(deposited.status == 0)
                // The first of a kind is told, the others are counted.
                #expect(deposited.complaint.split(separator: "\n").count == 1)
                #expect(deposited.complaint.contains("pipe: a pipe"))
                #expect(deposited.text.contains("left out: 2 × a pipe"))
                let receipt = try await depot.client(
                    ["deposit", "-r", tree, "1", "--as", "t"], as: TreeReceipt.self)
                #expect(receipt.skipped.count == 2 && receipt.totals.files == 1)
                let retrieved = try await depot.run(["retrieve", "-r", "t", "-o", back])
                #expect(retrieved.status == 0)
                #expect(retrieved.complaint.isEmpty)
                let modes = [
                    (".ssh", 0o700), (".ssh/config", 0o644), ("empty", 0o755),
                    ("outer/inner", 0o755),
                ]
                for (name, mode) in modes {
                    let attributes = try files.attributesOfItem(atPath: "\(back)/\(name)")
                    #expect(attributes[.posixPermissions] as? Int == mode, "\(name)")
                }
            }
        }

        @Test func `a folder that only names lead through is for its owner alone`() async throws {
            try await Composition.with(replicas: 1) { depot in
                let (back, bytes) = (depot.newPath(), testBytes(10, seed: 6))
                _ = try await depot.deposit("a/b/c", bytes, level: 1)
                let retrieved = try await depot.run(["retrieve", "-r", "a", "-o", back])
                #expect(retrieved.status == 0)
                #expect(
                    retrieved.complaint.contains("2 folders made that only the owner can enter"))
                for name in ["", "/b"] {
                    let attributes = try FileManager.default.attributesOfItem(
                        atPath: "\(back)\(name)")
                    #expect(attributes[.posixPermissions] as? Int == 0o700, "\(name)")
                }
            }
        }

        /// `-o /dev/stdout > file` replaced the link, or wrote its own words behind the file.
        @Test func `a link to standard output is standard output, for files and receipts`()
            async throws
        {
            try await Composition.with(replicas: 1) { depot in
                let (bytes, link) = (testBytes(300_000, seed: 5), depot.newPath())
                #expect(symlink("/proc/self/fd/1", link) == 0)
                _ = try await depot.deposit("f", bytes, level: 1)
                let retrieved = try await depot.run(["retrieve", "f", "-o", link])
                #expect(retrieved.status == 0 && retrieved.output == bytes)
                let deposited = try await depot.run(
                    ["deposit", depot.write(bytes), "1", "--as", "g", "--receipt", link, "-q"])
                #expect(deposited.status == 0 && deposited.text.contains("\"name\":\"g\""))
                #expect(
                    try FileManager.default.destinationOfSymbolicLink(atPath: link)
                        == "/proc/self/fd/1")
            }
        }
    }
}
