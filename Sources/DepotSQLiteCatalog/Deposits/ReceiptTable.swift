import DepotCore
import DepotSQLite
import GRDB

// A receipt is in the row of its file, which has room for it, until another record takes that one's
// place: then it is moved into a table. It names its deposit by UUID, since numbers of deposits are
// used again. A UUID may be used again as well, when the deposit is forgotten: so the deposit's row
// says where its commits begin, and an older receipt is not its own.

/// What depositors were told, kept for those who ask again.
struct ReceiptTable {
    struct Kept {
        let receipt: Receipt
        /// The number of its record.
        let record: Int64
    }

    /// Receipts and deposits of one transaction: so long others wait.
    static let forgottenAtOnce = 1_000

    /// Whether the row `r` of a file has the receipt of the deposit `d`.
    private static let isInRow = "r.deposit = d.uuid AND r.counter >= d.committed"

    private let session: Session

    init(_ session: Session) { self.session = session }

    // MARK: Keeping

    /// Notes that a deposit has committed something: its row stays when its lease ends.
    func noteCommit(_ sequence: CommitSequence, by deposit: Int64) throws {
        session.assertChange()
        try session.statement(
            "UPDATE deposit SET committed = ? WHERE id = ? AND committed IS NULL"
        ).run(sequence.counter, deposit)
    }

    /// Called before the row of a file goes, or becomes that of another record. The receipt of a
    /// deposit that is forgotten is none any more.
    func moveOut(of name: FileName) throws {
        session.assertChange()
        try session.statement(
            """
            INSERT INTO receipt (deposit, name, record, copies, chunks, new_chunks, new_bytes,
                shared_bytes)
            SELECT d.id, r.name, r.record, r.copies, r.chunks, r.new_chunks, r.new_bytes,
                r.shared_bytes
            FROM file r CROSS JOIN deposit d ON \(Self.isInRow) WHERE r.name = ?
            """
        ).run(name)
    }

    func lower(_ receipt: Receipt, to copies: Int) throws {
        session.assertChange()
        try session.statement(
            "UPDATE file SET copies = min(copies, ?) WHERE name = ? AND deposit = ?"
        ).run(copies, receipt.name, receipt.deposit)
        try session.statement(
            """
            UPDATE receipt SET copies = min(copies, ?1) WHERE name = ?2
                AND deposit = (SELECT id FROM deposit WHERE uuid = ?3)
            """
        ).run(copies, receipt.name, receipt.deposit)
    }

    /// Forgets some of the deposits whose receipts were kept for their time, with what the table has
    /// of them. What is in a file's row stays there, and says nothing without its deposit.
    ///
    /// - Returns: whether there may be more.
    func forgetOld() throws -> Bool {
        session.assertChange()
        let old = try session.statement(
            "SELECT id FROM deposit WHERE ended <= ? ORDER BY ended LIMIT ?"
        ).all(session.now - Receipt.keptFor.milliseconds, Self.forgottenAtOnce) {
            try $0.get(0, as: Int64.self)
        }
        let ending = try session.statement("DELETE FROM deposit WHERE id = ?")
        var room = Self.forgottenAtOnce
        for deposit in old where room > 0 {
            let forgotten = try forget(atMost: room, of: deposit)
            if forgotten < room { try ending.run(deposit) }
            room -= max(1, forgotten)
        }
        assert(room >= 0, "a change forgets \(Self.forgottenAtOnce) receipts at most")
        return room == 0
    }

    /// - Returns: how many there were.
    private func forget(atMost room: Int, of deposit: Int64) throws -> Int {
        let names = try session.statement("SELECT name FROM receipt WHERE deposit = ? LIMIT ?")
            .all(deposit, room) { try $0.get(0, as: FileName.self) }
        let forgetting = try session.statement("DELETE FROM receipt WHERE deposit = ? AND name = ?")
        for name in names { try forgetting.run(deposit, name) }
        return names.count
    }

    // MARK: Finding

    func find(_ name: FileName, deposit: DepositID) throws -> Kept? {
        try find(name, deposit, in: "file r ON r.name = ? AND \(Self.isInRow)")
            ?? find(name, deposit, in: "receipt r ON r.deposit = d.id AND r.name = ?")
    }

    /// - Parameter rows: rows `r` of a table that have receipts of the deposit `d`, in SQL.
    private func find(
        _ name: FileName, _ deposit: DepositID, in rows: String
    ) throws -> Kept? {
        try session.statement(
            """
            SELECT \(RecordSQL.text), r.copies, r.chunks, r.new_chunks, r.new_bytes,
                r.shared_bytes, r.record
            FROM deposit d CROSS JOIN \(rows)
            \(RecordSQL.joinText(of: "r.record")) WHERE d.uuid = ?
            """
        ).first(name, deposit) { row in
            let record = try RecordTable.parse(row.get(0), hash: row.get(1))
            guard case .file(let level, let manifest, let size, _) = record.content else {
                throw DatabaseError(
                    resultCode: .SQLITE_CORRUPT,
                    message: "the receipt of '\(name)' is of the record of a deletion")
            }
            let receipt = try Receipt(
                deposit: deposit, name: record.name, sequence: record.sequence, manifest: manifest,
                size: size, level: level, copies: row.get(2), chunks: row.get(3),
                newChunks: row.get(4), newBytes: row.get(5), sharedBytes: row.get(6))
            return Kept(receipt: receipt, record: try row.get(7))
        }
    }
}
