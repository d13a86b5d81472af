import DepotCore
import DepotSQLite
import GRDB
import NIOCore

/// Records and the objects that keep them, and which of them say something still.
struct RecordTable {
    let session: Session

    init(_ session: Session) { self.session = session }

    /// The number of an object.
    func find(_ hash: ChunkID) throws -> Int64? {
        try session.statement("SELECT id FROM record WHERE hash = ?").first(hash) {
            try $0.get(0, as: Int64.self)
        }
    }

    // MARK: Texts

    /// What a row's text says, if that is the text that was hashed when it was committed.
    static func parse(_ text: [UInt8], hash: ChunkID) throws -> FileRecord {
        try FileRecord(reading: object(of: text, hash: hash).contiguous)
    }

    private static func object(of text: [UInt8], hash: ChunkID) throws -> VerifiedObject {
        guard !text.isEmpty else { throw corrupt("record \(hash) has no text") }
        let object = VerifiedObject(hashing: ByteBuffer(bytes: text), kind: .record)
        guard object.id.hash == hash else {
            throw corrupt("the text of record \(hash) has another hash")
        }
        return object
    }

    private static func corrupt(_ message: String) -> DatabaseError {
        DatabaseError(resultCode: .SQLITE_CORRUPT, message: message)
    }

    /// The records of an object, whose number is known to be one.
    func batch(_ object: Int64) throws -> RecordBatch {
        let row = try session.statement("SELECT text, hash, line, lines FROM record WHERE id = ?")
            .first(object) {
                try (
                    text: $0.get(0, as: [UInt8].self), hash: $0.get(1, as: ChunkID.self),
                    line: $0.get(2, as: Int64?.self), lines: $0.get(3, as: Int64?.self)
                )
            }
        guard let row else { throw Self.corrupt("there is no object \(object) of records") }
        guard let line = row.line, let lines = row.lines else {
            return try RecordBatch(Self.object(of: row.text, hash: row.hash))
        }
        let texts = try session.statement(
            "SELECT text FROM line WHERE id >= ?1 AND id < ?1 + ?2 AND record = ?3 ORDER BY id"
        ).all(line, lines, object) { try $0.get(0, as: [UInt8].self) }
        return try RecordBatch(Self.object(of: texts.flatMap { $0 }, hash: row.hash))
    }

    /// A record, and what keeps it.
    func kept(_ number: Int64) throws -> KeptRecord {
        let object = try object(of: number)
        let batch = try batch(object)
        guard number < 0 else { return KeptRecord(batch.records[0], in: batch) }
        let index = try session.statement("SELECT ? - line FROM record WHERE id = ?")
            .first(0 &- number, object) { try $0.get(0, as: Int.self) }
        guard let index, batch.records.indices.contains(index) else {
            throw Self.corrupt("record \(number) is not in its batch")
        }
        return KeptRecord(batch.records[index], in: batch)
    }

    /// One record, without those that are kept with it.
    func record(_ number: Int64) throws -> FileRecord {
        let found = try session.statement(
            "SELECT \(RecordSQL.text) FROM (SELECT ?1 AS n) \(RecordSQL.joinText(of: "n"))"
        ).first(number) {
            try (text: $0.get(0, as: [UInt8]?.self), hash: $0.get(1, as: ChunkID?.self))
        }
        guard let text = found?.text, let hash = found?.hash else {
            throw Self.corrupt("there is no record \(number)")
        }
        return try Self.parse(text, hash: hash)
    }

    /// The object that keeps the record of a number.
    func object(of number: Int64) throws -> Int64 {
        guard number < 0 else { return number }
        let object = try session.statement("SELECT record FROM line WHERE id = ?")
            .first(0 &- number) { try $0.get(0, as: Int64.self) }
        guard let object else { throw Self.corrupt("there is no record \(number)") }
        return object
    }

    /// The number of a record that may be there.
    func number(at address: RecordAddress) throws -> Int64? {
        let found = try session.statement(
            """
            SELECT CASE WHEN line IS NULL THEN id ELSE -(line + ?2) END FROM record
            WHERE hash = ?1 AND ?2 >= 0 AND ?2 < coalesce(lines, 1)
            """
        ).first(address.batch, address.index) { try $0.get(0, as: Int64.self) }
        return found
    }

