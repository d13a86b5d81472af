import DepotCore
import DepotSQLite
import NIOCore

/// What depositors were told, kept for those who ask again.
enum Receipts {
    struct Kept {
        let receipt: Receipt
        let record: FileRecord
    }

    static func keep(
        _ receipt: Receipt, deposit: Int64, record: Int64, _ session: Session
    ) throws {
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

    /// Receipts of one transaction: so long others wait.
    static let forgottenAtOnce = 1_000

    /// Forgets some of those that were kept for their time, and deposits that have none left.
    ///
    /// - Returns: whether there may be more.
    static func forgetOld(_ session: Session) throws -> Bool {
        let old = try session.statement(
            """
            SELECT d.id, r.name FROM deposit d CROSS JOIN receipt r ON r.deposit = d.id
            WHERE d.ended <= ? ORDER BY d.ended LIMIT ?
            """
        ).all(session.now - Receipt.keptFor.milliseconds, forgottenAtOnce) {
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
        return old.count == forgottenAtOnce
    }

    static func find(
        _ name: FileName, deposit: DepositID, _ session: Session
    ) throws -> Kept? {
        try session.statement(
            """
            SELECT o.text, r.copies, r.chunks, r.new_chunks, r.new_bytes, r.shared_bytes
            FROM deposit d CROSS JOIN receipt r ON r.deposit = d.id AND r.name = ?
            CROSS JOIN record o ON o.id = r.record WHERE d.uuid = ?
            """
        ).first(name, deposit) { row in
            let record = try FileRecord(parsing: ByteBuffer(bytes: row.get(0, as: [UInt8].self)))
            guard case .file(let level, let manifest, let size, _) = record.content else {
                throw DepotError(.internalError, "a receipt for a deletion", object: name.text)
            }
            let receipt = try Receipt(
                deposit: deposit, name: record.name, sequence: record.sequence, manifest: manifest,
                size: size, level: level, copies: row.get(1), chunks: row.get(2),
                newChunks: row.get(3), newBytes: row.get(4), sharedBytes: row.get(5))
            return Kept(receipt: receipt, record: record)
        }
    }
}
