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

// What a file says, anybody may have written, and a flipped bit may have changed: a number from a
// column is bounded here, so that two of them can be added or subtracted without a thought. None
// that is ever written is near the bounds.

/// From -2^60 to 2^60. What is beyond, as a clock may say that was set wrongly, is kept as the
/// nearest of them: nothing is written that could not be read.
extension Int64: SQLValue {
    package static let columnRange: ClosedRange<Int64> = -(1 << 60)...1 << 60

    package func bind(to handle: OpaquePointer, at index: Int32) -> Int32 {
        let range = Self.columnRange
        let kept = Swift.min(Swift.max(self, range.lowerBound), range.upperBound)
        return sqlite3_bind_int64(handle, index, kept)
    }

    package static func read(_ handle: OpaquePointer, _ column: Int32) -> Int64? {
        guard let number = AnyInteger.read(handle, column)?.value, columnRange.contains(number)
        else { return nil }
        return number
    }
}

/// Any number that SQLite keeps; for those that nothing is added to.
package struct AnyInteger: SQLValue {
    package let value: Int64

    package init(_ value: Int64) { self.value = value }

    package func bind(to handle: OpaquePointer, at index: Int32) -> Int32 {
        sqlite3_bind_int64(handle, index, value)
    }

    package static func read(_ handle: OpaquePointer, _ column: Int32) -> AnyInteger? {
        sqlite3_column_type(handle, column) == SQLITE_INTEGER
            ? AnyInteger(sqlite3_column_int64(handle, column)) : nil
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

/// From 0 to 2^60. One that is larger, which only a mask of members is, keeps its bits for SQL and
/// is not read.
extension UInt64: SQLValue {
    package func bind(to handle: OpaquePointer, at index: Int32) -> Int32 {
        AnyInteger(Int64(bitPattern: self)).bind(to: handle, at: index)
    }

    package static func read(_ handle: OpaquePointer, _ column: Int32) -> UInt64? {
        Int64.read(handle, column).flatMap { UInt64(exactly: $0) }
    }
}

/// Random bits, which no SQL compares or adds up: a segment's nonce.
package struct RandomBits: SQLValue {
    package let bits: UInt64

    package init(_ bits: UInt64) { self.bits = bits }

    package func bind(to handle: OpaquePointer, at index: Int32) -> Int32 {
        bits.bind(to: handle, at: index)
    }

    package static func read(_ handle: OpaquePointer, _ column: Int32) -> RandomBits? {
        AnyInteger.read(handle, column).map { RandomBits(UInt64(bitPattern: $0.value)) }
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
extension WriterID: SQLValue {}
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

/// The copies that a chunk is to have: those of a level, or 0 where nobody uses it.
package struct TargetCopies: SQLValue {
    package let copies: Int

    package func bind(to handle: OpaquePointer, at index: Int32) -> Int32 {
        copies.bind(to: handle, at: index)
    }

    package static func read(_ handle: OpaquePointer, _ column: Int32) -> TargetCopies? {
        guard let copies = Int.read(handle, column), (0...Limits.levelMax).contains(copies) else {
            return nil
        }
        return TargetCopies(copies: copies)
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
