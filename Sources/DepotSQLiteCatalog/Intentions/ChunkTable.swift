import DepotCore
import DepotSQLite

/// Which number stands for which chunk, in bulk. The caller sorts by id, so that neighbours share pages.
struct ChunkTable {
    private let finding: SQLStatement
    private let inserting: SQLStatement
    private let using: SQLStatement

    init(_ session: Session) throws {
        finding = try session.statement(
            "SELECT id, length, unused IS NOT NULL FROM chunk WHERE hash = ?")
        using = try session.statement("UPDATE chunk SET unused = NULL WHERE id = ?")
        inserting = try session.statement("INSERT INTO chunk (hash, length) VALUES (?, ?)")
    }

    struct Known {
        let number: Int64
        let length: Int
        let isUnused: Bool
    }

    func find(_ id: ChunkID) throws -> Known? {
        try finding.first(id) {
            try Known(number: $0.get(0), length: $0.get(1), isUnused: $0.get(2))
        }
    }

    /// The chunk's number, and whether it was known. Whoever enters a chunk is about to use it: the grace time of one
    /// that was unused begins anew.
    ///
    /// - Throws: `manifestInvalid` where it is known with another length.
    func enter(_ chunk: ChunkReference) throws -> (number: Int64, wasKnown: Bool) {
        if let known = try find(chunk.id) {
            guard known.length == chunk.length else {
                throw DepotError(
                    .manifestInvalid,
                    "this chunk has \(known.length) bytes, \(chunk.length) were named; "
                        + "read and cut the file again",
                    object: chunk.id.hex)
            }
            if known.isUnused { try using.run(known.number) }
            return (known.number, true)
        }
        return (try inserting.insert(chunk.id, chunk.length), false)
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
