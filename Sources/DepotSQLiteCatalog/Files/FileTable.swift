import DepotCore
import DepotSQLite
import GRDB

// A file's row says what queries need; the rest is in the text of the record that was committed with
// it, which lies beside it. Nothing is served under a name, and no level is changed, on the word of
// one of them alone: the text must have its hash, and say what the row says.

/// The live files.
struct FileTable {
    /// The columns `mode`, `modified` and `content_type` are of before record format 2, and nobody
    /// reads them.
    ///
    /// - Parameter table: `file`, or `version`, which has the same columns.
    static func selection(from table: String) -> String {
        """
        SELECT f.name, f.epoch, f.counter, c.hash, c.length, f.size, f.level, f.time, f.manifest,
            \(RecordSQL.text)
        FROM \(table) f \(RecordSQL.joinText(of: "f.record"))
        LEFT JOIN chunk c ON c.id = abs(f.manifest)

        """
    }
    static let selection = selection(from: "file")
    private static let byName = selection + "WHERE f.name = ?"

    private let session: Session

    init(_ session: Session) { self.session = session }

    struct Found {
        let entry: FileEntry
        /// The manifest's number, see `ManifestTable`.
        let manifest: Int64
        /// The commit that brought its content.
        let origin: CommitSequence
        /// Bytes of its record.
        let textSize: Int

        /// - Throws: where the record beside the row says something else, which only damage can
        ///   bring about.
        init(_ row: SQLRow) throws {
            manifest = try row.get(8)
            let name = try row.get(0, as: FileName.self)
            guard let text = try row.get(9, as: [UInt8]?.self) else {
                throw DatabaseError(
                    resultCode: .SQLITE_CORRUPT, message: "the record of '\(name)' is not there")
            }
            let record = try RecordTable.parse(text, hash: row.get(10))
            guard case .file(let level, let reference, let size, let metadata) = record.content,
                record.name == name, try record.sequence == row.sequence(1),
                try record.time == row.get(7, as: Int64.self),
                try level == row.get(6, as: ReplicationLevel.self),
                try size == row.get(5, as: UInt64.self),
                try ManifestTable.isNumber(
                    manifest, of: reference, chunk: row.get(3, as: ChunkID?.self),
                    length: row.get(4, as: Int?.self))
            else {
                throw DatabaseError(
                    resultCode: .SQLITE_CORRUPT,
                    message: "the row of '\(name)' is not what its record says")
            }
            origin = record.origin ?? record.sequence
            textSize = text.count
            entry = FileEntry(
                name: name, sequence: record.sequence, manifest: reference, size: size,
                level: level, metadata: metadata, time: record.time,
                lock: record.locks[reference.id])
        }
    }

    /// - Returns: `nil` where there is no file of the name.
    func known(_ name: FileName) throws -> Found? {
        try session.statement(Self.byName).first(name) { try Found($0) }
    }

    /// - Throws: `notFound`.
    func find(_ version: VersionName) throws -> Found {
        guard let sequence = version.sequence else { return try find(version.name) }
        let (current, versions) = (try known(version.name), VersionTable(session))
        if let current, current.entry.sequence == sequence { return current }
        if let found = try versions.file(version.name, sequence) { return found }
        // A word that said only what is locked, or purged, has taken its place.
        if let current, current.origin == sequence { return current }
        guard let found = try versions.file(version.name, broughtBy: sequence) else {
            throw DepotError(
                .notFound, "no such version of it is kept; 'depot versions' lists them",
                object: "\(version.name)@\(sequence)")
        }
        return found
    }

    /// - Throws: `notFound`.
    func find(_ name: FileName) throws -> Found {
        if let found = try known(name) { return found }
        let isKept = try VersionTable(session).lastFile(of: name) != nil
        throw DepotError(
            .notFound,
            "no such file in the depot"
                + (isKept ? ": it was deleted; 'depot versions' lists what is kept of it" : ""),
            object: name.text)
    }
}
