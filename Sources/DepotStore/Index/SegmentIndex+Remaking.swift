import DepotCore
import GRDB

// An index that does not fit the segments is made again beside the old one, which is kept until the
// new one is whole: it alone knows which copies are bad.

extension SegmentIndex {
    /// Empties an index that does not fit the segments. The former content is kept until
    /// `endRemaking`.
    func beginRemaking() throws(DepotError) {
        try change { database in
            // An attempt that a crash has interrupted knows less than the index before it.
            if try database.tableExists("former") {
                try database.execute(sql: "DROP TABLE member; DROP TABLE segment;")
            } else {
                try database.execute(
                    sql: """
                        ALTER TABLE member RENAME TO former; ALTER TABLE bad RENAME TO formerly_bad;
                        DROP INDEX member_segment; DROP TABLE segment;
                        """)
            }
            try database.execute(sql: Self.schema)
        }
    }

    /// To be called after all segments were merged. Copies that were known to be bad stay so. Where
    /// an older copy came forth because the newest is gone, nothing tells whether it was bad: it
    /// counts as bad until it is hashed, or put again.
    func endRemaking() throws(DepotError) {
        try change { database in
            guard try database.tableExists("former") else { return }
            try database.execute(
                sql: """
                    INSERT OR REPLACE INTO bad
                        SELECT kind, hash FROM member JOIN former USING (kind, hash)
                        WHERE (member.segment, member.offset) < (former.segment, former.offset);
                    INSERT OR REPLACE INTO bad
                        SELECT kind, hash FROM formerly_bad JOIN member USING (kind, hash)
                        LEFT JOIN former USING (kind, hash)
                        WHERE former.segment IS NULL OR
                        (member.segment, member.offset) <= (former.segment, former.offset);
                    DROP TABLE former; DROP TABLE formerly_bad;
                    """)
        }
    }
}
