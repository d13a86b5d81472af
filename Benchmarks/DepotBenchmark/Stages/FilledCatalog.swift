import DepotCore
import DepotSQLiteCatalog
import Foundation
import NIOCore

/// A catalog with as many chunks as one likes, each with three good copies: files of a thousand chunks, and a thousand
/// names of one more small file. It is filled as a rebuild fills one, without leases, in ascending order of ids, which is
/// what lets ten millions be made in minutes.
struct FilledCatalog: Sendable {
    static let fileChunks = 1_000
    static let names = 1_000
    static let namesPrefix = "names/"
    private static let length = 1 << 20
    /// Chunks of one transaction: its log stays below some hundred MiB.
    private static let group = 50_000

    let chunks: Int
    let replicas: [ReplicaID]

    /// Fills a folder, and closes what it made.
    init(chunks: Int, in folder: String) async throws {
        self.chunks = chunks
        replicas = (0..<3).map { _ in .random() }
        let cluster = ClusterIdentity(cluster: .random(), epoch: 1)
        let catalog = try await SQLiteCatalog.makeForRebuild(in: folder, cluster: cluster)
        for (number, replica) in replicas.enumerated() {
            try await catalog.admit(
                Member(
                    // Nobody listens there.
                    replica: replica, name: "r\(number)", url: "http://127.0.0.1:\(number + 1)",
                    zone: "", capacity: ByteCount(1 << 40),
                    position: LogPosition(opens: 1, segment: 1, offset: 0)))
        }
        var counter: UInt64 = 0
        for first in stride(from: 0, to: chunks, by: Self.group) {
            let end = min(first + Self.group, chunks)
            let files = stride(from: first, to: end, by: Self.fileChunks).map { start in
                File(
                    names: [Self.largeName(start / Self.fileChunks)],
                    chunks: (start..<min(start + Self.fileChunks, end)).map(chunk))
            }
            try await enter(files, cluster.cluster, after: &counter, catalog)
        }
        let names = (0..<Self.names).map { "\(Self.namesPrefix)\($0)" }
        try await enter(
            [File(names: names, chunks: [Self.newChunk(-1)])], cluster.cluster, after: &counter,
            catalog)
        try await catalog.finishRebuild(missing: [])
        try catalog.close()
    }

    /// Chunks in order, under one name or several.
    private struct File {
        let names: [String]
        let chunks: [ChunkReference]

        var manifest: ChunkReference { FilledCatalog.manifest(of: names[0]) }
    }

    private func enter(
        _ files: [File], _ cluster: ClusterID, after counter: inout UInt64,
        _ catalog: SQLiteCatalog
    ) async throws {
        for file in files {
            try await catalog.restore(manifest: file.manifest, chunks: file.chunks, pieces: [])
        }
        let good = files.flatMap { $0.chunks + [$0.manifest] }.map { ($0.id, CheckVerdict.good) }
        let verdicts = Dictionary(good) { one, _ in one }
        let mark = try await catalog.mark()
        for replica in replicas { try await catalog.settle(verdicts, on: replica, asOf: mark) }
        var records: [FileRecord] = []
        for file in files {
            for name in file.names {
                counter += 1
                records.append(try record(of: name, file, counter, cluster))
            }
        }
        for batch in RecordBatch.cut(records) {
            for replica in replicas { try await catalog.enter([batch], on: replica) }
            try await catalog.restore(
                batch.records.indices.map { RecordAddress(batch: batch.id, index: $0) })
        }
    }

    private func record(
        of name: String, _ file: File, _ counter: UInt64, _ cluster: ClusterID
    ) throws -> FileRecord {
        FileRecord(
            cluster: cluster, name: try FileName(name),
            sequence: CommitSequence(epoch: 1, counter: counter), time: 0,
            content: .file(
                level: try ReplicationLevel(3), manifest: .init(stored: file.manifest),
                size: Self.size(of: file.chunks), metadata: FileMetadata()))
    }

    /// The chunk of a number: ids ascend with it.
    func chunk(_ number: Int) -> ChunkReference {
        let width = UInt64.max / UInt64(chunks)
        var random = SplitMix64(seed: UInt64(number))
        let first = UInt64(number) * width + random.next() % width
        return Self.reference([first, random.next(), random.next(), random.next()])
    }

    /// One that is not in the catalog.
    static func newChunk(_ number: Int) -> ChunkReference {
        var random = SplitMix64(seed: UInt64(bitPattern: Int64(number)) &+ 1 << 60)
        return reference((0..<4).map { _ in random.next() })
    }

    private static func reference(_ words: [UInt64]) -> ChunkReference {
        var buffer = ByteBuffer()
        for word in words { buffer.writeInteger(word) }
        guard let id = buffer.readChunkID(), let chunk = try? ChunkReference(id: id, length: length)
        else { preconditionFailure("four words are an id") }
        return chunk
    }

    /// The name stands for the text: a catalog does not read manifests.
    static func manifest(of name: String) -> ChunkReference {
        let object = VerifiedObject(hashing: ByteBuffer(string: name))
        guard let chunk = try? ChunkReference(id: object.id.hash, length: object.length) else {
            preconditionFailure("a name is no empty chunk")
        }
        return chunk
    }

    static func size(of chunks: [ChunkReference]) -> UInt64 {
        chunks.reduce(0) { $0 + UInt64($1.length) }
    }

    private static func largeName(_ number: Int) -> String { "large/\(number)" }

    /// The names of some of the large files, from the first to the last.
    func largeNames(_ count: Int) -> [String] {
        let files = max(1, chunks / Self.fileChunks)
        return (0..<count).map { Self.largeName($0 * files / count) }
    }
}
