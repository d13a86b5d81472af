import Foundation
import Testing

extension CommandTests {
    /// A tree that is deposited again: what is in the depot as it is costs no reading.
    @Suite struct UnchangedFiles {
        private static let settled = ["--settled", "2s"]

        /// Until files that are there have been left alone for long enough.
        private static func waitUntilSettled(_ path: String) async throws {
            try await poll("\(path) to be left alone") {
                var status = stat()
                return stat(path, &status) == 0 && time(nil) - status.st_ctim.tv_sec > 3
            }
        }

        /// Some files, folders and links, of 20 MB in all.
        private static func makeTree(_ depot: Composition) async throws -> String {
            let tree = depot.newPath()
            let script = """
                set -e; mkdir -p "$1/sub/empty"; cd "$1"
                head -c 20000000 /dev/urandom > large; echo 1 > a; echo 2 > sub/b; echo 3 > sub.c
                ln -s a link
                """
            let made = try await depot.bash(script, ["make", tree])
            try #require(made.status == 0, "\(made.complaint)")
            try await waitUntilSettled("\(tree)/link")
            return tree
        }

        private static func deposit(
            _ tree: String, _ more: [String] = [], in depot: Composition
        ) async throws -> TreeReceipt {
            try await depot.client(
                ["deposit", "-r", tree, "1", "--as", "t", "--recheck", "0"] + settled + more,
                as: TreeReceipt.self)
        }

        @Test func `what is as it was is neither read nor deposited`() async throws {
            try await Composition.with(replicas: 1) { depot in
                let tree = try await Self.makeTree(depot)
                let script = """
                    set -e; read_so_far() { sed -n 's/^rchar: //p' /proc/$$/io; }
                    first=$(read_so_far)
                    "$@"
                    second=$(read_so_far)
                    "$@"
                    third=$(read_so_far)
                    echo $((second - first)) $((third - second))
                    """
                let command = [
                    Composition.executable, "deposit", "-r", tree, "1", "--as", "t", "--recheck",
                    "0",
                ]
                let outcome = try await depot.bash(script, ["script"] + command + Self.settled)
                #expect(outcome.status == 0 && outcome.complaint.isEmpty, "\(outcome.complaint)")
                let lines = outcome.text.split(separator: "\n")
                try #require(lines.count == 3, "\(outcome.text)")
                #expect(lines[0].hasPrefix("4 files, 3 folders, 1 link  "))
                #expect(
                    lines[1]
                        == "0 files  0 B  nothing new: all of it was there  "
                        + "unchanged: 4 files, 3 folders, 1 link")
                let bytes = lines[2].split(separator: " ").compactMap { Int($0) }
                #expect(bytes[0] > 20_000_000)
                #expect(bytes[1] < 2_000_000)
            }
        }

        @Test func `what changed here or there is deposited again`() async throws {
            try await Composition.with(replicas: 2) { depot in
                let tree = try await Self.makeTree(depot)
                #expect(try await Self.deposit(tree, in: depot).totals.files == 4)
                // The same size, and the same time of modification.
                let change = "cd $1; touch -r a time; echo 9 > a; touch -r time a; rm time"
                _ = try await depot.bash(change, ["change", tree])
                _ = try await depot.deposit("t/sub/b", testBytes(2, seed: 1), level: 1)
                _ = try await depot.run(["delete", "t/sub.c"])
                let changed = try await Self.deposit(tree, in: depot)
                #expect(Set(changed.files.map(\.name)) == ["t/a", "t/sub/b", "t/sub.c"])
                #expect(changed.totals.unchanged.files == 1)
                #expect(try await depot.retrieve("t/a").bytes == Data("9\n".utf8))
                #expect(try await depot.retrieve("t/sub/b").bytes == Data("2\n".utf8))
                let leveled = try await depot.client(
                    ["deposit", "-r", tree, "2", "--as", "t", "--recheck", "0"] + Self.settled,
                    as: TreeReceipt.self)
                #expect(leveled.totals.files == 4)
                #expect(leveled.totals.unchanged.files == 0)
            }
        }

        @Test func `everything is read where that is asked for, or each name needs a receipt`()
            async throws
        {
            try await Composition.with(replicas: 1) { depot in
                let tree = try await Self.makeTree(depot)
                _ = try await Self.deposit(tree, in: depot)
                let id = UUID().uuidString.lowercased()
                for more in [["--reread"], ["--receipt", depot.newPath()], ["--deposit-id", id]] {
                    let again = try await Self.deposit(tree, more, in: depot)
                    #expect(again.totals.files == 4 && again.totals.unchanged.files == 0, "\(more)")
                }
                // They are remembered all the same.
                #expect(try await Self.deposit(tree, in: depot).totals.unchanged.files == 4)
            }
        }

