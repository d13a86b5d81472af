import DepotCore
import DepotSQLite
import NIOCore

/// Writes records that are committed together: each is there as soon as it was added, the object
/// that keeps them with the last one.
///
/// Nothing else may enter records before it is finished.
struct RecordWriter {
    /// Far more than there can be; behind it numbers could end.
    private static let numberMax: Int64 = 1 << 62

    private let session: Session
    private let inserting: SQLStatement
    private let closing: SQLStatement
    private var builder = RecordBatch.Builder()
    /// The object that is being filled.
    private var object: Int64
    /// Of all objects: their lines have consecutive numbers.
    private let firstLine: Int64
    private var nextLine: Int64
    private var finished: [(number: Int64, batch: RecordBatch)] = []

    init(_ session: Session) throws {
        session.assertChange()
        self.session = session
        inserting = try session.statement(
            "INSERT INTO line (id, record, name, hash, text) VALUES (?, ?, ?, ?, ?)")
        closing = try session.statement(
            """
            INSERT INTO record (id, hash, text, pending, delivered, line, lines, unexplained)
            VALUES (?, ?, x'', ?, ?, ?, ?, ?)
            """)
        let last =
            try session.statement(
                """
                SELECT (SELECT coalesce(max(id), 0) FROM record),
                    (SELECT coalesce(max(id), 0) FROM line)
                """
            ).first { try ($0.get(0, as: Int64.self), $0.get(1, as: Int64.self)) } ?? (0, 0)
        guard max(last.0, last.1) < Self.numberMax else {
            throw DepotError(.storeFailed, "the catalog has no numbers left for records")
        }
        object = last.0 + 1
        nextLine = last.1 + 1
        firstLine = nextLine
    }

    /// - Precondition: its sequence is higher than that of the last one.
    /// - Returns: its number.
    mutating func add(_ record: FileRecord) throws -> Int64 {
        var text = builder.add(record)
        if text == nil {
            close()
            text = builder.add(record)
        }
        guard let text else {
            throw DepotError(.tooLarge, "a record as long as no batch", object: record.name.text)
        }
        let line = nextLine
        try inserting.run(
            line, object, record.name, ChunkID(hashing: ByteBuffer(bytes: text)), text)
        nextLine += 1
        return 0 &- line
    }

    private mutating func close() {
        finished.append((object, builder.finish()))
        builder = RecordBatch.Builder()
        object += 1
    }

    /// - Returns: the objects, each with its number, in the order in which they were filled.
    mutating func finish(
        isPending: Bool, isExplained: Bool = true
    ) throws -> [(number: Int64, batch: RecordBatch)] {
        if !builder.isEmpty { close() }
        var line = firstLine
        for (number, batch) in finished {
            let count = batch.records.count
            try closing.run(
                number, batch.id, isPending, session.tick, line, count, !isExplained)
            line += Int64(count)
        }
        return finished
    }
}
