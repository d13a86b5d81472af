import DepotCore
import DepotSQLite
import GRDB

// What the index tells of segments and bad copies, all of it at once.

extension SegmentIndex {
    func segments() throws(DepotError) -> [Segment] { try segments(compacted: false) }

    /// The segments whose removal was begun and not ended.
    func removals() throws(DepotError) -> [Segment] { try segments(compacted: true) }

    private func segments(compacted: Bool) throws(DepotError) -> [Segment] {
        try view { database in
            try SQLStatement(
                database,
                """
                SELECT number, nonce, bytes, sequence FROM segment
                WHERE compacted = ? ORDER BY number
                """
            ).all(compacted) { row in
                try Segment(
                    number: row.get(0), nonce: row.get(1, as: RandomBits.self).bits,
                    bytes: UInt64(clamping: row.get(2, as: Int64.self)),
                    highestSequence: row.get(3, as: String?.self).flatMap { CommitSequence($0) })
            }
        }
    }

    func summary() throws(DepotError) -> Summary {
        try Summary(segments: segments(), quarantined: bad(), chunks: chunkCount())
    }

    func bad() throws(DepotError) -> Set<ObjectID> {
        try view { database in
            try Set(SQLStatement(database, "SELECT kind, hash FROM bad").all { try Self.id($0) })
        }
    }

    func chunkCount() throws(DepotError) -> Int {
        try view { database in
            try Int.fetchOne(database, sql: "SELECT count(*) FROM member WHERE kind = 0") ?? 0
        }
    }
}
