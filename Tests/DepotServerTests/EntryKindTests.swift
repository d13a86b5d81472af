import DepotCore
import DepotWire
import NIOCore
import NIOHTTP1
import Testing

@testable import DepotServer

/// Folders, symbolic links and special files are names with metadata and without content: they are never taken for empty files.
@Suite struct EntryKindTests {
    private static func commit(
        _ name: String, _ metadata: FileMetadata, _ manifest: ManifestReference = .empty,
        size: UInt64 = 0, by depositor: TestDepositor, _ depot: TestDepot
    ) async throws -> CommitAnswerBody.Result {
        let file = CommitBody.File(
            name: try FileName(name), manifest: manifest, size: size, metadata: metadata)
        let answer = try await depot.http.call(
            .POST, "\(FileServerRoute.deposits)/\(depositor.deposit)/commits",
            body: [try WireJSON.encode(CommitBody(files: [file]))])
        return try answer.json(CommitAnswerBody.self).results[0]
    }

    private static func metadata(_ set: (inout FileMetadata) throws -> Void) rethrows
        -> FileMetadata
    {
        var metadata = FileMetadata()
        try set(&metadata)
        return metadata
    }

    /// The format has a place for the last three; nobody would be told of them.
    @Test func `what contradicts itself, or would not come back, is refused`() async throws {
        try await TestDepot.run(replicas: 1) { depot in
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 1)
            let links = try #require(HardLinkID("6c3fa4d2-6b1c-4a6c-8e57-0e5cb4f0d1ab"))
            let all = [
                Self.metadata { ($0.kind, $0.hardLinks) = (.folder, links) },
                Self.metadata { ($0.kind, $0.hardLinks) = (.special(.fifo), links) },
                try Self.metadata {
                    ($0.kind, $0.holes) = (.link(try LinkTarget("a")), try Holes([0..<1]))
                },
                try Self.metadata { $0.holes = try Holes([0..<1]) },
                try Self.metadata { $0.annotations = try Annotations(["a": "b"]) },
                try Self.metadata { $0.tags = try Annotations(["a": "b"]) },
                try FileMetadata(contentType: nil, entityTag: "x"),
            ]
            for metadata in all {
                let result = try await Self.commit("a", metadata, by: depositor, depot)
                #expect(result.error?.code == .invalidArgument, "\(metadata)")
            }
            let object = VerifiedObject(hashing: ByteBuffer(bytes: [1, 2, 3]))
            _ = try await depositor.negotiate([object])
            _ = try await depositor.upload([object])
            _ = try await depositor.barrier([object])
            let chunk = ChunkReference(object)
            for kind in [EntryKind.folder, .link(try LinkTarget("a")), .special(.socket)] {
                let result = try await Self.commit(
                    "a", Self.metadata { $0.kind = kind }, ManifestReference(inline: chunk),
                    size: 3, by: depositor, depot)
                #expect(result.error?.code == .invalidArgument)
            }
        }
    }

    @Test func `all that belongs to an entry is listed, and a change of level keeps it`()
        async throws
    {
        try await TestDepot.run(replicas: 2) { depot in
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 1)
            var metadata = FileMetadata(mode: 0o1755, modified: FileTime(nanoseconds: -5))
            metadata.kind = .folder
            metadata.ownership = try Ownership(user: 1, group: 2, userName: "u", groupName: nil)
            metadata.extended = try ExtendedAttributes(["user.a": [0, 255]])
            let link = try Self.metadata { $0.kind = .link(try LinkTarget("../there")) }
            let number = try #require(DeviceNumber(major: 8, minor: 1))
            let special = Self.metadata { $0.kind = .special(.block(number)) }
            for (name, metadata) in [("folder", metadata), ("link", link), ("special", special)] {
                let result = try await Self.commit(name, metadata, by: depositor, depot)
                #expect(result.receipt?.copies == 1)
                #expect(try await depot.changeLevel(name, 2).status == 200)
            }
            let listed = try await depot.http.call(.GET, FileServerRoute.files)
                .json(FileListBody.self)
            #expect(listed.files.map(\.metadata) == [metadata, link, special])
            #expect(listed.files.map(\.level.copies) == [2, 2, 2])
        }
    }

    @Test func `without content nothing is sent as content`() async throws {
        try await TestDepot.run(replicas: 1) { depot in
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 1)
            for kind in [EntryKind.folder, .link(try LinkTarget("a")), .special(.socket)] {
                let name = kind.word
                _ = try await Self.commit(
                    name, Self.metadata { $0.kind = kind }, by: depositor, depot)
                for method in [HTTPMethod.GET, .HEAD] {
                    let answer = try await depot.http.call(
                        method, "\(FileServerRoute.files)/\(name)/content")
                    #expect(answer.status == 400, "\(method) \(name)")
                }
            }
        }
    }

    /// A thousand names with attributes of many KiB each would be an answer of 20 MiB.
    @Test func `a page is as long as its records are`() async throws {
        try await TestDepot.run(replicas: 1) { depot in
            let depositor = TestDepositor(depot)
            _ = try await depositor.open(level: 1)
            let large = try Self.metadata {
                $0.extended = try ExtendedAttributes(["user.a": Array(repeating: 7, count: 16_000)])
            }
            let names = (0..<40).map { "f/\($0 + 10)" }
            for name in names {
                _ = try await Self.commit(name, large, by: depositor, depot)
            }
            var (found, pages) = ([String](), 0)
            while true {
                var path = "\(FileServerRoute.files)?limit=100"
                if let last = found.last { path += "&after=\(last)" }
                let page = try await depot.http.call(.GET, path).json(FileListBody.self)
                #expect(page.files.reduce(0) { $0 + $1.textSize } < 100 * FilePage.entrySize * 2)
                found += page.files.map(\.name.text)
                pages += 1
                guard page.hasMore else { break }
            }
            #expect(found == names && pages > 2)
        }
    }
}