    // MARK: Entering

    /// Keeps records as a replica does; a batch that is known stays as it is.
    ///
    /// - Returns: the object, and the numbers of the records.
    func insert(
        _ batch: RecordBatch, isPending: Bool, isExplained: Bool = true
    ) throws -> (object: Int64, numbers: [Int64]) {
        session.assertChange()
        if let known = try find(batch.id) {
            let numbers = try batch.records.indices.compactMap {
                try number(at: RecordAddress(batch: batch.id, index: $0))
            }
            guard numbers.count == batch.records.count else {
                throw Self.corrupt("the object \(batch.id) of records lacks some")
            }
            return (known, numbers)
        }
        if let record = batch.records.first, batch.records.count == 1 {
            let object = try session.statement(
                """
                INSERT INTO record (hash, text, pending, name, delivered, unexplained)
                VALUES (?, ?, ?, ?, ?, ?)
                """
            ).insert(
                batch.id, record.text, isPending, record.name, session.tick, !isExplained)
            return (object, [object])
        }
        var writer = try RecordWriter(session)
        let numbers = try batch.records.map { try writer.add($0) }
        guard let object = try writer.finish(isPending: isPending, isExplained: isExplained).last
        else { throw Self.corrupt("a batch without records") }
        return (object.number, numbers)
    }

    /// Notes that a replica has an object.
    func noteHolding(of object: Int64, on member: Int) throws {
        try session.statement(
            "INSERT INTO record_holding (record, replica) VALUES (?, ?) ON CONFLICT DO NOTHING"
        ).run(object, member)
    }

    // MARK: The word on a name

    /// Records of a name that are looked at for a request: those of later changes.
    private static let laterChangesMax = 64

    /// The record of a name that a request has made, unless it is too long ago. Deposits, which keep
    /// receipts, are passed over.
    func find(
        _ name: FileName, madeBy request: RequestID
    ) throws -> (number: Int64, record: FileRecord)? {
        // What cannot be explained has changed nothing here.
        try find(
            name, madeBy: request,
            in: "SELECT id, id AS number, text, hash FROM record WHERE name = ? AND unexplained = 0"
        )
            ?? find(
                name, madeBy: request,
                in: """
                    SELECT l.id, -l.id AS number, l.text, l.hash FROM line l
                    CROSS JOIN record kept ON kept.id = l.record AND kept.unexplained = 0
                    WHERE l.name = ?
                    """)
    }

    /// - Parameter records: those of the name, in SQL.
    private func find(
        _ name: FileName, madeBy request: RequestID, in records: String
    ) throws -> (number: Int64, record: FileRecord)? {
        var found: (number: Int64, record: FileRecord)?
        try session.statement(
            """
            SELECT o.number, o.text, o.hash
            FROM (\(records) ORDER BY 1 DESC LIMIT ?) o
            WHERE NOT EXISTS (SELECT 1 FROM receipt r WHERE r.record = o.number)
                AND NOT EXISTS (
                    SELECT 1 FROM file f WHERE f.record = o.number AND f.deposit IS NOT NULL)
            ORDER BY o.id DESC LIMIT ?
            """
        ).visit(name, 16 * Self.laterChangesMax, Self.laterChangesMax) { row in
            let record = try Self.parse(row.get(1), hash: row.get(2))
            if record.request == request { found = (try row.get(0, as: Int64.self), record) }
            return found == nil
        }
        return found
    }

    /// The newest word on a name, file or tombstone.
    func newest(of name: FileName) throws -> (number: Int64, sequence: CommitSequence)? {
        try session.statement(
            """
            SELECT epoch, counter, record FROM file WHERE name = ?1
            UNION ALL SELECT epoch, counter, record FROM tombstone WHERE name = ?1
            """
        ).all(name) { try (number: $0.get(2, as: Int64.self), sequence: $0.sequence(0)) }
            .max { $0.sequence < $1.sequence }
    }

