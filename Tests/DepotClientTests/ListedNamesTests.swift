import DepotCore
import DepotWire
import Foundation
import Testing

@testable import DepotClient

/// A FileServer, or whoever sits between, answers names that nobody asked for: `aX../victim` for what is below `a` was
/// written outside of the folder.
@Suite struct ListedNamesTests {
    private static func page(_ names: [String], hasMore: Bool = false) throws -> FileListBody {
        let entries = try names.map { name in
            FileBody(
                FileEntry(
                    name: try FileName(name), sequence: CommitSequence(epoch: 1, counter: 1),
                    manifest: .init(
                        inline: try ChunkReference(id: ChunkID(hashing: "m"), length: 1)),
                    size: .max,
                    level: .one, metadata: FileMetadata(), time: .max))
        }
        return FileListBody(files: entries, hasMore: hasMore)
    }

    /// Each is pages, the last of which is answered again and again.
    @Test(arguments: [
        [["aX../victim"]], [["b/x"]], [["a"]], [["a/1", "b/2"]], [["a/2", "a/1"]],
        [["a/1", "a/1"]], [["a/1", "a/2"], ["a/2"]], [["a/1"], ["a/1"]], [["a/5"], ["a/4"]],
        [["a/1"], []], [[]],
    ])
    func `a list of other names than were asked for is an error, and no list goes on for ever`(
        _ pages: [[String]]
    ) async throws {
        let answers = try pages.map { try Self.page($0, hasMore: true) }
        let server = MemoryFileServer { $0.listed = { answers[min($0, answers.count) - 1] } }
        var listing = NamePages(server, prefix: "a/")
        var error: DepotError?
        do throws(DepotError) {
            for _ in 0...pages.count { _ = try await listing.next() }
        } catch let found {
            error = found
        }
        #expect(error?.code == .internalError)
    }

    @Test func `pages in order are handed on to the last one`() async throws {
        let answers = try [(["a/1", "a/2"], true), (["a/3"], false)].map {
            try Self.page($0.0, hasMore: $0.1)
        }
        let server = MemoryFileServer { $0.listed = { answers[$0 - 1] } }
        var listing = NamePages(server, prefix: "a/")
        var names: [String] = []
        while let page = try await listing.next() { names += page.map(\.name.text) }
        #expect(names == ["a/1", "a/2", "a/3"] && server.calls(.files) == 2)
    }

    @Test func `a list goes on behind names of which there is nothing to list`() async throws {
        let next = try ["a/1", "a/5"].map { try FileName($0) }
        let answers = try [
            FileListBody(files: [], hasMore: true, next: next[0]),
            FileListBody(files: Self.page(["a/3"]).files, hasMore: true, next: next[1]),
            Self.page(["a/6"]),
        ]
        let server = MemoryFileServer { $0.listed = { answers[$0 - 1] } }
        var listing = NamePages(server, prefix: "a/")
        var names: [String] = []
        while let page = try await listing.next() { names += page.map(\.name.text) }
        #expect(names == ["a/3", "a/6"] && server.calls(.files) == 3)
        // It does not go back, and does not stay.
        for next in [["a/5", "a/4"], ["a/5", "a/5"], ["b"]] {
            let pages = try next.map {
                FileListBody(files: [], hasMore: true, next: try FileName($0))
            }
            let server = MemoryFileServer { $0.listed = { pages[min($0, pages.count) - 1] } }
            var listing = NamePages(server, prefix: "a/")
            do throws(DepotError) {
                _ = try await listing.next()
                Issue.record("\(next)")
            } catch {
                #expect(error.code == .internalError, "\(next)")
            }
        }
    }

    @Test func `what lies between two names is jumped over`() async throws {
        let bench = try Workbench()
        let origin = try bench.file("any", [1]).origin
        let names = ["a", "b", "c", "d/1", "d/2"]
        try await bench.deposit(
            names.map { UploadSource(name: try FileName($0), origin: origin) }
        )
        var listing = NamePages(bench.server, prefix: "")
        listing.skip(to: try FileName("d/1"))
        #expect(try await listing.next()?.map(\.name.text) == ["d/1", "d/2"])
    }

    @Test(arguments: [
        ("b", "a"), ("a/b", "a/a"), ("a0", "a/"), ("é", "è"), ("0", "/"), (" ", "\u{1F}"),
        ("a/ ", "a/\u{1F}"),
    ])
    func `a name has one before it, behind all others`(name: String, before: String) throws {
        let place = try #require(try FileName(name).placeBefore)
        #expect(place.text == "\(before)\u{10FFFD}")
        #expect(try place < FileName(name))
    }

    @Test(arguments: ["\u{1}", "\u{E000}", String(repeating: "b", count: 1_024)])
    func `where none can be named the list goes on as it was`(_ name: String) throws {
        #expect(try FileName(name).placeBefore == nil)
    }

    @Test func `another file than was asked for is not written`() async throws {
        let bench = try Workbench()
        try await bench.deposit([try bench.file("a", [1]), try bench.file("b", [2])])
        bench.server.set { $0.answered = FileName.b }
        let error = await #expect(throws: DepotError.self) {
            try await bench.retrieve("a", to: bench.path("out"))
        }
        #expect(error?.code == .internalError)
        let orders = try ["a", "a"].map {
            GroupDownload.Order(
                name: VersionName(try FileName($0)), target: .path(bench.path("out")))
        }
        let group = GroupDownload(server: bench.server, threads: bench.threads, onBytes: { _ in })
        for result in await group.run(orders) {
            #expect(throws: DepotError.self) { try result.get() }
        }
        #expect(try bench.entries == ["a", "b"])
    }
}

extension FileName {
    fileprivate static let b = try? FileName("b")
}
