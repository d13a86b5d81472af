import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func draining() async throws(DepotError) -> Set<ReplicaID> {
        try await queue.view { session in
            try Set(
                session.statement("SELECT replica FROM member WHERE draining = 1").all {
                    try $0.get(0, as: ReplicaID.self)
                })
        }
    }

    public func setDraining(
        _ replica: ReplicaID, _ isDraining: Bool
    ) async throws(DepotError) {
        try await queue.change { session in
            try session.statement("UPDATE member SET draining = ? WHERE id = ?")
                .run(isDraining, session.members().number(of: replica))
        }
    }

    /// Goes over all chunks, a piece at a time: what changes meanwhile may be counted or not.
    public func remainder(
        on replica: ReplicaID, counting: Set<ReplicaID>
    ) async throws(DepotError) -> ReplicaRemainder {
        var found = try await queue.view { session in
            let member = try session.members().number(of: replica)
            var found = ReplicaRemainder()
            found.records = try Self.currentRecords(on: member, session)
            found.deposits = try Self.deposits(vouchedForBy: member, session)
            return found
        }
        var cursor: Int64? = .min
        while let start = cursor {
            let piece = try await queue.view { session in
                try Self.copies(on: replica, counting: counting, after: start, session)
            }
            found.chunks += piece?.chunks ?? 0
            found.bytes.increase(by: piece?.bytes ?? 0)
            found.onlyCopies += piece?.onlyCopies ?? 0
            cursor = piece?.end
        }
        return found
    }

    private typealias Piece = (end: Int64, chunks: Int, bytes: UInt64, onlyCopies: Int)

    /// - Returns: `nil` behind the last chunk.
    private static func copies(
        on replica: ReplicaID, counting: Set<ReplicaID>, after start: Int64, _ session: Session
    ) throws -> Piece? {
        guard let piece = try ChunkTable(session).piece(after: start) else { return nil }
        let members = try session.members()
        let member = try members.number(of: replica)
        let others = members.mask(of: counting).without(members.bits(of: member))
        let copies = try CopySQL(session)
        return try session.statement(
            """
            SELECT count(*), coalesce(sum(c.length), 0), coalesce(sum(
                \(copies.isBelieved(on: member)) AND \(copies.goodCount(on: others)) = 0
                AND \(ChunkUse.isInFile("c.id"))), 0)
            FROM chunk c WHERE c.id >= ? AND c.id <= ? AND \(copies.isHeld(by: member))
            """
        ).first(piece.lowerBound, piece.upperBound) {
            try (piece.upperBound, $0.get(0), $0.get(1), $0.get(2))
        }
    }

    /// Objects with records that are the newest of their names.
    private static func currentRecords(on member: Int, _ session: Session) throws -> Int {
        try session.statement(
            """
            SELECT count(*) FROM record_holding h CROSS JOIN record o ON o.id = h.record
            WHERE h.replica = ? AND \(RecordTable.isCurrent)
            """
        ).first(member) { try $0.get(0) } ?? 0
    }

    private static func deposits(vouchedForBy member: Int, _ session: Session) throws -> Int {
        try session.statement(
            """
            SELECT count(DISTINCT p.deposit) FROM pin_page p
            CROSS JOIN deposit d ON d.id = p.deposit AND d.deadline > ?
            WHERE p.vouched & ? <> 0
            """
        ).first(session.now, session.members().bits(of: member)) { try $0.get(0) } ?? 0
    }
}
