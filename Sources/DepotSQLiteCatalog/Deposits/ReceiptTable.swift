import DepotCore
import DepotSQLite
import GRDB

/// What depositors were told, kept for those who ask again.
struct ReceiptTable {
    struct Kept {
        let receipt: Receipt
        /// The number of its record.
        let record: Int64
    }

    /// Receipts of one transaction: so long others wait.
    static let forgottenAtOnce = 1_000

    private let session: Session

    init(_ session: Session) { self.session = session }

    func keep(_ receipt: Receipt, deposit: Int64, record: Int64) throws {
        session.assertChange()
        try session.statement(
            """
            INSERT INTO receipt (deposit, name, record, copies, chunks, new_chunks, new_bytes,
                shared_bytes)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            """
        ).run(
            deposit, receipt.name, record, receipt.copies, receipt.chunks, receipt.newChunks,
            receipt.newBytes, receipt.sharedBytes)
    }

    func lower(_ receipt: Receipt, to copies: Int) throws {
        session.assertChange()
        try session.statement(
            """
            UPDATE receipt SET copies = min(copies, ?1) WHERE name = ?2
                AND deposit = (SELECT id FROM deposit WHERE uuid = ?3)
            """
        ).run(copies, receipt.name, receipt.deposit)
    }

    /// Forgets some of the receipts that were kept for their time, and deposits that have none
    /// left.
    ///
    /// - Returns: whether there may be more.
    func forgetOld() throws -> Bool {
        session.assertChange()
        let old = try session.statement(
            """
            SELECT d.id, r.name FROM deposit d CROSS JOIN receipt r ON r.deposit = d.id
            WHERE d.ended <= ? ORDER BY d.ended LIMIT ?
            """
        ).all(session.now - Receipt.keptFor.milliseconds, Self.forgottenAtOnce) {
            try (deposit: $0.get(0, as: Int64.self), name: $0.get(1, as: FileName.self))
        }
        let forgetting = try session.statement("DELETE FROM receipt WHERE deposit = ? AND name = ?")
        for receipt in old { try forgetting.run(receipt.deposit, receipt.name) }
        let ending = try session.statement(
            """
            DELETE FROM deposit WHERE id = ?1
                AND NOT EXISTS (SELECT 1 FROM receipt WHERE deposit = ?1)
            """)
        for deposit in Set(old.map(\.deposit)) { try ending.run(deposit) }
        return old.count == Self.forgottenAtOnce
    }

    func find(_ name: FileName, deposit: DepositID) throws -> Kept? {
        try session.statement(
            """
            SELECT \(RecordSQL.text), r.copies, r.chunks, r.new_chunks, r.new_bytes,
                r.shared_bytes, r.record
            FROM deposit d CROSS JOIN receipt r ON r.deposit = d.id AND r.name = ?
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
