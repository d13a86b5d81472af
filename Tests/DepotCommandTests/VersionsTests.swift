import Foundation
import Testing

extension CommandTests {
    /// What was overwritten or deleted comes back: by its version, by its time, as a file and as a tree.
    @Suite struct Versions {
        /// Times of commits are whole seconds.
        private static func nextSecond() async throws -> Int {
            let now = Int(Date().timeIntervalSince1970)
            while Int(Date().timeIntervalSince1970) == now {
                try await Task.sleep(for: .milliseconds(20))
            }
            return now
        }

        private static func words(
            of name: String, in depot: Composition
        ) async throws -> [VersionList.Word] {
            try await depot.client(["versions", name], as: VersionList.self).versions
        }

        /// In people's spelling: `1-7`.
        private static func short(_ sequence: String) -> String {
            sequence.split(separator: "-").map { String(Int($0) ?? 0) }.joined(separator: "-")
        }

        @Test func `what was overwritten or deleted is read and comes back, after a rebuild, too`()
            async throws
        {
            try await Composition.with(replicas: 3) { depot in
                let contents = (0..<3).map { testBytes(700_000 + $0, seed: 40 + UInt64($0)) }
                _ = try await depot.deposit("f", contents[0])
                let first = try await Self.nextSecond()
                _ = try await depot.deposit("f", contents[1], level: 2)
                let second = try await Self.nextSecond()
                _ = try await depot.run(["delete", "f"])
                let gone = try await Self.nextSecond()
                _ = try await depot.deposit("other", contents[2])
                // Nothing of it goes before its time.
                _ = try await depot.run(["collect", "--grace", "0s"])
                func checkHistory() async throws {
                    let words = try await Self.words(of: "f", in: depot)
                    #expect(words.count == 3 && words.map(\.isCurrent) == [true, false, false])
                    for (word, bytes) in zip(words.dropFirst(), [contents[1], contents[0]]) {
                        let version = "f@\(Self.short(word.sequence))"
                        #expect(try await depot.retrieve(version).bytes == bytes, "\(version)")
                    }
                    for (time, bytes) in [(first, contents[0]), (second, contents[1])] {
                        let outcome = try await depot.run(
                            ["retrieve", "f", "--at", "@\(time)", "-o", "-"])
                        #expect(outcome.output == bytes, "at \(time)")
                    }
                    for time in [first - 1_000, gone] {
                        let absent = try await depot.failure(["retrieve", "f", "--at", "@\(time)"])
                        #expect(absent.status == 3, "at \(time)")
                    }
                    let deleted = try await depot.client(["list", "--deleted"], as: Listing.self)
                    #expect(deleted.files.map(\.name) == ["f"])
                }
                try await checkHistory()
                try await depot.remakeCatalog(stopping: SIGTERM)
                try await checkHistory()
                let undeleted = try await depot.run(["undelete", "f"])
                #expect(undeleted.status == 0 && undeleted.text.hasPrefix("f is back, as f@2-"))
                #expect(try await depot.retrieve("f").bytes == contents[1])
                #expect(try await depot.info("f").level == 2)
                let oldest = try #require(try await Self.words(of: "f", in: depot).last)
                let reverted = try await depot.run(["revert", "f@\(Self.short(oldest.sequence))"])
                #expect(reverted.status == 0)
                #expect(try await depot.retrieve("f").bytes == contents[0])
                #expect(try await depot.info("f").level == 3)
                #expect(try await depot.failure(["undelete", "f"]).status == 4)
                #expect(try await depot.failure(["undelete", "never"]).status == 3)
                #expect(try await depot.failure(["revert", "f"]).status == 64)
                #expect(try await depot.failure(["retrieve", "f@9-9"]).status == 3)
                try await Self.purge(depot)
            }
        }

        private static func purge(_ depot: Composition) async throws {
            _ = try await depot.run(["delete", "--purge", "f"])
            #expect(try await depot.failure(["undelete", "f"]).status == 3)
            #expect(try await Self.words(of: "f", in: depot).count == 1)
            let deleted = try await depot.client(["list", "--deleted"], as: Listing.self)
            #expect(deleted.files.isEmpty)
            try await poll("what was purged is given back") {
                try await depot.client(["collect", "--grace", "0s"], as: Collected.self)
                    .deletedCopies > 0
            }
        }

        @Test func `a tree comes back as it was at an instant`() async throws {
            try await Composition.with(replicas: 1) { depot in
                let (tree, back) = (depot.newPath(), depot.newPath())
                let make = "mkdir -p $1/in; cd $1; echo 1 > a; echo 2 > in/b; ln -s a l; echo 3 > c"
                _ = try await depot.bash(make, ["make", tree])
                let mirror = ["deposit", "-r", tree, "1", "--as", "t", "--mirror"]
                _ = try await depot.run(mirror)
                let then = try await Self.nextSecond()
                let saved = depot.newPath()
                _ = try await depot.bash("cp -a $1 $2", ["save", tree, saved])
                _ = try await depot.bash(
                    "cd $1; echo new > a; rm -r in l; mkdir l", ["change", tree])
                _ = try await depot.run(mirror)
                let listed = try await depot.run(["list", "t/", "--at", "@\(then)"])
                #expect(listed.text.contains("t/in/b\n") && listed.text.contains("t/l -> a\n"))
                let changes = try await depot.run(["diff", "t/", "--at", "@\(then)"])
                #expect(
                    changes.text.split(separator: "\n").map(String.init) == [
                        "~ t/a  2 B → 4 B", "- t/in  0 B", "- t/in/b  2 B", "~ t/l  0 B → 0 B",
                        "4 names: 4 B before, 4 B after",
                    ])
                let retrieved = try await depot.run(
                    ["retrieve", "-r", "t", "--at", "@\(then)", "-o", back])
                #expect(retrieved.status == 0, "\(retrieved.complaint)")
                let difference = try await depot.bash(
                    "rsync -aHn --delete --itemize-changes $1/ $2/", ["compare", saved, back])
                #expect(difference.status == 0 && difference.text.isEmpty, "\(difference.text)")
                let undeleted = try await depot.run(["undelete", "-r", "t"])
                #expect(undeleted.text.hasSuffix("2 names brought back\n"), "\(undeleted.text)")
                #expect(try await depot.retrieve("t/in/b").bytes == Data("2\n".utf8))
                #expect(try await depot.retrieve("t/a").bytes == Data("new\n".utf8))
            }
        }

