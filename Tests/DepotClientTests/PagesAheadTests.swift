import DepotCore
import DepotWire
import Testing

@testable import DepotClient

@Suite struct PagesAheadTests {
    private static func depot(of names: [String], pageMax: Int) async throws -> MemoryFileServer {
        let bench = try Workbench()
        let origin = try bench.file("any", [1]).origin
        try await bench.deposit(
            names.map { UploadSource(name: try FileName($0), origin: origin) })
        bench.server.set { $0.pageMax = pageMax }
        return bench.server
    }

    @Test(.timeLimit(.minutes(1)))
    func `the next page is asked for while one is gone through`() async throws {
        let names = ["a", "b", "c", "d", "e"]
        let server = try await Self.depot(of: names, pageMax: 2)
        var ahead = PagesAhead(NamePages(server, prefix: ""))
        var found: [String] = []
        for (calls, name) in [(2, "a"), (3, "c"), (3, "e")] {
            let page = try await ahead.next(for: FileName(name))
            found += page?.map(\.name.text) ?? []
            while server.calls(.files) < calls { await Task.yield() }
        }
        #expect(try await ahead.next(for: FileName("f")) == nil)
        await ahead.end()
        #expect(found == names && server.calls(.files) == 3)
    }

    @Test func `where names of others lie between, no page is asked for ahead`() async throws {
        let server = try await Self.depot(of: ["a", "b", "c", "d", "e", "f"], pageMax: 1)
        var ahead = PagesAhead(NamePages(server, prefix: ""))
        for (calls, name) in [(1, "a"), (3, "d"), (4, "f")] {
            let page = try await ahead.next(for: FileName(name))
            #expect(page?.map(\.name.text) == [name])
            #expect(server.calls(.files) >= calls)
        }
        await ahead.end()
        #expect(server.calls(.files) == 4)
    }

    @Test func `an error of a page that was asked for ahead is told when it is wanted`()
        async throws
    {
        let server = try await Self.depot(of: ["a", "b"], pageMax: 1)
        server.set { $0.faults[.files] = [2: .internalError] }
        var ahead = PagesAhead(NamePages(server, prefix: ""))
        #expect(try await ahead.next(for: FileName("a"))?.count == 1)
        await #expect(throws: DepotError.self) { try await ahead.next(for: FileName("b")) }
        await ahead.end()
    }
}
