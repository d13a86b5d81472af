import DepotCore
import FoundationEssentials
import GRDBSQLite

/// What can be bound to a statement and read from its columns.
package protocol SQLValue {
    func bind(to handle: OpaquePointer, at index: Int32) -> Int32
    /// `nil` where the column holds no such value.
    static func read(_ handle: OpaquePointer, _ column: Int32) -> Self?
}

/// Tells SQLite to copy what is bound.
private let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

extension Int64: SQLValue {
    package func bind(to handle: OpaquePointer, at index: Int32) -> Int32 {
        sqlite3_bind_int64(handle, index, self)
    }

    package static func read(_ handle: OpaquePointer, _ column: Int32) -> Int64? {
        sqlite3_column_type(handle, column) == SQLITE_INTEGER
            ? sqlite3_column_int64(handle, column) : nil
    }
}

extension Int: SQLValue {
    package func bind(to handle: OpaquePointer, at index: Int32) -> Int32 {
        Int64(self).bind(to: handle, at: index)
    }

    package static func read(_ handle: OpaquePointer, _ column: Int32) -> Int? {
        Int64.read(handle, column).map(Int.init)
    }
}

/// Its bits as a signed number: for counts that no SQL compares or adds up.
extension UInt64: SQLValue {
    package func bind(to handle: OpaquePointer, at index: Int32) -> Int32 {
        Int64(bitPattern: self).bind(to: handle, at: index)
    }

    package static func read(_ handle: OpaquePointer, _ column: Int32) -> UInt64? {
        Int64.read(handle, column).map { UInt64(bitPattern: $0) }
    }
}

extension UInt32: SQLValue {
    package func bind(to handle: OpaquePointer, at index: Int32) -> Int32 {
        Int64(self).bind(to: handle, at: index)
    }

    package static func read(_ handle: OpaquePointer, _ column: Int32) -> UInt32? {
        Int64.read(handle, column).flatMap { UInt32(exactly: $0) }
    }
}

extension Bool: SQLValue {
    package func bind(to handle: OpaquePointer, at index: Int32) -> Int32 {
        Int64(self ? 1 : 0).bind(to: handle, at: index)
    }

    package static func read(_ handle: OpaquePointer, _ column: Int32) -> Bool? {
        Int64.read(handle, column).map { $0 != 0 }
    }
}

extension String: SQLValue {
    package func bind(to handle: OpaquePointer, at index: Int32) -> Int32 {
        var text = self
        return text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                // The empty text has no address, and would be bound as NULL.
                $0.isEmpty
                    ? sqlite3_bind_text(handle, index, "", 0, nil)
                    : sqlite3_bind_text(handle, index, $0.baseAddress, Int32($0.count), transient)
            }
        }
    }

    package static func read(_ handle: OpaquePointer, _ column: Int32) -> String? {
        guard let text = sqlite3_column_text(handle, column) else { return nil }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self)
    }
}

extension [UInt8]: SQLValue {
    package func bind(to handle: OpaquePointer, at index: Int32) -> Int32 {
        isEmpty
            ? sqlite3_bind_zeroblob(handle, index, 0)
            : sqlite3_bind_blob(handle, index, self, Int32(count), transient)
    }

    package static func read(_ handle: OpaquePointer, _ column: Int32) -> [UInt8]? {
        guard sqlite3_column_type(handle, column) == SQLITE_BLOB else { return nil }
        let bytes = UnsafeRawBufferPointer(
            start: sqlite3_column_blob(handle, column),
            count: Int(sqlite3_column_bytes(handle, column)))
        return [UInt8](bytes)
    }
}

extension ChunkID: SQLValue {
    package func bind(to handle: OpaquePointer, at index: Int32) -> Int32 {
        withBytes {
            sqlite3_bind_blob(handle, index, $0.baseAddress, Int32($0.count), transient)
        }
    }

    package static func read(_ handle: OpaquePointer, _ column: Int32) -> ChunkID? {
        guard sqlite3_column_type(handle, column) == SQLITE_BLOB else { return nil }
        return ChunkID(
            bytes: UnsafeRawBufferPointer(
                start: sqlite3_column_blob(handle, column),
                count: Int(sqlite3_column_bytes(handle, column))))
    }
}

extension SQLValue where Self: UUIDIdentifier {
    package func bind(to handle: OpaquePointer, at index: Int32) -> Int32 {
        withUnsafeBytes(of: uuid.uuid) {
            sqlite3_bind_blob(handle, index, $0.baseAddress, Int32($0.count), transient)
        }
    }

    package static func read(_ handle: OpaquePointer, _ column: Int32) -> Self? {
        guard let bytes = [UInt8].read(handle, column), bytes.count == 16 else { return nil }
        return bytes.withUnsafeBytes { Self(uuid: UUID(uuid: $0.loadUnaligned(as: uuid_t.self))) }
    }
}

extension ReplicaID: SQLValue {}
extension ClusterID: SQLValue {}
extension DepositID: SQLValue {}
extension RetrievalID: SQLValue {}

extension FileName: SQLValue {
    package func bind(to handle: OpaquePointer, at index: Int32) -> Int32 {
        text.bind(to: handle, at: index)
    }

    package static func read(_ handle: OpaquePointer, _ column: Int32) -> FileName? {
        // A text that is no name does not occur; `nil` is reported as damage.
        String.read(handle, column).flatMap { try? FileName($0) }
    }
}

extension ReplicationLevel: SQLValue {
    package func bind(to handle: OpaquePointer, at index: Int32) -> Int32 {
        copies.bind(to: handle, at: index)
    }

    package static func read(_ handle: OpaquePointer, _ column: Int32) -> ReplicationLevel? {
        // Likewise.
        Int.read(handle, column).flatMap { try? ReplicationLevel($0) }
    }
}

extension ObjectID.Kind: SQLValue {
    package func bind(to handle: OpaquePointer, at index: Int32) -> Int32 {
        Int(rawValue).bind(to: handle, at: index)
    }

    package static func read(_ handle: OpaquePointer, _ column: Int32) -> ObjectID.Kind? {
        Int.read(handle, column).flatMap { UInt8(exactly: $0) }.flatMap { Self(rawValue: $0) }
    }
}

extension Optional: SQLValue where Wrapped: SQLValue {
    package func bind(to handle: OpaquePointer, at index: Int32) -> Int32 {
        switch self {
        case .some(let value): value.bind(to: handle, at: index)
        case .none: sqlite3_bind_null(handle, index)
        }
    }

    package static func read(_ handle: OpaquePointer, _ column: Int32) -> Wrapped?? {
        if sqlite3_column_type(handle, column) == SQLITE_NULL { return .some(nil) }
        return Wrapped.read(handle, column).map { .some($0) }
    }
}