    /// What the newest word on a name says.
    func newestRecord(of name: FileName) throws -> FileRecord? {
        try newest(of: name).map { try record($0.number) }
    }

    /// Words on a name that a rebuild has found and cannot take over, since something is missing.
    func unexplained(_ name: FileName) throws -> [FileRecord] {
        let isSome = try session.statement(
            "SELECT EXISTS (SELECT 1 FROM member WHERE unexplained IS NOT NULL)"
        ).first { try $0.get(0, as: Bool.self) }
        guard isSome == true else { return [] }
        return try session.statement(
            """
            SELECT text, hash FROM record WHERE name = ?1 AND unexplained = 1
            UNION ALL SELECT l.text, l.hash FROM line l
            CROSS JOIN record o ON o.id = l.record AND o.unexplained = 1 WHERE l.name = ?1
            """
        ).all(name) { try Self.parse($0.get(0), hash: $0.get(1)) }
    }

    /// The newest word on a name, where it is in the outbox.
    func undelivered(_ name: FileName) throws -> KeptRecord? {
        guard let newest = try newest(of: name), try isPending(object(of: newest.number)) else {
            return nil
        }
        return try kept(newest.number)
    }

    /// Whether an object is in the outbox.
    func isPending(_ object: Int64) throws -> Bool {
        try session.statement("SELECT pending FROM record WHERE id = ?").first(object) {
            try $0.get(0, as: Bool.self)
        } ?? false
    }

    /// Whether a record is the newest of its name.
    func isCurrent(_ number: Int64) throws -> Bool {
        try session.statement(
            """
            SELECT EXISTS (SELECT 1 FROM file WHERE record = ?1)
                OR EXISTS (SELECT 1 FROM tombstone WHERE record = ?1)
            """
        ).first(number) { try $0.get(0, as: Bool.self) } ?? false
    }

    /// Whether the object `o` keeps a record that says something still: it is the newest of its name,
    /// or of what the name was before.
    static let isCurrent = """
        (EXISTS (SELECT 1 FROM file f WHERE \(RecordSQL.isKept("f.record")))
            OR EXISTS (SELECT 1 FROM version w WHERE \(RecordSQL.isKept("w.record")))
            OR EXISTS (SELECT 1 FROM tombstone t WHERE \(RecordSQL.isKept("t.record"))))
        """

    /// Whether an object keeps a record that says something still.
    func hasCurrent(_ object: Int64) throws -> Bool {
        try session.statement("SELECT \(Self.isCurrent) FROM record o WHERE o.id = ?")
            .first(object) { try $0.get(0, as: Bool.self) } ?? false
    }

    // MARK: Where it belongs

    /// Whether a majority of the copies of an object `n` is there: members that had it may have been
    /// forgotten since, or an older state of their disk put back, which an inventory shows.
    ///
    /// - Parameter level: what the record asks for, in SQL, or more.
    static func isOnMajority(_ level: String) -> String {
        """
        2 * (SELECT count(*) FROM record_holding b CROSS JOIN member m ON m.id = b.replica
            WHERE b.record = n.id AND m.inventoried >= m.restarted) > min(
            max(3, \(level)), (SELECT count(*) FROM member WHERE draining = 0))
        """
    }

    /// Whether a tombstone `t`, which the object `o` keeps, has nothing left to hold down. No member
    /// is known to have an older record of the name, none is on its way from the outbox, and every
    /// member was inventoried since the tombstone was in place and since the member was started
    /// last: a crash may have taken a deletion back.
    static let isExpired = """
        o.pending = 0
        AND NOT EXISTS (
            SELECT 1 FROM member WHERE inventoried <= o.delivered OR inventoried < restarted)
        AND NOT EXISTS (
            SELECT 1 FROM record older
            WHERE older.name = t.name AND older.id <> t.record AND \(RecordSQL.isAround("older")))
        AND NOT EXISTS (
            SELECT 1 FROM line other CROSS JOIN record older ON older.id = other.record
            WHERE other.name = t.name AND -other.id <> t.record
                AND \(RecordSQL.isAround("older")))
        """
}
