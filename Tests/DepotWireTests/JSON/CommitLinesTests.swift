import DepotCore
import DepotWire
import NIOCore
import Testing

/// Commits and their answers as lines say what their JSON says, and nothing else is one.
@Suite struct CommitLinesTests {
    private static var chunk: ChunkReference {
        get throws { try ChunkReference(id: ChunkID(hashing: "chunk"), length: 9) }
    }

    private static func commit() throws -> CommitBody {
        var (folder, link, special) = (FileMetadata(mode: 0o755), FileMetadata(), FileMetadata())
        folder.kind = .folder
        link.kind = .link(try LinkTarget("../a\nb\\"))
        special.kind = .special(try SpecialFile("fifo"))
        let version = CommitSequence(epoch: 3, counter: CommitSequence.counterMax)
        return CommitBody(files: [
            .init(
                name: try FileName("a"), manifest: .init(inline: try chunk), size: 9,
                metadata: try MetadataSample.everything()),
            .init(
                name: try FileName("b \"c\" \u{201B}0A"), manifest: .init(stored: try chunk),
                size: 1 << 60, metadata: FileMetadata(), expecting: .absence),
            .init(
                name: try FileName("d"), manifest: .empty, size: 0, metadata: folder,
                expecting: .version(version)),
            .init(name: try FileName("e"), manifest: .empty, size: 0, metadata: link),
            .init(name: try FileName("f"), manifest: .empty, size: 0, metadata: special),
        ])
    }

    private static func receipt(_ manifest: ManifestReference, size: UInt64) throws -> ReceiptBody {
        ReceiptBody(
            Receipt(
                deposit: .random(), name: try FileName("a\\b/\"c\""),
                sequence: CommitSequence(epoch: 1, counter: 2), manifest: manifest, size: size,
                level: .three, copies: 2, chunks: 1 << 53, newChunks: 0, newBytes: size,
                sharedBytes: 7))
    }

    private static func answer() throws -> CommitAnswerBody {
        CommitAnswerBody(results: [
            .init(receipt: try receipt(.init(inline: try chunk), size: 9)),
            .init(lacking: [try chunk, try chunk]),
            .init(error: DepotError(.conflict, "another\nversion", object: "a \"b\"")),
            .init(receipt: try receipt(.init(stored: try chunk), size: 1 << 60)),
            .init(lacking: []),
        ])
    }

    @Test func `a commit comes back from its lines as it was`() throws {
        let commit = try Self.commit()
        let back = try CommitBody(lines: commit.lines)
        #expect(back.files == commit.files)
        #expect(back.files.map(\.expected) == commit.files.map(\.expected))
        #expect(try CommitBody(lines: ByteBuffer()).files.isEmpty)
    }

    @Test func `an answer comes back from its lines as it was`() throws {
        let answer = try Self.answer()
        let back = try CommitAnswerBody(lines: try answer.lines())
        #expect(try WireJSON.encode(back) == WireJSON.encode(answer))
        #expect(back.results.first?.receipt?.degraded == true)
    }

    @Test func `lines that are cut are none`() throws {
        for whole in [try Self.commit().lines, try Self.answer().lines()] {
            let ends = whole.readableBytesView.indices.filter {
                whole.readableBytesView[$0] == UInt8(ascii: "\n")
            }
            for length in 1..<whole.readableBytes where !ends.contains(length - 1) {
                let part = try #require(whole.getSlice(at: whole.readerIndex, length: length))
                #expect(throws: DepotError.self, "\(length)") { try CommitBody(lines: part) }
                #expect(throws: DepotError.self, "\(length)") { try CommitAnswerBody(lines: part) }
            }
        }
    }

    /// Whoever knows more than this FileServer must not have it dropped in silence.
    @Test(arguments: [
        (",\"size\":9}", ",\"size\":9,\"zone\":1}"), (",\"size\":9}", ",\"size\":-9}"),
        (",\"size\":9}", ",\"size\":9.0}"), (",\"size\":9}", ",\"size\":1152921504606846977}"),
        (",\"size\":9}", ",\"size\":99999999999999999999999}"), (",\"size\":9}", "}"),
        (",\"size\":9}", ",\"size\":9}x"), (",\"size\":9}", ",\"size\":9} "),
        ("\"name\":\"a\"", "\"name\":\"\""), ("\"name\":\"a\"", "\"name\":\"\\u0000\""),
        ("\"name\":\"a\"", "\"name\":\"a\",\"name\":\"a\""),
        ("\"format\":2", "\"format\":3"), ("{\"chunk\"", "{\"absent\":false,\"chunk\""),
        ("{\"chunk\":", "{\"chunk\":1,\"chunk\":"), ("{\"chunk\":\"", "{\"chunk\":\"0"),
    ])
    func `a line with anything else proposes no file`(old: String, new: String) throws {
        let file = FileProposal(
            name: try FileName("a"), manifest: .init(inline: try Self.chunk), size: 9,
            metadata: FileMetadata())
        let line = String(decoding: file.line, as: UTF8.self)
        let changed = line.replacing(old, with: new)
        #expect(changed != line)
        #expect(throws: DepotError.self) { try FileProposal(line: ByteBuffer(string: changed)) }
    }

    @Test(arguments: [
        ("\"copies\":2", "\"copies\":9007199254740993"), ("\"copies\":2", "\"copies\":-1"),
        ("\"level\":3", "\"level\":0"), ("\"level\":3", "\"level\":18446744073709551615"),
        ("\"size\":9}", "\"size\":1152921504606846977}"), ("\"size\":9}", "\"size\":9,\"x\":1}"),
        ("\"chunks\":", "\"chunk\":"), ("\"newBytes\":9,", ""), ("}\n", "}}\n"), ("{", "{{"),
    ])
    func `a line with anything else is no receipt`(old: String, new: String) throws {
        let answer = CommitAnswerBody(results: [
            .init(receipt: try Self.receipt(.init(stored: try Self.chunk), size: 9))
        ])
        let line = String(buffer: try answer.lines())
        let changed = line.replacing(old, with: new)
        #expect(changed != line)
        #expect(throws: DepotError.self) {
            try CommitAnswerBody(lines: ByteBuffer(string: changed))
        }
    }

    @Test func `a commit takes so many files, and no more`() throws {
        let file = FileProposal(
            name: try FileName("a"), manifest: .empty, size: 0, metadata: FileMetadata())
        let most = CommitBody(
            files: [FileProposal](repeating: file, count: WireLimits.commitFilesMax))
        #expect(try CommitBody(lines: most.lines).files.count == WireLimits.commitFilesMax)
        var more = most.lines
        more.writeBytes(file.line)
        do throws(DepotError) {
            _ = try CommitBody(lines: more)
            Issue.record("accepted")
        } catch {
            #expect(error.code == .tooLarge)
        }
    }
}
