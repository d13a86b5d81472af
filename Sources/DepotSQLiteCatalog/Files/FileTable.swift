import DepotCore
import DepotSQLite
import GRDB

// Beside a file's row lies the text of the record that was committed with it. Nothing is served
// under a name, and no level is changed, on the word of the row alone: both must say the same, to
// the last byte.

/// The live files.
struct FileTable {
    static let selection = """
        SELECT f.name, f.epoch, f.counter, c.hash, c.length, f.size, f.level, f.mode, f.modified,
            f.content_type, f.time, f.manifest, o.text, (SELECT cluster FROM cluster)
        FROM file f CROSS JOIN chunk c ON c.id = abs(f.manifest)
        CROSS JOIN record o ON o.id = f.record

        """
    private static let byName = selection + "WHERE f.name = ?"

    private let session: Session

    init(_ session: Session) { self.session = session }

    struct Found {
        let entry: FileEntry
        /// The manifest's number, see `ManifestTable`.
        let manifest: Int64

        init(_ row: SQLRow) throws {
            let mode = try row.get(7, as: Int?.self)
            manifest = try row.get(11)
            let named = try ChunkReference(id: row.get(3), length: row.get(4))
            entry = try FileEntry(
                name: row.get(0), sequence: row.sequence(1),
                manifest: manifest < 0
                    ? ManifestReference(inline: named) : ManifestReference(stored: named),
                size: row.get(5), level: row.get(6),
                metadata: FileMetadata(
                    mode: mode.flatMap { UInt16(exactly: $0) },
                    modified: row.get(8), contentType: row.get(9)),
                time: row.get(10))
            try requireRecord(row.get(12), cluster: row.get(13))
        }

        /// - Throws: where the record beside the row says something else, which only damage can
        ///   bring about.
        private func requireRecord(_ text: [UInt8], cluster: ClusterID) throws {
            let record = FileRecord(
                cluster: cluster, name: entry.name, sequence: entry.sequence, time: entry.time,
                content: .file(
                    level: entry.level, manifest: entry.manifest, size: entry.size,
                    metadata: entry.metadata))
            guard record.text == text else {
                throw DatabaseError(
                    resultCode: .SQLITE_CORRUPT,
                    message: "the row of '\(entry.name)' is not what its record says")
            }
        }
    }

    /// - Returns: `nil` where there is no file of the name.
    func known(_ name: FileName) throws -> Found? {
        let found = try session.statement(Self.byName).first(name) { try Found($0) }
        if let found { return found }
        let isThere = try session.statement("SELECT EXISTS (SELECT 1 FROM file WHERE name = ?)")
            .first(name) { try $0.get(0, as: Bool.self) }
        if isThere == true {
            throw DatabaseError(
                resultCode: .SQLITE_CORRUPT, message: "the record of '\(name)' is not there")
        }
        return nil
    }

    /// - Throws: `notFound`.
    func find(_ name: FileName) throws -> Found {
        guard let found = try known(name) else {
            throw DepotError(.notFound, "no such file in the depot", object: name.text)
        }
        return found
    }
}
