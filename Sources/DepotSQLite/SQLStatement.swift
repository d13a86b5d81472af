import DepotCore
import GRDB
import GRDBSQLite

// GRDB opens, migrates and pools connections and caches statements. Binding and stepping is done on
// SQLite itself: through GRDB every value of a row is boxed, which nearly halves the rows that bulk
// paths get done.

/// One prepared statement of a transaction.
///
/// It is reset when its rows are read to the end, and before it is used again: leave no row unread
/// and then commit.
package struct SQLStatement {
    @usableFromInline let statement: Statement
    @usableFromInline var handle: OpaquePointer { statement.sqliteStatement }

    package init(_ database: Database, _ sql: String) throws {
        statement = try database.cachedStatement(sql: sql)
    }

    /// Runs it, and gives the number of the row that it has inserted. Cheaper than `RETURNING`,
    /// which builds a table.
    @inlinable
    package func insert<each Value: SQLValue>(_ values: repeat each Value) throws -> Int64 {
        try run(repeat each values)
        return sqlite3_last_insert_rowid(sqlite3_db_handle(handle))
    }

    /// Runs it to its end.
    @inlinable
    package func run<each Value: SQLValue>(_ values: repeat each Value) throws {
        try bind(repeat each values)
        defer { sqlite3_reset(handle) }
        while try step() {}
    }

    /// What `body` makes of the first row; `nil` where there is none. For statements that read: one
    /// that writes has checks to make at its end.
    @inlinable
    package func first<each Value: SQLValue, Result>(
        _ values: repeat each Value, body: (SQLRow) throws -> Result
    ) throws -> Result? {
        try bind(repeat each values)
        defer { sqlite3_reset(handle) }
        guard try step() else { return nil }
        return try body(SQLRow(handle: handle))
    }

    /// Gives the rows to `body` until it answers `false`.
    @inlinable
    package func visit<each Value: SQLValue>(
        _ values: repeat each Value, body: (SQLRow) throws -> Bool
    ) throws {
        try bind(repeat each values)
        defer { sqlite3_reset(handle) }
        while try step() {
            guard try body(SQLRow(handle: handle)) else { return }
        }
    }

    @inlinable
    package func all<each Value: SQLValue, Result>(
        _ values: repeat each Value, body: (SQLRow) throws -> Result
    ) throws -> [Result] {
        var results: [Result] = []
        try bind(repeat each values)
        defer { sqlite3_reset(handle) }
        while try step() { results.append(try body(SQLRow(handle: handle))) }
        return results
    }

    @inlinable
    func bind<each Value: SQLValue>(_ values: repeat each Value) throws {
        sqlite3_reset(handle)
        var index: Int32 = 0
        for value in repeat each values {
            index += 1
            try check(value.bind(to: handle, at: index))
        }
        assert(index == sqlite3_bind_parameter_count(handle), "values do not fit the statement")
    }

    @usableFromInline
    func step() throws -> Bool {
        let code = sqlite3_step(handle)
        if code == SQLITE_ROW { return true }
        if code == SQLITE_DONE { return false }
        try check(code)
        return false
    }

    @usableFromInline
    func check(_ code: Int32) throws {
        guard code != SQLITE_OK else { return }
        throw DatabaseError(
            resultCode: ResultCode(rawValue: code),
            message: String(cString: sqlite3_errmsg(sqlite3_db_handle(handle))))
    }
}

/// The row that a statement is at. Not to be kept.
package struct SQLRow {
    @usableFromInline let handle: OpaquePointer

    @usableFromInline
    init(handle: OpaquePointer) { self.handle = handle }

    /// `nil` where the column holds something else.
    @inlinable
    package func find<Value: SQLValue>(_ column: Int32) -> Value? { Value.read(handle, column) }

    /// - Throws: where the column holds something else, which only damage can bring about.
    @inlinable
    package func get<Value: SQLValue>(
        _ column: Int32, as type: Value.Type = Value.self
    ) throws -> Value {
        guard let value: Value = find(column) else {
            throw DatabaseError(
                resultCode: .SQLITE_CORRUPT, message: "column \(column) is not a \(Value.self)")
        }
        return value
    }

    /// Epoch and counter, in neighbouring columns.
    ///
    /// - Throws: where one of them is none, or beyond its bound.
    package func sequence(_ column: Int32) throws -> CommitSequence {
        let epoch = try get(column, as: UInt32.self)
        let counter = try get(column + 1, as: UInt64.self)
        guard let sequence = CommitSequence(exactlyEpoch: epoch, counter: counter) else {
            throw DatabaseError(
                resultCode: .SQLITE_CORRUPT,
                message:
                    "epoch \(epoch) and counter \(counter) are no place in the order of commits")
        }
        return sequence
    }

    /// Opens, segment and offset, in neighbouring columns.
    ///
    /// - Throws: where one of them is none, or beyond its bound.
    package func position(_ column: Int32) throws -> LogPosition {
        let opens = try get(column, as: UInt64.self)
        let segment = try get(column + 1, as: UInt32.self)
        let offset = try get(column + 2, as: UInt64.self)
        guard
            let position = LogPosition(exactlyOpens: opens, segment: segment, offset: offset)
        else {
            throw DatabaseError(
                resultCode: .SQLITE_CORRUPT,
                message: "no log is at opening \(opens), segment \(segment), byte \(offset)")
        }
        return position
    }
}
