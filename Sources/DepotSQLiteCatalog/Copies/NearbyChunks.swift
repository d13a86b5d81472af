import DepotCore
import DepotSQLite

// Ids are hashes: those of one file are all over the index, and of ten million chunks each takes a
// page that no cache has. Numbers are given in order, so the rows of chunks that came together are
// neighbours: where one is found, those beside it are read in one go, and most of what is asked next
// is among them (Zhu, Li and Patterson, Avoiding the disk bottleneck in the Data Domain
// deduplication file system, FAST 2008, 4.2).

/// Finds chunks that are named together, for a transaction that changes nothing but `unused` of
/// their rows.
struct NearbyChunks {
    /// Rows that are read in one go.
    private static let rowsOfOne: Int64 = 256
    /// Rows that are read in all, for each chunk that is named: chunks that have no neighbours among
    /// those that were named cost so much more and nothing else.
    private static let rowsOfEach: Int64 = 2

    private let table: ChunkTable
    private let reading: SQLStatement
    private var rows: [ChunkID: ChunkTable.Known] = [:]
    /// Which 256 numbers were read.
    private var read: Set<Int64> = []
    private var rest: Int64

    /// - Parameter count: chunks that are going to be asked for.
    init(_ table: ChunkTable, for count: Int, _ session: Session) throws {
        self.table = table
        rest = Int64(count) * Self.rowsOfEach
        reading = try session.statement(
            """
            SELECT c.hash, \(ChunkTable.Known.columns) FROM chunk c WHERE c.id BETWEEN ? AND ?
            """)
    }

    mutating func find(_ id: ChunkID) throws -> ChunkTable.Known? {
        if let row = rows[id] { return row }
        guard let found = try table.find(id) else { return nil }
        try readAround(found.number)
        return found
    }

    private mutating func readAround(_ number: Int64) throws {
        let page = number / Self.rowsOfOne
        guard rest >= Self.rowsOfOne, read.insert(page).inserted else { return }
        rest -= Self.rowsOfOne
        let first = page * Self.rowsOfOne
        try reading.visit(first, first + Self.rowsOfOne - 1) { row in
            rows[try row.get(0)] = try ChunkTable.Known(row, at: 1)
            return true
        }
    }
}
