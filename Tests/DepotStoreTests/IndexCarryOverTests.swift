import DepotTestSupport
import Foundation
import GRDB
import Testing

@testable import DepotStore

/// An index of a depot that kept no checksums.
@Suite struct IndexCarryOverTests {
    /// It takes its time where the index is large, and nothing said why the replica did not start
    /// yet.
    @Test func `an older index gets checksums once, keeps what it knows, and the log says so`()
        async throws
    {
        try await withFolder(inMemory: true) { folder in
            let path = folder + "/index.sqlite"
            try Self.makeOlder(path)
            let notes = LogNotes()
            let index = try SegmentIndex.open(at: path, logger: notes.logger)
            #expect(try index.segments().map(\.number) == [7])
            index.close()
            #expect(
                notes.messages == [
                    "the index gets checksums in its pages; it is looked at and written anew, once",
                    "the index has checksums in its pages",
                ])
            let again = LogNotes()
            try SegmentIndex.open(at: path, logger: again.logger).close()
            #expect(again.messages.isEmpty)
        }
    }

    @Test func `an index that cannot be read is made again, and the log says why`() async throws {
        try await withFolder(inMemory: true) { folder in
            let path = folder + "/index.sqlite"
            try Data(repeating: 0x41, count: 8_192).write(to: URL(fileURLWithPath: path))
            let notes = LogNotes()
            let index = try SegmentIndex.open(at: path, logger: notes.logger)
            #expect(try index.segments().isEmpty)
            index.close()
            #expect(notes.messages.first == "the index cannot be read and is made again")
        }
    }

    private static func makeOlder(_ path: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { database in
            try database.execute(
                sql: """
                    PRAGMA user_version = 2;
                    CREATE TABLE segment (
                        number INTEGER PRIMARY KEY, nonce INTEGER NOT NULL, bytes INTEGER NOT NULL,
                        sequence TEXT, compacted INTEGER NOT NULL DEFAULT 0);
                    INSERT INTO segment (number, nonce, bytes) VALUES (7, 1, 1024);
                    """)
        }
        try queue.close()
    }
}
