import DepotCore
import DepotTestSupport
import FoundationEssentials
import GRDB
import Testing

@testable import DepotSQLiteCatalog

/// A catalog that was lost once came up as a new cluster beside full replicas, which refused it as foreign: nothing said
/// that a catalog was missing. The identity file beside it does.
@Suite struct IdentityFileTests {
    /// What can become of a catalog's files, and how the error begins.
    struct Loss: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var told = "the catalog of cluster "
        var isFoundFirst: Bool { told != "the catalog is damaged" }
        let happen: @Sendable (_ catalog: String) throws -> Void
    }

    private static let losses = [
        Loss(testDescription: "deleted") { try FileManager.default.removeItem(atPath: $0) },
        Loss(testDescription: "emptied") { try Data().write(to: URL(fileURLWithPath: $0)) },
        Loss(testDescription: "cut to 100 bytes") { try cut($0, to: 100) },
        Loss(testDescription: "cut to 511 bytes") { try cut($0, to: 511) },
        Loss(testDescription: "cut to 1,000 bytes", told: "") { try cut($0, to: 1_000) },
        Loss(testDescription: "a new database in its place") { path in
            try FileManager.default.removeItem(atPath: path)
            try edit(path, "VACUUM")
        },
        Loss(testDescription: "no cluster in it") { try edit($0, "DELETE FROM cluster") },
        Loss(testDescription: "no table of clusters in it") { try edit($0, "DROP TABLE cluster") },
        Loss(testDescription: "another one in its place", told: "this catalog is of cluster ") {
            try edit($0, "UPDATE cluster SET cluster = randomblob(16)")
        },
        Loss(testDescription: "a table dropped", told: "the catalog is damaged") {
            try edit($0, "DROP TABLE receipt")
        },
        Loss(testDescription: "an index dropped", told: "the catalog is damaged") {
            try edit($0, "DROP INDEX verdict_replica")
        },
    ]

    @Test(arguments: losses)
    func `a catalog that is lost is told and not made anew`(_ loss: Loss) async throws {
        try await withFolder { folder in
            try await make(folder)
            let identity = try read(folder, CatalogIdentityFile.fileName)
            try loss.happen(path(folder))
            let before = try read(folder, SQLiteCatalog.fileName)
            for _ in 1...2 {
                let error = await thrown { _ = try await SQLiteCatalog.open(at: folder) }
                #expect(error?.code == .storeFailed)
                #expect(error?.message.hasPrefix(loss.told) == true, "\(error?.message ?? "")")
                #expect(error?.message.contains("'depot rebuild-catalog'") == true)
            }
            // What has its cluster is opened before more is found.
            if loss.isFoundFirst {
                #expect(try read(folder, SQLiteCatalog.fileName) == before, "not touched")
            }
            #expect(try read(folder, CatalogIdentityFile.fileName) == identity)
        }
    }

    @Test func `the message names the cluster and what to do`() async throws {
        try await withFolder { folder in
            let cluster = try await make(folder)
            try FileManager.default.removeItem(atPath: path(folder))
            let error = await thrown { _ = try await SQLiteCatalog.open(at: folder) }
            #expect(
                error?.description
                    == "\(path(folder)): the catalog of cluster \(cluster) is missing or empty; "
                    + "nothing was changed. Put it back, or run 'depot rebuild-catalog', which makes "
                    + "it again from the replicas")
        }
    }

    /// SQLite deletes the log beside an empty file, and all that was committed since it was written back with it.
    @Test func `the log beside an emptied catalog is kept`() async throws {
        try await withFolder { folder in
            let catalog = try await SQLiteCatalog.still(at: folder + "/live")
            try await catalog.admit(CatalogFixture.member(1))
            try FileManager.default.copyItem(atPath: folder + "/live", toPath: folder + "/image")
            try catalog.close()
            let log = try read(folder + "/image", SQLiteCatalog.fileName + "-wal")
            #expect(log?.isEmpty == false)
            try Data().write(to: URL(fileURLWithPath: path(folder + "/image")))
            let error = await thrown { _ = try await SQLiteCatalog.open(at: folder + "/image") }
            #expect(error?.code == .storeFailed)
            #expect(try read(folder + "/image", SQLiteCatalog.fileName + "-wal") == log)
        }
    }

    @Test func `a catalog without an identity file gets one, and it stays as it is`() async throws {
        try await withFolder { folder in
            let cluster = try await make(folder)
            let identity = try #require(try read(folder, CatalogIdentityFile.fileName))
            try FileManager.default.removeItem(atPath: folder + "/" + CatalogIdentityFile.fileName)
            // What a crash in the middle of writing it left.
            try Data("{".utf8).write(
                to: URL(fileURLWithPath: folder + "/" + CatalogIdentityFile.temporaryName))
            for _ in 1...2 {
                let again = try await make(folder)
                #expect(again == cluster)
                #expect(try read(folder, CatalogIdentityFile.fileName) == identity)
                #expect(try read(folder, CatalogIdentityFile.temporaryName) == nil)
            }
            #expect(
                String(decoding: identity, as: UTF8.self)
                    == "{\n  \"cluster\" : \"\(cluster)\",\n  \"format\" : 1\n}\n")
        }
    }

    @Test(arguments: [
        ("", DepotError.Code.storeFailed), ("{}", .storeFailed), ("{\"format\":1}", .storeFailed),
        ("{\"format\":2,\"clusters\":[]}", .formatUnsupported),
    ])
    func `an identity file that says nothing is told`(_ text: String, _ code: DepotError.Code)
        async throws
    {
        try await withFolder { folder in
            try await make(folder)
            let before = try read(folder, SQLiteCatalog.fileName)
            try Data(text.utf8).write(
                to: URL(fileURLWithPath: folder + "/" + CatalogIdentityFile.fileName))
            let error = await thrown { _ = try await SQLiteCatalog.open(at: folder) }
            #expect(error?.code == code)
            #expect(try read(folder, SQLiteCatalog.fileName) == before)
        }
    }

    @Test
    func `an identity file that cannot be written fails the opening, and the next one writes it`()
        async throws
    {
        try await withFolder { folder in
            let blocker = folder + "/" + CatalogIdentityFile.temporaryName
            try FileManager.default.createDirectory(
                atPath: blocker, withIntermediateDirectories: false)
            let error = await thrown { _ = try await SQLiteCatalog.open(at: folder) }
            #expect(error?.code == .storeFailed)
            #expect(try read(folder, CatalogIdentityFile.fileName) == nil)
            try FileManager.default.removeItem(atPath: blocker)
            let cluster = try await make(folder)
            #expect(try CatalogIdentityFile(in: folder) == CatalogIdentityFile(cluster: cluster))
        }
    }

    // MARK: Words

    @discardableResult
    private func make(_ folder: String) async throws -> ClusterID {
        let catalog = try await SQLiteCatalog.still(at: folder)
        let cluster = try await catalog.cluster().cluster
        try catalog.close()
        return cluster
    }

    private func path(_ folder: String) -> String { folder + "/" + SQLiteCatalog.fileName }

    private func read(_ folder: String, _ name: String) throws -> Data? {
        let path = folder + "/" + name
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        return try Data(contentsOf: URL(fileURLWithPath: path))
    }

    private static func cut(_ path: String, to size: Int) throws {
        let url = URL(fileURLWithPath: path)
        try Data(Data(contentsOf: url).prefix(size)).write(to: url)
    }

    private static func edit(_ path: String, _ sql: String) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        let database = try DatabaseQueue(path: path, configuration: configuration)
        try database.writeWithoutTransaction { try $0.execute(sql: sql) }
        try database.close()
    }
}
