import DepotCore
import DepotWire
import FoundationEssentials
import Testing

@testable import DepotSQLiteCatalog

/// A catalog that is looked at while it is in use, as large ones are.
@Suite struct CatalogDamageTests {
    private static let data = TestDepositor.data(9_000, seed: 61)

    /// Has the header tell of one page more than anything uses: only going over all of them shows that.
    private func damage(_ folder: String) async throws {
        let catalog = try await SQLiteCatalog.open(at: folder)
        try catalog.queue.emptyLog()
        try catalog.close()
        let url = URL(fileURLWithPath: folder + "/" + SQLiteCatalog.fileName)
        var bytes = try [UInt8](Data(contentsOf: url))
        bytes += [UInt8](repeating: 0, count: 4_096)
        let pages = UInt32(bytes.count / 4_096)
        withUnsafeBytes(of: pages.bigEndian) { bytes.replaceSubrange(28..<32, with: $0) }
        try Data(bytes).write(to: url)
    }

    @Test func `one that turns out to be damaged is read from, and takes no more writes`()
        async throws
    {
        let replicas = (0..<2).map { _ in FakeReplica() }
        try await TestDepot.inFolder { folder in
            try await TestDepot.start(on: replicas, in: folder) { depot in
                try await depot.deposit("file", Self.data, level: 2)
                #expect(try await depot.status().problem == nil)
            }
            try await damage(folder)
            try await TestDepot.start(on: replicas, in: folder, checkedMax: ByteCount(0)) { depot in
                try await depot.eventually("it says so") {
                    try await depot.status().problem != nil
                }
                let problem = try #require(try await depot.status().problem)
                #expect(problem.contains("the FileServer is read-only: the catalog is damaged"))
                #expect(problem.contains("'depot rebuild-catalog'"))
                let opened = try await TestDepositor(depot).open(level: 2)
                #expect(opened.error?.code == .storeFailed)
                #expect(opened.error?.message.contains("'depot rebuild-catalog'") == true)
                let put = try await depot.http.call(
                    .PUT, "/v1/files/x?level=2", body: [Self.data])
                #expect(put.error?.code == .storeFailed)
                let deleted = try await depot.http.call(.DELETE, "/v1/files/file")
                #expect(deleted.error?.code == .storeFailed)
                #expect(try await depot.changeLevel("file", 1).error?.code == .storeFailed)
                #expect(try await depot.content("file").body == Self.data)
                let known = try await depot.goodCopies("file").values
                #expect(known.allSatisfy { $0.count == 2 })
            }
        }
    }

    @Test func `a deposit that was begun before the damage was found is not committed`()
        async throws
    {
        let replicas = (0..<2).map { _ in FakeReplica() }
        let deposit = DepositID.random()
        let file = try TestDepositor.file(Self.data)
        let all = file.chunks + [file.manifest.object]
        try await TestDepot.inFolder { folder in
            try await TestDepot.start(on: replicas, in: folder) { depot in
                let depositor = TestDepositor(depot, deposit: deposit)
                let opened = try await depositor.open(level: 2)
                #expect(opened.status == 200)
                #expect(try await depositor.negotiate(all).count == all.count)
                #expect(try await depositor.upload(all).status == 200)
            }
            try await damage(folder)
            try await TestDepot.start(on: replicas, in: folder, checkedMax: ByteCount(0)) { depot in
                try await depot.eventually("it says so") {
                    try await depot.status().problem != nil
                }
                let depositor = TestDepositor(depot, deposit: deposit)
                let answer = try await depositor.commit("file", file.manifest)
                #expect(answer.error?.code == .storeFailed)
                #expect(try await depot.http.call(.GET, "/v1/files/file/info").status == 404)
            }
        }
    }

    @Test func `one that is whole takes writes`() async throws {
        let replicas = (0..<2).map { _ in FakeReplica() }
        try await TestDepot.inFolder { folder in
            for name in ["first", "second"] {
                try await TestDepot.start(
                    on: replicas, in: folder, checkedMax: ByteCount(0)
                ) { depot in
                    try await depot.deposit(name, Self.data, level: 2)
                    #expect(try await depot.content(name).body == Self.data)
                    #expect(try await depot.status().problem == nil)
                }
            }
        }
    }
}
