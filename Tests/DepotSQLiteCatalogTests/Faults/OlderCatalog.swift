import DepotCore
import DepotSQLite
import GRDB

@testable import DepotSQLiteCatalog

/// A catalog as an older depot had it, made by the migrations up to then alone.
struct OlderCatalog {
    /// The last of its migrations.
    let migration: String
    /// Tables whose rows are made by `rest`.
    var others: [String] = []
    /// The number of a row's record, in SQL.
    var record = "old.record"
    /// From the catalog `now` into `main`.
    var rest = ""

    /// Before receipts were in the rows of files.
    static let receiptTable = OlderCatalog(
        migration: "12 records that are kept together", others: ["pin"],
        rest: "INSERT INTO main.pin (deposit, chunk, is_new, vouched) SELECT * FROM \(pins);\n")

    /// Those of the catalog `now`, each by itself.
    static let pins = """
        (WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 31)
            SELECT p.deposit AS deposit, p.page * 32 + i AS chunk, p.fresh AS is_new,
                p.vouched AS vouched
            FROM now.pin_page p CROSS JOIN n WHERE (p.chunks >> i) & 1)
        """

    /// What names members by their numbers. An older depot deleted what was under a number when it forgot its member;
    /// there was no list of former ones.
    private static let listedByNumber = [
        "holding", "verdict", "record_holding", "segment", "setback",
    ]

    /// Takes the place of a closed catalog, with the same in it.
    func bringBack(in folder: String) throws {
        let path = CatalogPages.file(folder).path
        PageChecksums.install()
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        let old = try DatabaseQueue(path: path + ".old", configuration: configuration)
        try PageChecksums.carryOver(path + ".old")
        try CatalogSchema.migrator.migrate(old, upTo: migration)
        try old.writeWithoutTransaction { database in
            try database.execute(sql: "ATTACH ? AS now", arguments: [path])
            let tables = try String.fetchAll(
                database,
                sql: "SELECT name FROM main.sqlite_master WHERE type = 'table' "
                    + "AND name NOT LIKE 'grdb%'")
            for table in tables where !others.contains(table) {
                let columns = try database.columns(in: table, in: "main").map(\.name)
                let values = columns.map { $0 == "record" ? record : $0 }
                let isThere = try database.tableExists(table, in: "now")
                guard isThere else { continue }
                try database.execute(
                    sql: "INSERT INTO main.\(table) (\(columns.joined(separator: ", "))) "
                        + "SELECT \(values.joined(separator: ", ")) FROM now.\(table) old")
            }
            try database.execute(sql: rest + receipts)
            for table in Self.listedByNumber where try database.tableExists(table, in: "main") {
                try database.execute(
                    sql: "DELETE FROM main.\(table) "
                        + "WHERE replica NOT IN (SELECT id FROM main.member)")
            }
            try database.execute(sql: "DETACH now")
            _ = try database.checkpoint(.truncate)
        }
        try old.close()
        try CatalogPages.replace(in: folder, by: path + ".old")
    }

    /// Those that are in the rows of files.
    private var receipts: String {
        """
        INSERT INTO main.receipt (deposit, name, record, copies, chunks, new_chunks, new_bytes,
            shared_bytes)
            SELECT d.id, old.name, \(record), old.copies, old.chunks, old.new_chunks,
                old.new_bytes, old.shared_bytes
            FROM now.file old CROSS JOIN now.deposit d ON d.uuid = old.deposit;

        """
    }
}
