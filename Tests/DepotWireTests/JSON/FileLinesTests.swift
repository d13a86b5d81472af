import DepotCore
import DepotWire
import NIOCore
import Testing

/// A list of files as lines says what its JSON says, and nothing else is one.
@Suite struct FileLinesTests {
    private let cluster = ClusterID.random()

    private static func file(
        _ name: String, _ manifest: ManifestReference, size: UInt64 = 0, metadata: FileMetadata,
        lock: ContentLock? = nil
    ) throws -> FileBody {
        FileBody(
            FileEntry(
                name: try FileName(name), sequence: CommitSequence(epoch: 1, counter: 2),
                manifest: manifest, size: size, level: .three, metadata: metadata, time: -5,
                lock: lock))
    }

    private static func list(hasMore: Bool) throws -> FileListBody {
        let chunk = try ChunkReference(id: ChunkID(hashing: "chunk"), length: 9)
        var (folder, link) = (FileMetadata(mode: 0o755), FileMetadata())
        folder.kind = .folder
        link.kind = .link(try LinkTarget("../a\nb\\"))
        return FileListBody(
            files: [
                try file("a", .init(inline: chunk), size: 9, metadata: MetadataSample.everything()),
                try file("b", .init(stored: chunk), size: 20_000, metadata: FileMetadata()),
                try file(
                    "c \"d\" \u{201B}0A", .empty, metadata: FileMetadata(),
                    lock: ContentLock(until: 9, isHeld: true)),
                try file("e", .empty, metadata: folder), try file("f", .empty, metadata: link),
            ], hasMore: hasMore)
    }

    @Test(arguments: [true, false])
    func `a list comes back from its lines as it was`(hasMore: Bool) throws {
        let next = try FileName("g \"h\"")
        for list in [
            try Self.list(hasMore: hasMore), FileListBody(files: [], hasMore: hasMore, next: next),
        ] {
            let back = try FileListBody(lines: try list.lines(of: cluster))
            #expect(try WireJSON.encode(back) == WireJSON.encode(list))
        }
    }

    @Test func `what is cut, or is something else, is no list`() throws {
        let whole = try Self.list(hasMore: true).lines(of: cluster)
        for length in 0..<whole.readableBytes {
            let part = try #require(whole.getSlice(at: whole.readerIndex, length: length))
            #expect(throws: DepotError.self, "\(length)") { try FileListBody(lines: part) }
        }
        let deletion = FileRecord(
            cluster: cluster, name: try FileName("a"), sequence: .first, time: 0,
            content: .deleted(level: .one))
        let end = "{\"hasMore\":false}\n"
        for text in [
            "\n" + end, end + end, "{}\n" + end, end + "x", "{\"files\":[],\"hasMore\":false}",
        ] {
            #expect(throws: DepotError.self, "\(text)") {
                try FileListBody(lines: ByteBuffer(string: text))
            }
        }
        var lines = deletion.encoded().contiguous
        lines.writeString(end)
        #expect(throws: DepotError.self) { try FileListBody(lines: lines) }
    }

    private static func retrieval() throws -> RetrievalBody {
        let files = try list(hasMore: false).files.map { Result<FileBody, DepotError>.success($0) }
        let gone = DepotError(.notFound, "no such \"file\"", object: "g\nh")
        return RetrievalBody(
            retrieval: .random(), leaseSeconds: 60,
            files: (files + [.failure(gone)] + files).map(RetrievalBody.Found.init))
    }

    @Test func `the names of a retrieval come back from their lines as they were`() throws {
        let retrieval = try Self.retrieval()
        let back = try RetrievalBody(lines: try retrieval.lines(of: cluster))
        #expect(try WireJSON.encode(back) == WireJSON.encode(retrieval))
    }

    @Test func `names of a retrieval that are cut, or are something else, are none`() throws {
        let whole = try Self.retrieval().lines(of: cluster)
        for length in 0..<whole.readableBytes {
            let part = try #require(whole.getSlice(at: whole.readerIndex, length: length))
            #expect(throws: DepotError.self, "\(length)") { try RetrievalBody(lines: part) }
        }
        let end = "{\"leaseSeconds\":60,\"retrieval\":\"\(RetrievalID.random())\"}\n"
        #expect(try RetrievalBody(lines: ByteBuffer(string: end)).files.isEmpty)
        for text in [
            "\n" + end, end + end, "{}\n" + end, "{\"file\":null}\n" + end, end + "x",
            "{\"error\":{}}\n" + end, end.replacing("60", with: "-1"),
        ] {
            #expect(throws: DepotError.self, "\(text)") {
                try RetrievalBody(lines: ByteBuffer(string: text))
            }
        }
    }
}
