import DepotCore
import DepotSQLiteCatalog
import FoundationEssentials
import GRDB
import Logging
import NIOCore

extension FuzzTarget {
    /// A catalog with rows that nobody would write, see `RowChange`. The first byte says whether all
    /// of it is checked when it is opened, as that of a large one is not, and what is asked of it:
    /// everything takes too long for each input.
    static let catalogRows = FuzzTarget(name: "catalog-rows") { bytes in
        var rest = bytes
        guard let first = rest.readInteger(as: UInt8.self) else { return }
        let changes = RowChange.all(in: rest)
        wait {
            do {
                try await CatalogFolder.shared.use(
                    changes, isChecked: first & 1 == 0,
                    FuzzedCatalog.uses[Int(first >> 1) % FuzzedCatalog.uses.count])
            } catch let error as DepotError {
                require(error.code != .internalError, "\(error)")
            } catch {
                fatalError("\(error)")
            }
        }
    }
}

/// One value of one row. Which one its numbers say, whatever they are: there are always a table, a
/// column and a row for them.
private struct RowChange: Sendable {
    /// A longer input shows nothing new.
    private static let countMax = 16

    let table: Int
    let column: Int
    let row: Int
    let value: DatabaseValue

    static func all(in input: ByteBuffer) -> [RowChange] {
        var rest = input
        var changes: [RowChange] = []
        while changes.count < countMax, let change = RowChange(&rest) { changes.append(change) }
        return changes
    }

    private init?(_ input: inout ByteBuffer) {
        guard let place = input.readMultipleIntegers(as: (UInt8, UInt8, UInt8, UInt8).self) else {
            return nil
        }
        (table, column, row) = (Int(place.0), Int(place.1), Int(place.2))
        switch place.3 % 6 {
        case 0: value = .null
        case 1:
            guard let number = input.readInteger(as: Int8.self) else { return nil }
            value = Int64(number).databaseValue
        case 2:
            guard let number = input.readInteger(as: Int64.self) else { return nil }
            value = number.databaseValue
        case 3:
            guard let bits = input.readInteger(as: UInt64.self) else { return nil }
            value = Double(bitPattern: bits).databaseValue
        case let kind:
            guard let length = input.readInteger(as: UInt8.self),
                let bytes = input.readBytes(length: min(Int(length), input.readableBytes))
            else { return nil }
            value =
                kind == 4
                ? Data(bytes).databaseValue : String(decoding: bytes, as: UTF8.self).databaseValue
        }
    }

    /// Changes it in spite of all rules but that of a column which has every value once.
    func make(in database: Database, _ columns: [(table: String, names: [String])]) throws {
        let (table, names) = columns[table % columns.count]
        let name = names[column % names.count]
        let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM \(table)") ?? 0
        guard count > 0 else { return }
        // A table has its rows by number, or by its key alone.
        let key = try database.primaryKey(table).columns.joined(separator: ", ")
        try database.execute(
            sql: """
                UPDATE OR IGNORE \(table) SET \(name) = ? WHERE (\(key)) IN
                (SELECT \(key) FROM \(table) ORDER BY \(key) LIMIT 1 OFFSET \(row % count))
                """, arguments: [value])
    }
}

/// A catalog that was filled once, and is there again for each input.
private final class CatalogFolder: Sendable {
    static let shared = CatalogFolder()

    private let path = FuzzFolder.make("catalog")
    private let whole: [String: Data]
    private let columns: [(table: String, names: [String])]
    private let logger = Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }

    private init() {
        let path = path
        wait {
            do {
                try await FuzzedCatalog.make(in: path)
            } catch {
                fatalError("no catalog: \(error)")
            }
        }
        do {
            whole = Dictionary(
                uniqueKeysWithValues: try FileManager.default.contentsOfDirectory(atPath: path)
                    .map { ($0, FileManager.default.contents(atPath: "\(path)/\($0)") ?? Data()) })
            let database = try DatabaseQueue(path: "\(path)/\(SQLiteCatalog.fileName)")
            columns = try database.read { database in
                let tables = try String.fetchAll(
                    database,
                    sql: """
                        SELECT name FROM sqlite_schema WHERE type = 'table'
                        AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'grdb%' ORDER BY name
                        """)
                return try tables.map { table in
                    (table, try database.columns(in: table).map(\.name))
                }
            }
            try database.close()
        } catch {
            fatalError("no catalog: \(error)")
        }
    }

    func use(
        _ changes: [RowChange], isChecked: Bool, _ uses: [FuzzedCatalog.Use]
    ) async throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: path) {
            try FileManager.default.removeItem(atPath: "\(path)/\(name)")
        }
        for (name, content) in whole {
            try content.write(to: URL(fileURLWithPath: "\(path)/\(name)"))
        }
        try change(changes)
        let catalog = try await SQLiteCatalog.open(
            at: path, clock: FuzzedCatalog.clock,
            checkedMax: isChecked ? SQLiteCatalog.checkedAtOpeningMax : ByteCount(0),
            versions: .usual, logger: logger)
        // Each by itself: what one refuses says nothing of the others.
        for use in uses {
            do {
                try await use(catalog)
            } catch let error as DepotError {
                require(error.code != .internalError, "\(error)")
            }
        }
        try catalog.close()
    }

    /// By SQL, so that pages have right checksums.
    private func change(_ changes: [RowChange]) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = false
        let database = try DatabaseQueue(
            path: "\(path)/\(SQLiteCatalog.fileName)", configuration: configuration)
        try database.writeWithoutTransaction { database in
            try database.execute(
                sql: "PRAGMA ignore_check_constraints = ON; PRAGMA synchronous = OFF")
            for change in changes {
                do {
                    try change.make(in: database, columns)
                } catch let error as DatabaseError {
                    // No table takes another kind of value for its number.
                    require(error.resultCode != .SQLITE_ERROR, "\(error)")
                }
            }
            try database.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)")
        }
        try database.close()
    }
}
