import DepotCore
import DepotSQLite

// Which copies are good, or not proved, is said by rows of chunks alone: there is no list by
// member. Whoever asks for one has the chunks gone over, a piece at a time, so that no answer waits
// for all of them. Bad and released copies are few, and are listed.

extension SQLiteCatalog {
    /// Numbers of chunks that one answer goes over: some 10 ms of reading.
    static let pieceOfChunks: Int64 = 50_000

    public func holdings(
        on replica: ReplicaID, state: HoldingState, after cursor: ChunkPlace?, limit: Int
    ) async throws(DepotError) -> CopyPage {
        try Self.checkPage(limit)
        return try await queue.view { session in
            let member = try session.members().number(of: replica)
            let start = cursor?.value ?? .min
            switch state {
            case .good, .unproved:
                return try Self.piece(of: member, state, after: start, limit, session)
            case .bad, .released:
                return try Self.listed(on: member, state, after: start, limit, session)
            }
        }
    }

    private static func piece(
        of member: Int, _ state: HoldingState, after start: Int64, _ limit: Int, _ session: Session
    ) throws -> CopyPage {
        guard let piece = try ChunkTable(session).piece(after: start) else { return CopyPage([]) }
        let copies = try CopySQL(session)
        let isGood = copies.isGood(on: member)
        let condition =
            state == .good ? isGood : "\(copies.isBelieved(on: member)) AND NOT (\(isGood))"
        let found = try session.statement(
            """
            SELECT c.id, c.hash, c.length FROM chunk c
            WHERE c.id >= ? AND c.id <= ? AND \(condition) ORDER BY c.id LIMIT ?
            """
        ).all(piece.lowerBound, piece.upperBound, limit, body: Self.placed)
        return page(found, limit, else: ChunkPlace(value: piece.upperBound))
    }

    private static func listed(
        on member: Int, _ state: HoldingState, after start: Int64, _ limit: Int, _ session: Session
    ) throws -> CopyPage {
        let listed = { (table: String) in
            "SELECT chunk FROM \(table) WHERE replica = ?1 AND state = ?2 AND chunk > ?3"
        }
        let chunks =
            session.isCarrying
            ? listed("verdict") + " UNION ALL " + listed("holding") : listed("verdict")
        let found = try session.statement(
            """
            SELECT c.id, c.hash, c.length FROM (\(chunks) ORDER BY 1 LIMIT ?4) v
            CROSS JOIN chunk c ON c.id = v.chunk ORDER BY c.id
            """
        ).all(member, state, start, limit, body: Self.placed)
        return page(found, limit, else: nil)
    }

    private typealias Placed = (place: Int64, chunk: ChunkReference)

    private static func placed(_ row: SQLRow) throws -> Placed {
        try (row.get(0), ChunkReference(id: row.get(1), length: row.get(2)))
    }

    private static func page(_ found: [Placed], _ limit: Int, else end: ChunkPlace?) -> CopyPage {
        let last = found.count == limit ? found.last.map { ChunkPlace(value: $0.place) } : nil
        return CopyPage(found.map(\.chunk), next: last ?? end)
    }
}
