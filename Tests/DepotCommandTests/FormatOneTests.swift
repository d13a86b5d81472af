import Foundation
import Testing

extension CommandTests {
    /// Folders that the last build before format 2 made: a FileServer's and those of three replicas.
    @Suite struct FormatOne {
        private static let archive = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/format-1.tar.gz").path
        private static let hello = Data("hello, depot\n".utf8)
        private static let numbers = Data((1...2_000).map { "\($0)\n" }.joined().utf8)
        /// Two chunks, so that its manifest is on replicas.
        private static let zeros = Data(count: 9 << 20)
        private static let files = [
            "empty": Data(), "folder/é \"quoted\"": hello, "hello": hello, "numbers": numbers,
            "replaced": Data("second\n".utf8), "zeros": zeros,
        ]

        private static func unpack(_ depot: Composition) throws {
            let tar = Process()
            tar.executableURL = URL(fileURLWithPath: "/bin/tar")
            tar.arguments = ["-C", depot.folder, "-xzf", archive]
            try tar.run()
            tar.waitUntilExit()
            try #require(tar.terminationStatus == 0)
            let files = FileManager.default
            try files.moveItem(
                atPath: "\(depot.folder)/fileserver", toPath: depot.serverFolder)
            for number in 0..<3 {
                try files.moveItem(
                    atPath: "\(depot.folder)/replica\(number + 1)",
                    toPath: "\(depot.folder)/unpacked\(number)")
            }
            for number in 0..<3 {
                try files.moveItem(
                    atPath: "\(depot.folder)/unpacked\(number)",
                    toPath: depot.replicaFolder(number))
            }
        }

        private static func expectFiles(_ depot: Composition, _ others: [String] = []) async throws
        {
            #expect(try await depot.names() == (files.keys + others).sorted())
            for (name, bytes) in files {
                #expect(try await depot.retrieve(name).bytes == bytes, "\(name)")
            }
        }

        @Test func `what the last format has is served, changed and carried over`() async throws {
            try await Composition.with(replicas: 3, prepare: Self.unpack) { depot in
                try await Self.expectFiles(depot)
                let path = "\(depot.folder)/files/numbers"
                #expect(try await depot.run(["retrieve", "numbers", "-o", path]).status == 0)
                var status = stat()
                #expect(stat(path, &status) == 0)
                #expect(status.st_mtim.tv_sec == 915_148_800)
                #expect(status.st_mtim.tv_nsec == 123_456_789)
                #expect(try await depot.verify(["--unpaced"]).exitCode == 0)
                // The same content is there, whichever way its record names it.
                let again = try await depot.deposit("again", Self.zeros, level: 2)
                #expect(again.newChunks == 0)
                let small = try await depot.deposit("small", Self.hello, level: 3)
                #expect(small.newChunks == 0)
                #expect(try await depot.deposit("nothing", Data(), level: 3).chunks == 0)
                for level in ["2", "3"] {
                    for name in ["empty", "numbers", "nothing"] {
                        let change = ["change-replication", name, level]
                        #expect(try await depot.run(change).status == 0)
                    }
                }
                #expect(try await depot.run(["delete", "again"]).status == 0)
                #expect(try await depot.run(["collect", "--grace", "0s"]).status == 0)
                try await Self.expectFiles(depot, ["nothing", "small"])
                #expect(try await depot.stopServer(SIGTERM) == 0)
                try await depot.startServer()
                try await Self.expectFiles(depot, ["nothing", "small"])
                #expect(try await depot.verify(["--unpaced"]).exitCode == 0)
            }
        }

        @Test func `a catalog is made again from replicas of the last format`() async throws {
            try await Composition.with(replicas: 3, prepare: Self.unpack) { depot in
                _ = try await depot.deposit("new", Self.hello, level: 3)
                #expect(try await depot.deposit("nothing", Data(), level: 3).chunks == 0)
                #expect(try await depot.run(["change-replication", "zeros", "3"]).status == 0)
                #expect(try await depot.stopServer(SIGTERM) == 0)
                try FileManager.default.removeItem(atPath: depot.serverFolder)
                let rebuilt = try await depot.client(
                    ["rebuild-catalog", "--data", depot.serverFolder] + depot.replicaOptions(),
                    as: Rebuilt.self)
                #expect(rebuilt.isComplete && rebuilt.report.files == 8)
                #expect(rebuilt.report.tombstones == 1)
                try await depot.startServer()
                try await Self.expectFiles(depot, ["new", "nothing"])
                #expect(try await depot.info("zeros").level == 3)
                #expect(try await depot.verify(["--unpaced"]).exitCode == 0)
            }
        }
    }
}
