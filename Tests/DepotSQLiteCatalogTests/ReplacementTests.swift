import DepotCore
import DepotTestSupport
import FoundationEssentials
import Testing

@testable import DepotSQLiteCatalog

@Suite struct ReplacementTests {
    /// What lies in the data folder before the catalog is rebuilt.
    enum Before: CaseIterable {
        case nothing, sameCluster, otherCluster, identityFileAlone, damagedIdentityFile
    }

    @Test(arguments: Before.allCases)
    func `a rebuilt catalog takes the place of what was there`(_ before: Before) async throws {
        try await withFolder { folder in
            let cluster = ClusterIdentity(cluster: .random(), epoch: 7)
            try await furnish(folder, before, cluster)
            let aside = try await replace(folder, cluster)
            let hadCatalog = before != .nothing && before != .identityFileAlone
            #expect((aside != nil) == hadCatalog)
            try await expect(folder, cluster)
        }
    }

    /// The last steps of a replacement fail: the new identity file, or the new catalog, is not there to be moved.
    @Test(arguments: [CatalogIdentityFile.fileName, SQLiteCatalog.fileName], Before.allCases)
    func `cut off before its end, a replacement leaves no catalog that opens, and can be run again`(
        _ missing: String, _ before: Before
    ) async throws {
        try await withFolder { folder in
            let cluster = ClusterIdentity(cluster: .random(), epoch: 7)
            try await furnish(folder, before, cluster)
            let error = await thrown {
                _ = try await replace(folder, cluster) {
                    try FileManager.default.removeItem(
                        atPath: folder + "/catalog-rebuild/" + missing)
                }
            }
            #expect(error?.code == .storeFailed)
            let hasIdentityFile = FileManager.default.fileExists(
                atPath: folder + "/" + CatalogIdentityFile.fileName)
            #expect(hasIdentityFile || before == .nothing)
            if hasIdentityFile {
                let refused = await thrown { _ = try await SQLiteCatalog.open(at: folder) }
                #expect(refused?.code == .storeFailed)
                #expect(refused?.message.contains("'depot rebuild-catalog'") == true)
            }
            _ = try await replace(folder, cluster)
            try await expect(folder, cluster)
        }
    }

    private func furnish(
        _ folder: String, _ before: Before, _ cluster: ClusterIdentity
    ) async throws {
        guard before != .nothing else { return }
        let catalog =
            before == .otherCluster
            ? try await SQLiteCatalog.open(at: folder + "/data")
            : try await SQLiteCatalog.makeForRebuild(in: folder + "/data", cluster: cluster)
        try catalog.close()
        for name in [SQLiteCatalog.fileName, CatalogIdentityFile.fileName] {
            try FileManager.default.moveItem(
                atPath: folder + "/data/" + name, toPath: folder + "/" + name)
        }
        let identity = folder + "/" + CatalogIdentityFile.fileName
        switch before {
        case .identityFileAlone:
            try FileManager.default.removeItem(atPath: folder + "/" + SQLiteCatalog.fileName)
        case .damagedIdentityFile: try Data("{".utf8).write(to: URL(fileURLWithPath: identity))
        default: break
        }
    }

    private func replace(
        _ folder: String, _ cluster: ClusterIdentity, before: () throws -> Void = {}
    ) async throws -> String? {
        let replacement = try CatalogReplacement(folder: folder)
        let catalog = try await replacement.make(cluster)
        try await catalog.finishRebuild(missing: [])
        try before()
        return try replacement.replace()
    }

    private func expect(_ folder: String, _ cluster: ClusterIdentity) async throws {
        let catalog = try await SQLiteCatalog.open(at: folder)
        let found = try await catalog.cluster()
        #expect(found == cluster)
        #expect(
            try CatalogIdentityFile(in: folder) == CatalogIdentityFile(cluster: cluster.cluster))
        #expect(!FileManager.default.fileExists(atPath: folder + "/catalog-rebuild"))
        try catalog.close()
    }
}
