import DepotCore
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
