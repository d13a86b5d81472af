import DepotCore
import FoundationEssentials
import Testing

@Suite struct ReplicationLevelTests {
    @Test(arguments: [Int.min, -1, 0, Limits.levelMax + 1, Int.max])
    func `a level that cannot be meant is refused`(copies: Int) {
        do throws(DepotError) {
            _ = try ReplicationLevel(copies)
            Issue.record("accepted")
        } catch {
            #expect(error.code == .invalidArgument)
            #expect(error.message == "a replication level is 1 to 32, found \(copies)")
        }
    }

    @Test(arguments: [(1, 1, 3), (2, 2, 3), (3, 2, 3), (4, 3, 4), (5, 3, 5), (32, 17, 32)])
    func `a majority is more than half, and records have three copies or more`(
        copies: Int, majority: Int, recordCopies: Int
    ) throws {
        let level = try ReplicationLevel(copies)
        #expect(level.majority == majority)
        #expect(level.recordCopies == recordCopies)
        #expect("\(level)" == "\(copies)")
        #expect(
            try JSONDecoder().decode(
                [ReplicationLevel].self, from: JSONEncoder().encode([level])) == [level])
    }

    @Test func `levels of JSON are checked`() {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([ReplicationLevel].self, from: Data("[0]".utf8))
        }
    }
}
