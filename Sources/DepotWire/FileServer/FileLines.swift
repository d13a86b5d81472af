import DepotCore
import NIOCore

// A list of files as lines. Whoever deposits a tree day after day goes through all of its names each
// time, and an encoder and a decoder of any JSON took most of that time. Each line is spelled as a
// record is (`FileRecord.text`), with what a list says and nothing else; the last one says whether
// there may be more.

extension FileListBody {
    private struct End: Codable {
        let hasMore: Bool
        let next: FileName?
    }

    /// - Parameter cluster: whose files they are.
    public func lines(of cluster: ClusterID) throws(DepotError) -> ByteBuffer {
        var lines = ByteBuffer()
        for file in files { lines.writeBytes(try file.record(in: cluster).text) }
        try lines.writeLine(End(hasMore: hasMore, next: next))
        return lines
    }

    /// - Throws: `invalidArgument` for what `lines` does not give.
    public init(lines: ByteBuffer) throws(DepotError) {
        var (rest, files) = (lines, [FileBody]())
        let last = try rest.readLines { line throws(DepotError) in
            files.append(try FileBody(FileRecord(reading: line)))
        }
        let end = try WireJSON.decode(End.self, from: last)
        self.init(files: files, hasMore: end.hasMore, next: end.next)
    }
}

extension RetrievalBody {
    private struct End: Codable {
        let retrieval: RetrievalID
        @Seconds private(set) var leaseSeconds: Int
    }

    /// A name that was not found is a line of JSON.
    ///
    /// - Parameter cluster: whose files they are.
    public func lines(of cluster: ClusterID) throws(DepotError) -> ByteBuffer {
        var lines = ByteBuffer()
        for found in files {
            if let file = found.file {
                lines.writeBytes(try file.record(in: cluster).text)
            } else {
                try lines.writeLine(found)
            }
        }
        try lines.writeLine(End(retrieval: retrieval, leaseSeconds: leaseSeconds))
        return lines
    }

    /// - Throws: `invalidArgument` for what `lines` does not give.
    public init(lines: ByteBuffer) throws(DepotError) {
        var (rest, files) = (lines, [Found]())
        let last = try rest.readLines { line throws(DepotError) in
            files.append(try Found(line: line))
        }
        let end = try WireJSON.decode(End.self, from: last)
        self.init(retrieval: end.retrieval, leaseSeconds: end.leaseSeconds, files: files)
    }
}

extension RetrievalBody.Found {
    fileprivate init(line: ByteBuffer) throws(DepotError) {
        do throws(DepotError) {
            self.init(.success(try FileBody(FileRecord(reading: line))))
        } catch {
            guard let found = try? WireJSON.decode(Self.self, from: line), found.error != nil,
                found.file == nil
            else { throw error }
            self = found
        }
    }
}

extension FileBody {
    fileprivate func record(in cluster: ClusterID) throws(DepotError) -> FileRecord {
        let locks = try lock.map { lock throws(DepotError) in
            try ContentLocks([manifest.id: lock])
        }
        return FileRecord(
            cluster: cluster, name: name, sequence: sequence, time: time,
            content: .file(level: level, manifest: manifest, size: size, metadata: metadata),
            history: NameHistory(locks: locks ?? .none))
    }

    /// - Throws: `invalidArgument` for a deletion.
    fileprivate init(_ record: FileRecord) throws(DepotError) {
        guard case .file(let level, let manifest, let size, let metadata) = record.content else {
            throw DepotError(
                .invalidArgument, "a deleted name is in a list of files", object: record.name.text)
        }
        self.init(
            FileEntry(
                name: record.name, sequence: record.sequence, manifest: manifest, size: size,
                level: level, metadata: metadata, time: record.time,
                lock: record.locks[manifest.id]))
    }
}
