import DepotCore
import DepotSQLite
import GRDB

// SQLite does not check what a row says, and a flipped bit makes another number of one. So every
// place is checked before it is believed.

extension SegmentIndex {
    /// The place of an object's header, and the object's length, as a row has them.
    struct Place {
        let segment: UInt32
        let offset: UInt64
        let length: Int

        /// `nil` where they cannot be right: the row is damaged.
        fileprivate init?(_ row: SQLRow, from column: Int32) {
            guard let segment: UInt32 = row.find(column), let offset: Int64 = row.find(column + 1),
                let length: Int = row.find(column + 2),
                segment <= SegmentID.numberMax,
                // Far beyond any disk, and with room for what is added to it.
                (0..<1 << 60).contains(offset), (1...Limits.chunkSizeMax).contains(length)
            else { return nil }
            (self.segment, self.offset, self.length) = (segment, UInt64(offset), length)
        }
    }

    /// Where objects lie. The caller, who knows the segments, adds the nonce.
    func find(_ ids: some Sequence<ObjectID>) throws(DepotError) -> [ObjectID: Place] {
        try view { try Self.find(ids, $0) }
    }

    private static func find(
        _ ids: some Sequence<ObjectID>, _ database: Database
    ) throws -> [ObjectID: Place] {
        let statement = try SQLStatement(
            database, "SELECT segment, offset, length FROM member WHERE kind = ? AND hash = ?")
        var found: [ObjectID: Place] = [:]
        for id in ids.sorted() {
            found[id] = try statement.first(id.kind, id.hash) { Place($0, from: 0) } ?? nil
        }
        return found
    }

    /// The copies in a segment that the index lists, in order, from an offset on.
    ///
    /// - Parameters:
    ///   - limit: of rows.
    ///   - budget: bytes, headers and padding included. The copy that exceeds it is the last one.
    /// - Returns: `next` is the place of the first copy that was left out; `nil` where none was.
    func live(
        in segment: UInt32, from offset: UInt64, limit: Int, budget: UInt64 = .max
    ) throws(DepotError) -> (rows: [(id: ObjectID, offset: UInt64, length: Int)], next: UInt64?) {
        assert(limit > 0 && budget > 0, "nothing is asked for")
        return try view { database in
            var found: [(id: ObjectID, offset: UInt64, length: Int)] = []
            var next: UInt64?
            var bytes: UInt64 = 0
            try SQLStatement(
                database,
                """
                SELECT kind, hash, segment, offset, length FROM member
                WHERE segment = ? AND offset >= ? ORDER BY offset
                """
            ).visit(segment, Int64(clamping: offset)) { row in
                guard let place = Place(row, from: 2) else { return true }
                guard bytes < budget, found.count < limit else {
                    next = place.offset
                    return false
                }
                bytes += UInt64(MemberHeader.size + MemberHeader.padded(place.length))
                found.append((try Self.id(row), place.offset, place.length))
                return true
            }
            return (found, next)
        }
    }

    /// Objects that damaged rows name. Their true places are unknown: they may lie in the segment.
    func misplaced(in segment: UInt32) throws(DepotError) -> [ObjectID] {
        try view { database in
            try SQLStatement(
                database, "SELECT kind, hash, segment, offset, length FROM member WHERE segment = ?"
            ).all(segment) { row in Place(row, from: 2) == nil ? try Self.id(row) : nil }
                .compactMap { $0 }
        }
    }

    /// How many live copies each segment has, and their bytes, header and padding included.
    ///
    /// - Parameter gone: objects whose copies do not count: they are shadowed.
    func liveTotals(
        without gone: Set<ObjectID>
    ) throws(DepotError) -> [UInt32: (copies: Int, bytes: UInt64)] {
        try view { database in
            var totals: [UInt32: (copies: Int, bytes: UInt64)] = [:]
            try SQLStatement(
                database,
                """
                SELECT segment, count(*), sum((CAST(length AS INTEGER) + 1023) / 512 * 512)
                FROM member WHERE length BETWEEN 1 AND ? GROUP BY segment
                """
            ).visit(Limits.chunkSizeMax) { row in
                guard let segment: UInt32 = row.find(0) else { return true }
                totals[segment] = try (row.get(1), UInt64(clamping: row.get(2, as: Int64.self)))
                return true
            }
            for place in try Self.find(gone, database).values {
                guard var total = totals[place.segment] else { continue }
                let space = UInt64(MemberHeader.size + MemberHeader.padded(place.length))
                total.copies -= 1
                total.bytes -= min(space, total.bytes)
                totals[place.segment] = total
            }
            return totals
        }
    }

    func page(after: ObjectID?, limit: Int) throws(DepotError) -> [InventoryEntry] {
        assert(limit > 0, "nothing is asked for")
        return try view { database in
            try SQLStatement(
                database,
                """
                SELECT kind, hash, segment, offset, length FROM member
                WHERE (kind, hash) > (?, ?) ORDER BY kind, hash LIMIT ?
                """
            ).all(
                after.map { Int($0.kind.rawValue) } ?? -1, after?.hash.bytes ?? [], limit
            ) { row in
                // The object of a damaged row counts as absent, and is put again: no segment has
                // the number 0.
                let place = Place(row, from: 2)
                return InventoryEntry(
                    id: try Self.id(row), length: place?.length ?? 0, segment: place?.segment ?? 0)
            }
        }
    }

    static func id(_ row: SQLRow) throws -> ObjectID {
        try ObjectID(kind: row.get(0), hash: row.get(1))
    }
}
