import Foundation
import Testing

extension CommandTests {
    /// catalog.sqlite and index.sqlite were 0644 in a folder that was made by hand.
    @Suite struct DataFolders {
        @Test
        func `what a daemon makes or finds in its folder is for nobody else to read`() async throws
        {
            try await Composition.with(replicas: 1, prepare: Self.makeByHand) { depot in
                _ = try await depot.deposit("file", testBytes(1_000_000, seed: 91), level: 1)
                #expect(try Self.open(depot) == [])
                // What an older depot has left.
                let paths = try Self.folders(depot).flatMap { folder in
                    try FileManager.default.subpathsOfDirectory(atPath: folder).map {
                        "\(folder)/\($0)"
                    }
                }
                #expect(paths.count >= 6)
                #expect(try await depot.stopServer(SIGTERM) == 0)
                #expect(try await depot.stopReplica(0, SIGTERM) == 0)
                for path in paths where FileManager.default.fileExists(atPath: path) {
                    try FileManager.default.setAttributes(
                        [.posixPermissions: 0o755], ofItemAtPath: path)
                }
                try await depot.startReplica(0)
                try await depot.startServer()
                #expect(try Self.open(depot) == [])
            }
        }

        private static func makeByHand(_ depot: Composition) throws {
            for folder in folders(depot) {
                try FileManager.default.createDirectory(
                    atPath: folder, withIntermediateDirectories: true,
                    attributes: [.posixPermissions: 0o755])
            }
        }

        private static func folders(_ depot: Composition) -> [String] {
            [depot.replicaFolder(0), "\(depot.folder)/server"]
        }

        /// What others have a right to, below the folders.
        private static func open(_ depot: Composition) throws -> [String] {
            try folders(depot).flatMap { folder in
                try FileManager.default.subpathsOfDirectory(atPath: folder).filter { path in
                    // A daemon may have renamed it meanwhile.
                    var status = stat()
                    return lstat("\(folder)/\(path)", &status) == 0 && status.st_mode & 0o077 != 0
                }
            }
        }
    }
}
