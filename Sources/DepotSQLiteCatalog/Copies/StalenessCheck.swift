import DepotCore
import DepotSQLite

/// Tells whether a replica's good word was stale when it arrived, see `InvalidationTable`.
struct StalenessCheck {
    private let mark: CatalogMark
    private let invalidations: SQLStatement?
    /// The tick when each member's log last went back.
    private let regressed: [Int: UInt64]
    /// The tick when each member was last let delete what the catalog does not know.
    private let strayed: [Int: UInt64]

    /// - Throws: `conflict` where invalidations since the mark may have been forgotten.
    init(asOf mark: CatalogMark, _ session: Session) throws {
        self.mark = mark
        let horizon = try session.statement("SELECT horizon FROM cluster").first {
            try $0.get(0, as: UInt64.self)
        }
        if mark.value < horizon ?? 0 {
            throw DepotError(
                .conflict, "what replicas said is too old to be believed; ask them again")
        }
        let any = try session.statement(
            """
            SELECT EXISTS (SELECT 1 FROM setback),
                EXISTS (SELECT 1 FROM member WHERE regressed > ?1 OR strayed > ?1)
            """
        ).first(mark.value) { try ($0.get(0, as: Bool.self), $0.get(1, as: Bool.self)) }
        invalidations =
            any?.0 == true
            ? try session.statement("SELECT tick FROM setback WHERE chunk = ? AND replica = ?")
            : nil
        var regressed: [Int: UInt64] = [:]
        var strayed: [Int: UInt64] = [:]
        if any?.1 == true {
            try session.statement("SELECT id, regressed, strayed FROM member").visit { row in
                regressed[try row.get(0)] = try row.get(1)
                strayed[try row.get(0)] = try row.get(2)
                return true
            }
        }
        (self.regressed, self.strayed) = (regressed, strayed)
    }

    /// The same for a chunk that the catalog does not know. Where a copy of it was released since
    /// the mark, its row would be there: it stays for as long as the invalidation.
    ///
    /// - Throws: `conflict` where the member may have deleted it since, as a stray.
    func isStaleForNew(member: Int) throws -> Bool {
        guard strayed[member] ?? 0 <= mark.value else {
            throw DepotError(
                .conflict,
                "what a replica said may have been deleted there since; ask it again")
        }
        return regressed[member] ?? 0 > mark.value
    }

    /// Whether something came after the mark that a good word for this copy cannot have known.
    func isStale(chunk: Int64, member: Int) throws -> Bool {
        if let tick = regressed[member], tick > mark.value { return true }
        let tick = try invalidations?.first(chunk, member) { try $0.get(0, as: UInt64.self) }
        return tick.map { $0 > mark.value } ?? false
    }
}
