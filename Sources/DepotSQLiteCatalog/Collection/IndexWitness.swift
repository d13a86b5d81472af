import DepotSQLite
import GRDB

// Indexes tell whether a chunk is used: one look into one index. A wrong index would let a chunk go
// that its table still names. So before anything goes, each of these indexes is compared with its
// table as a whole: both are read once, and have to give the same rows. Ten million references take
// some seconds, beside all else.

/// Compares the indexes that tell what is unused with their tables.
enum IndexWitness {
    struct Part {
        let index: String
        let table: String
        let key: String
        /// Two numbers of a row, which the index holds as well.
        let columns: String

        var listed: String { "SELECT \(columns) FROM \(table) INDEXED BY \(index)" }
        /// In the table's own order. With `NOT INDEXED` SQLite would still read an index that
        /// covers the columns.
        var there: String { "SELECT \(columns) FROM \(table) ORDER BY \(key)" }
    }

    static let parts = [
        Part(
            index: "reference_chunk", table: "reference", key: "manifest, chunk",
            columns: "chunk, manifest"),
        Part(index: "file_manifest", table: "file", key: "name", columns: "manifest, level"),
        Part(index: "file_record", table: "file", key: "name", columns: "record, 0"),
        Part(
            index: "version_manifest", table: "version", key: "name, epoch, counter",
            columns: "manifest, target"),
        Part(
            index: "version_record", table: "version", key: "name, epoch, counter",
            columns: "record, 0"),
        Part(index: "tombstone_record", table: "tombstone", key: "name", columns: "record, 0"),
        Part(
            index: "receipt_record", table: "receipt", key: "deposit, name",
            columns: "record, deposit"),
        Part(
            index: "pin_page_deposit", table: "pin_page", key: "page, deposit, fresh, vouched",
            columns: "page, chunks"),
        Part(
            index: "pin_page_deposit", table: "pin_page", key: "page, deposit, fresh, vouched",
            columns: "vouched, deposit * 2 + fresh"),
        Part(
            index: "retrieval_manifest", table: "retrieval", key: "uuid, manifest",
            columns: "manifest, 0"),
        Part(
            index: "replaced_manifest", table: "replaced", key: "record, manifest",
            columns: "manifest, record"),
        Part(
            index: "record_holding_replica", table: "record_holding", key: "record, replica",
            columns: "replica, record"),
    ]

    /// - Throws: `SQLITE_CORRUPT` where an index does not have the rows of its table.
    static func require(_ session: Session) throws {
        for part in parts {
            let listed = try Fingerprint(session.statement(part.listed))
            let there = try Fingerprint(session.statement(part.there))
            guard listed == there else {
                throw DatabaseError(
                    resultCode: .SQLITE_CORRUPT,
                    message: "index \(part.index) does not have the rows of \(part.table)")
            }
        }
    }

    /// A sum of rows, the same for every order of the rows.
    private struct Fingerprint: Equatable {
        private var rows = 0
        private var sum: UInt64 = 0

        init(_ pairs: SQLStatement) throws {
            try pairs.visit { row in
                let first = try UInt64(bitPattern: row.get(0, as: AnyInteger.self).value)
                let second = try UInt64(bitPattern: row.get(1, as: AnyInteger.self).value)
                rows += 1
                sum &+= Self.mixed(Self.mixed(first) ^ second)
                return true
            }
        }

        /// The finaliser of SplitMix64: each bit of a value changes about half of the result's.
        private static func mixed(_ value: UInt64) -> UInt64 {
            var value = value &+ 0x9e37_79b9_7f4a_7c15
            value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
            value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
            return value ^ value >> 31
        }
    }
}
