import DepotCore
import NIOCore
import Testing

@Suite struct RecordBatchTests {
    private static let cluster = ClusterID.random()

    private static func record(
        _ name: String, _ counter: UInt64, cluster: ClusterID = cluster, level: Int = 1,
        link: Int = 0
    ) throws -> FileRecord {
        var metadata = FileMetadata()
        if link > 0 { metadata.kind = .link(try LinkTarget(String(repeating: "a", count: link))) }
        return try FileRecord(
            cluster: cluster, name: FileName(name),
            sequence: CommitSequence(epoch: 1, counter: counter), time: 0,
            content: link > 0
                ? .file(
                    level: ReplicationLevel(level), manifest: .empty, size: 0, metadata: metadata)
                : .deleted(level: ReplicationLevel(level)))
    }

    private static func text(_ records: [FileRecord]) -> ByteBuffer {
        var text = ByteBuffer()
        for record in records { text.writeImmutableBuffer(record.encoded().contiguous) }
        return text
    }

    @Test func `a batch is the texts of its records, one after the other`() throws {
        let records = try [Self.record("b", 5, level: 2), Self.record("a", 3, level: 5)]
        let batches = RecordBatch.cut(records)
        #expect(batches.count == 1)
        let batch = try #require(batches.first)
        #expect(batch.records == [records[1], records[0]], "in the order of their sequences")
        #expect(batch.object.contiguous == Self.text(batch.records))
        #expect(batch.id == ChunkID(hashing: Self.text(batch.records)))
        #expect(batch.sequence == records[0].sequence && batch.level.copies == 5)
        #expect(try RecordBatch(batch.object).records == batch.records)
        let alone = RecordBatch(records[0])
        #expect(alone.object.id == records[0].objectID, "one alone is as it ever was")
        #expect(try RecordBatch.records(in: alone.object.contiguous) == [records[0]])
    }

    @Test func `batches are as long as they may be, and no longer`() throws {
        let small = try (1...1_200).map { try Self.record("file \($0)", $0) }
        let batches = RecordBatch.cut(small)
        #expect(batches.map(\.records.count) == [512, 512, 176])
        #expect(batches.flatMap(\.records) == small)
        let long = try (1...200).map { try Self.record("link \($0)", $0, link: 4_000) }
        let cut = RecordBatch.cut(long)
        #expect(cut.count > 2 && cut.flatMap(\.records) == long)
        #expect(cut.allSatisfy { $0.object.length <= Limits.recordBatchSizeMax })
        let least = Limits.recordBatchSizeMax - 2 * 4_500
        #expect(cut.dropLast().allSatisfy { $0.object.length > least })
        for batch in cut + batches { _ = try RecordBatch(batch.object) }
        #expect(RecordBatch.cut([]).isEmpty)
        // Two words with one sequence, which a rebuild may have had to take.
        let twins = try [Self.record("a", 4), Self.record("b", 4), Self.record("c", 5)]
        let apart = RecordBatch.cut(twins)
        #expect(apart.count == 2 && Set(apart.flatMap(\.records)) == Set(twins))
        for batch in apart { _ = try RecordBatch(batch.object) }
    }

    @Test func `what is no batch is told`() throws {
        let (first, second) = try (Self.record("a", 1), Self.record("b", 2))
        let foreign = try Self.record("c", 3, cluster: .random())
        let texts: [ByteBuffer] = [
            ByteBuffer(), Self.text([second, first]), Self.text([first, first]),
            Self.text([first, foreign]),
            ByteBuffer(string: String(buffer: Self.text([first, second])) + "\n"),
            ByteBuffer(string: "\n" + String(buffer: Self.text([first, second]))),
            ByteBuffer(string: String(buffer: Self.text([first, second])).dropLast().description),
            ByteBuffer(string: String(buffer: Self.text([first, second])) + "{"),
            Self.text(try (1...513).map { try Self.record("x", $0) }),
            ByteBuffer(repeating: 0x20, count: Limits.recordBatchSizeMax + 1),
        ]
        for (number, text) in texts.enumerated() {
            #expect("\(number)") {
                _ = try RecordBatch.records(in: text)
            } throws: { ($0 as? DepotError)?.code == .invalidArgument }
        }
        #expect(try RecordBatch.records(in: Self.text([first, second])) == [first, second])
    }
}
