import GRDB
import GRDBSQLite

/// A function for statements: how many bits of a mask are set. SQLite has none.
package enum CopyCount {
    package static let name = "copy_count"

    /// Adds it to a connection.
    package static func add(to database: Database) throws {
        let code = sqlite3_create_function_v2(
            database.sqliteConnection, name, 1,
            SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, nil,
            { context, _, values in
                let mask = sqlite3_value_int64(values?.pointee)
                sqlite3_result_int(context, Int32(mask.nonzeroBitCount))
            }, nil, nil, nil)
        guard code == SQLITE_OK else {
            throw DatabaseError(resultCode: ResultCode(rawValue: code))
        }
    }
}