        @Test func `a mirror keeps what is unchanged, and whole names need no prefix`() async throws
        {
            try await Composition.with(replicas: 1) { depot in
                let tree = try await Self.makeTree(depot)
                _ = try await Self.deposit(tree, in: depot)
                _ = try await depot.bash("rm $1/sub/b", ["change", tree])
                let mirrored = try await Self.deposit(tree, ["--mirror"], in: depot)
                #expect(mirrored.totals.unchanged.files == 3)
                #expect(!(try await depot.names()).contains("t/sub/b"))
                #expect(try await depot.names().contains("t/large"))
                let bare = ["deposit", "-r", tree, "1", "--recheck", "0"] + Self.settled
                let first = try await depot.client(bare, as: TreeReceipt.self)
                #expect(first.totals.files == 3)
                let second = try await depot.client(bare, as: TreeReceipt.self)
                #expect(second.totals.files == 0 && second.totals.unchanged.files == 3)
            }
        }

        @Test func `a cache that is lost or no cache costs reading and nothing else`() async throws
        {
            try await Composition.with(replicas: 1) { depot in
                let tree = try await Self.makeTree(depot)
                _ = try await Self.deposit(tree, in: depot)
                let cache = "\(depot.folder)/cache/depot"
                for script in [
                    "rm -r \"$1\"",
                    "for f in \"$1\"/*.sqlite; do head -c 9999 /dev/urandom > $f; done",
                    "chmod 777 \"$1\"",
                ] {
                    _ = try await depot.bash(script, ["lose", cache])
                    let again = try await Self.deposit(tree, in: depot)
                    #expect(again.totals.files == 4, "\(script)")
                }
                let told = try await depot.run(
                    ["deposit", "-r", tree, "1", "--as", "t", "--recheck", "0"] + Self.settled)
                #expect(told.status == 0)
                let note = "note: the cache is not used: its folder is another user's, or others"
                #expect(told.complaint.hasPrefix(note), "\(told.complaint)")
                #expect(told.complaint.split(separator: "\n").count == 1)
            }
        }

        /// Without `--settled` only what was left alone for a minute counts.
        @Test func `a file that was young when it was read is read again`() async throws {
            try await Composition.with(replicas: 1) { depot in
                let tree = depot.newPath()
                _ = try await depot.bash("mkdir $1; echo 1 > $1/a", ["make", tree])
                for _ in 0..<2 {
                    let told = try await depot.client(
                        ["deposit", "-r", tree, "1", "--as", "t"], as: TreeReceipt.self)
                    #expect(told.totals.files == 1)
                }
            }
        }

        /// Pages that are written to by way of memory, again before the kernel has written them out, leave no trace:
        /// on a file system in memory never.
        @Test func `a share of the files is read all the same, and a disagreement is told loudly`()
            async throws
        {
            try await Composition.with(replicas: 1) { depot in
                let tree = "/dev/shm/depot-\(UUID().uuidString)"
                defer { try? FileManager.default.removeItem(atPath: tree) }
                try FileManager.default.createDirectory(
                    atPath: tree, withIntermediateDirectories: true)
                let path = "\(tree)/mapped"
                try Data(repeating: 1, count: 8_192).write(to: URL(fileURLWithPath: path))
                let descriptor = open(path, O_RDWR)
                defer { close(descriptor) }
                let memory = try #require(
                    mmap(nil, 8_192, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0))
                defer { munmap(memory, 8_192) }
                memory.storeBytes(of: 2, as: UInt8.self)
                try await Self.waitUntilSettled(path)
                #expect(try await Self.deposit(tree, in: depot).totals.files == 1)
                memory.storeBytes(of: 3, as: UInt8.self)
                #expect(try await Self.deposit(tree, in: depot).totals.files == 0)
                let check = ["deposit", "-r", tree, "1", "--as", "t", "--recheck", "100", "--json"]
                let outcome = try await depot.run(check + Self.settled)
                #expect(outcome.status == 0)
                #expect(outcome.complaint.contains("t/mapped: CHANGED WITHOUT A TRACE"))
                let told = try JSONDecoder().decode(TreeReceipt.self, from: outcome.output)
                #expect(told.totals.changedUnseen == 1 && told.totals.files == 1)
                #expect(try await depot.retrieve("t/mapped").bytes.first == 3)
                let after = try await depot.run(check + Self.settled)
                #expect(after.complaint.isEmpty)
            }
        }
    }
}
