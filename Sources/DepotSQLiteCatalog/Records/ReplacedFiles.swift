import DepotCore
import DepotSQLite

// While no majority of its replicas has the record that replaces or deletes a file, a catalog that
// is made of replicas alone shows the file from before: its chunks have to be there. So a file that
// was replaced is in use until a majority has that record, or a later one of the name.

/// Files that were replaced or deleted by records that may not be on a majority yet.
struct ReplacedFiles {
    /// Rows of one transaction: so long others wait.
    private static let forgottenAtOnce = 1_000

    private let session: Session

    init(_ session: Session) {
        session.assertChange()
        self.session = session
    }

    /// Notes the file of a name, if there is one with another manifest than the record has.
    ///
    /// - Parameters:
    ///   - record: the number of the record that takes its place.
    ///   - manifest: that record's; `nil` for a deletion.
    func note(_ name: FileName, by record: Int64, with manifest: Int64?) throws {
        try session.statement(
            """
            INSERT INTO replaced (record, manifest)
            SELECT ?1, manifest FROM file WHERE name = ?2 AND manifest IS NOT ?3
            ON CONFLICT DO NOTHING
            """
        ).run(record, name, manifest)
    }

    /// Forgets the files that the records of an object replaced which is where it belongs.
    func forget(by object: Int64) throws {
        try session.statement(
            """
            DELETE FROM replaced WHERE record IN (
                SELECT p.record FROM record o
                CROSS JOIN replaced p ON \(RecordSQL.isKept("p.record")) WHERE o.id = ?)
            """
        ).run(object)
    }

    /// Forgets those of which the record, or the newest word on its name, is on a majority. What a
    /// record other than the newest asks for is not looked up: all members count then. Numbers do
    /// not tell which of two records is newer: an inventory may show an old one later.
    ///
    /// - Returns: the record to go on with; `nil` behind the last.
    func forgetSettled(from start: Int64) throws -> Int64? {
        let records = try session.statement(
            "SELECT record FROM replaced WHERE record >= ? ORDER BY record LIMIT ?"
        ).all(start, Self.forgottenAtOnce) { try $0.get(0, as: Int64.self) }
        guard let last = records.last else { return nil }
        try session.statement(
            """
            DELETE FROM replaced WHERE record IN (
                SELECT p.record FROM replaced p
                LEFT JOIN record alone ON alone.id = p.record LEFT JOIN line l ON l.id = -p.record
                WHERE p.record >= ? AND p.record <= ? AND (
                    EXISTS (
                        SELECT 1 FROM record n WHERE n.id = coalesce(l.record, alone.id) AND (
                            n.pending = 0 OR \(RecordTable.isOnMajority("63"))))
                    OR EXISTS (
                        SELECT 1 FROM file f
                        CROSS JOIN record n ON n.id = \(RecordSQL.object(of: "f.record"))
                        WHERE f.name = coalesce(l.name, alone.name)
                            AND (n.pending = 0 OR \(RecordTable.isOnMajority("f.level"))))
                    OR EXISTS (
                        SELECT 1 FROM tombstone t
                        CROSS JOIN record n ON n.id = \(RecordSQL.object(of: "t.record"))
                        WHERE t.name = coalesce(l.name, alone.name)
                            AND (n.pending = 0 OR \(RecordTable.isOnMajority("t.level"))))))
            """
        ).run(start, last)
        return records.count < Self.forgottenAtOnce ? nil : last &+ 1
    }
}
