import DepotCore
import DepotSQLite
import DepotTestSupport
import FoundationEssentials

@testable import DepotSQLiteCatalog

/// A catalog as it was before copies were in the rows of chunks, made by the migrations up to then alone.
enum HoldingTable {
    /// Puts an old catalog into the place of a closed one, with the same in it.
    static func bringBack(in folder: String) throws {
        try OlderCatalog(
            migration: "7 claims of deposits",
            others: ["holding", "pin", "record", "record_holding"], record: number,
            rest: holdings + pins + records
        ).bringBack(in: folder)
    }

    /// Bits of members whose log went back stand for copies that are not proved, in a pin for a vouch all the same.
    private static let bits = """
        (SELECT id AS member, bit, 1 AS is_current FROM now.member
            UNION ALL SELECT member, bit, 0 FROM now.former_bit WHERE member IS NOT NULL)
        """

    private static let holdings = """
        INSERT INTO main.holding (chunk, replica, state)
            SELECT c.id, b.member, max(b.is_current AND (c.good >> b.bit) & 1)
            FROM now.chunk c, \(bits) b WHERE ((c.good | c.unproved) >> b.bit) & 1
            GROUP BY c.id, b.member
            UNION ALL SELECT chunk, replica, state FROM now.verdict;

        """

    /// Each record was an object. These numbers are in the order of commits.
    private static let number = """
        CASE WHEN old.record > 0 THEN old.record * 1000 ELSE (
            SELECT l.record * 1000 + l.id - o.line FROM now.line l
            CROSS JOIN now.record o ON o.id = l.record WHERE l.id = -old.record) END
        """

    private static let records = """
        INSERT INTO main.record (id, hash, text, pending, name, delivered)
            SELECT id * 1000, hash, text, pending, name, delivered FROM now.record
            WHERE line IS NULL
            UNION ALL SELECT o.id * 1000 + l.id - o.line, l.hash, l.text, o.pending, l.name,
                o.delivered
            FROM now.record o CROSS JOIN now.line l ON l.record = o.id;
        INSERT INTO main.record_holding (record, replica)
            SELECT h.record * 1000 + coalesce(l.id - o.line, 0), h.replica FROM now.record_holding h
            CROSS JOIN now.record o ON o.id = h.record LEFT JOIN now.line l ON l.record = o.id;

        """

    private static let pins = """
        INSERT INTO main.pin (deposit, chunk, is_new, vouched)
            SELECT p.deposit, p.chunk, p.is_new, coalesce((
                SELECT sum(1 << member) FROM (
                    SELECT DISTINCT b.member FROM \(bits) b WHERE (p.vouched >> b.bit) & 1)), 0)
            FROM \(OlderCatalog.pins) p;

        """
}