        @Test func `a name that looks like a version is a name`() async throws {
            try await Composition.with(replicas: 1) { depot in
                let bytes = testBytes(10, seed: 3)
                _ = try await depot.deposit("p", testBytes(5, seed: 4), level: 1)
                _ = try await depot.deposit("p@1-1", bytes, level: 1)
                #expect(try await depot.retrieve("p@1-1").bytes == bytes)
            }
        }

        @Test func `a purge of a tree leaves nothing of what was deleted before`() async throws {
            try await Composition.with(replicas: 1) { depot in
                for name in ["t/a", "t/b", "u"] {
                    _ = try await depot.deposit(name, testBytes(5, seed: 4), level: 1)
                    _ = try await depot.run(["delete", name])
                }
                _ = try await depot.deposit("t/c", testBytes(5, seed: 4), level: 1)
                let purged = try await depot.run(["delete", "-r", "--purge", "t"])
                #expect(purged.status == 0 && purged.text.hasSuffix("deleted 3 names\n"))
                let left = try await depot.client(["list", "--deleted"], as: Listing.self)
                #expect(left.files.map(\.name) == ["u"])
            }
        }

        /// What only a member that was away had of older versions was collected when it came back.
        @Test func `versions that a missing member has come back with it`() async throws {
            try await Composition.with(
                replicas: 3, serve: ["--collection-grace", "0s", "--collection-period", "1s"]
            ) { depot in
                let old = (0..<6).map { testBytes(400_000, seed: 60 + UInt64($0)) }
                for (number, bytes) in old.enumerated() {
                    _ = try await depot.deposit("f\(number)", bytes, level: 1)
                    _ = try await depot.deposit("f\(number)", testBytes(9, seed: 7), level: 3)
                }
                _ = try await depot.stopServer(SIGTERM)
                _ = try await depot.stopReplica(0, SIGTERM)
                try FileManager.default.removeItem(atPath: depot.serverFolder)
                let rebuilt = try await depot.run(
                    ["rebuild-catalog", "--data", depot.serverFolder, "--accept-missing"]
                        + depot.replicaOptions(without: [0]))
                #expect(rebuilt.status == 0, "\(rebuilt.complaint)")
                try await depot.startServer()
                try await depot.startReplica(0)
                try await poll("all versions to be back") {
                    var found = 0
                    for number in old.indices {
                        found += try await Self.words(of: "f\(number)", in: depot).count
                    }
                    return found == 2 * old.count
                }
                // Collections go on.
                for _ in 0..<3 { _ = try await depot.run(["collect"]) }
                for (number, bytes) in old.enumerated() {
                    let word = try #require(try await Self.words(of: "f\(number)", in: depot).last)
                    let version = "f\(number)@\(Self.short(word.sequence))"
                    #expect(try await depot.retrieve(version).bytes == bytes, "\(version)")
                }
            }
        }

        @Test func `of two writers the one that expected something else is told`() async throws {
            try await Composition.with(replicas: 1) { depot in
                let (mine, other) = (testBytes(10, seed: 1), testBytes(20, seed: 2))
                let first = try await depot.deposit("f", mine, level: 1, ["--if-absent"])
                let path = try depot.write(other)
                let deposit = ["deposit", path, "1", "--as", "f"]
                #expect(try await depot.failure(deposit + ["--if-absent"]).status == 4)
                #expect(try await depot.failure(deposit + ["--if-sequence", "9-9"]).status == 4)
                #expect(try await depot.failure(deposit + ["--if-sequence", "x"]).status == 64)
                #expect(try await depot.retrieve("f").bytes == mine)
                let expecting = deposit + ["--if-sequence", Self.short(first.sequence)]
                #expect(try await depot.run(expecting).status == 0)
                #expect(try await depot.failure(expecting).status == 4)
                #expect(try await depot.retrieve("f").bytes == other)
            }
        }

        @Test func `without a time for versions nothing is kept`() async throws {
            try await Composition.with(
                replicas: 1, serve: ["--keep-versions", "0s", "--collection-grace", "0s"]
            ) { depot in
                _ = try await depot.deposit("f", testBytes(10, seed: 1), level: 1)
                _ = try await depot.deposit("f", testBytes(20, seed: 2), level: 1)
                #expect(try await Self.words(of: "f", in: depot).count == 1)
                _ = try await depot.run(["delete", "f"])
                #expect(try await depot.failure(["undelete", "f"]).status == 3)
            }
        }
    }
}
