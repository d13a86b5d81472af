import DepotCore
import DepotSQLite
import GRDB

/// Which number stands for which chunk, in bulk. The caller sorts by id, so that neighbours share
/// pages.
struct ChunkTable {
    private let session: Session
    private let finding: SQLStatement
    private let inserting: SQLStatement
    private let using: SQLStatement
    private let naming: SQLStatement

    init(_ session: Session) throws {
        self.session = session
        finding = try session.statement("SELECT \(Known.columns) FROM chunk c WHERE c.hash = ?")
        naming = try session.statement("SELECT hash FROM chunk WHERE id = ?")
        using = try session.statement("UPDATE chunk SET unused = NULL, abandoned = 0 WHERE id = ?")
        inserting = try session.statement("INSERT INTO chunk (hash, length) VALUES (?, ?)")
    }

    struct Known {
        /// Of a chunk `c`.
        static let columns = "c.id, c.length, c.unused IS NOT NULL, c.good, c.unproved, c.rare"

        let number: Int64
        let length: Int
        let isUnused: Bool
        /// As they are in the row; see `CopyTable`.
        let good: CopyMask
        let unproved: CopyMask
        /// Whether `verdict` has to be looked into.
        let isRare: Bool

        /// - Parameter column: of the number; the others follow.
        init(_ row: SQLRow, at column: Int32 = 0) throws {
            number = try row.get(column)
            length = try row.get(column + 1)
            isUnused = try row.get(column + 2)
            good = try row.get(column + 3)
            unproved = try row.get(column + 4)
            isRare = try row.get(column + 5)
        }
    }

    func find(_ id: ChunkID) throws -> Known? {
        try finding.first(id) { try Known($0) }
    }

    /// The same for a caller that lets copies go: an index gave the number for the hash, and here
    /// the row is asked for its hash.
    func findCertain(_ id: ChunkID) throws -> Known? {
        guard let known = try find(id) else { return nil }
        guard try naming.first(known.number, body: { try $0.get(0) }) == id else {
            throw DatabaseError(
                resultCode: .SQLITE_CORRUPT, message: "the row of chunk \(id) has another hash")
        }
        return known
    }

    /// The chunk's number, on the word of a manifest that replicas hold. For rebuilding only.
    ///
    /// - Throws: `manifestInvalid` where it is known with another length.
    func enter(_ chunk: ChunkReference) throws -> Int64 {
        session.assertChange()
        guard let known = try find(chunk.id) else {
            session.absent.enter(chunk.id)
            return try inserting.insert(chunk.id, chunk.length)
        }
        guard known.length == chunk.length else { throw Self.contradiction(of: chunk, to: known) }
        if known.isUnused { try using.run(known.number) }
        return known.number
    }

    /// The chunk where it is known. A deposit that names it is about to use it: the grace time of
    /// an unused chunk begins anew. The length of a chunk that no replica holds binds nobody.
    ///
    /// - Throws: `manifestInvalid` where replicas hold it with another length.
    func use(_ chunk: ChunkReference) throws -> Known? {
        guard let known = try find(chunk.id) else { return nil }
        try use(chunk, known)
        return known
    }

    /// The same of a chunk that was found in this change.
    func use(_ chunk: ChunkReference, _ known: Known) throws {
        session.assertChange()
        try refuseContradiction(chunk, known)
        if known.isUnused { try using.run(known.number) }
    }

    /// Enters a chunk that a deposit brought and replicas have hashed.
    ///
    /// - Parameter good: who vouched for it.
    /// - Returns: its number.
    func enter(_ chunk: ChunkReference, good: CopyMask) throws -> Int64 {
        session.assertChange()
        assert(!good.isEmpty, "a chunk enters with a vouch")
        session.absent.enter(chunk.id)
        return try session.statement("INSERT INTO chunk (hash, length, good) VALUES (?, ?, ?)")
            .insert(chunk.id, chunk.length, good)
    }

    /// Gives a chunk that a replica has hashed that length, where nobody holds it.
    ///
    /// - Returns: whether that is its length.
    func prove(_ length: Int, of known: Known) throws -> Bool {
        session.assertChange()
        if known.length == length { return true }
        guard try !isBound(known) else { return false }
        try session.statement("UPDATE chunk SET length = ? WHERE id = ?").run(length, known.number)
        return true
    }

    /// - Throws: `manifestInvalid` where replicas hold the chunk with another length.
    func refuseContradiction(_ chunk: ChunkReference, _ known: Known) throws {
        guard known.length != chunk.length, try isBound(known) else { return }
        throw Self.contradiction(of: chunk, to: known)
    }

    private static func contradiction(of chunk: ChunkReference, to known: Known) -> DepotError {
        DepotError(
            .manifestInvalid,
            "this chunk has \(known.length) bytes, \(chunk.length) were named; "
                + "read and cut the file again",
            object: chunk.id.hex)
    }

    /// Whether its length is more than a claim: a replica holds a copy, or a file was committed
    /// with it.
    func isBound(_ known: Known) throws -> Bool {
        let members = try session.members()
        if !((known.good | known.unproved) & members.known).isEmpty { return true }
        if try CopyTable(session).row(of: known).isHeld(members) { return true }
        return try session.statement("SELECT \(ChunkUse.isInFile("?1"))").first(known.number) {
            try $0.get(0, as: Bool.self)
        } ?? true
    }

    /// The numbers of the next chunks behind a number, at most `pieceOfChunks`; `nil` where there is
    /// none.
    func piece(after number: Int64) throws -> ClosedRange<Int64>? {
        let ends = try session.statement(
            "SELECT (SELECT min(id) FROM chunk WHERE id > ?), (SELECT max(id) FROM chunk)"
        ).first(number) { try ($0.get(0, as: Int64?.self), $0.get(1, as: Int64?.self)) }
        guard let ends, let first = ends.0, let last = ends.1, first <= last else { return nil }
        return first...min(last, first + SQLiteCatalog.pieceOfChunks - 1)
    }

    /// Where a page begins: behind the chunk, or before the first.
    ///
    /// - Throws: `notFound` for a chunk that is not known (any more).
    func position(of cursor: ChunkID?) throws -> Int64 {
        guard let cursor else { return .min }
        guard let known = try find(cursor) else {
            throw DepotError(
                .notFound,
                "the page was to begin behind this chunk, which is not known; start again",
                object: cursor.hex)
        }
        return known.number
    }
}
