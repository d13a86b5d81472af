import DepotCore
import Testing

extension CatalogConformance {
    private static func info(_ number: UInt32, nonce: UInt64, bytes: UInt64 = 1_000) -> SegmentInfo
    {
        SegmentInfo(
            id: SegmentID(number: number, nonce: nonce), bytes: bytes, liveBytes: 900,
            liveCopies: 3, isSealed: number > 1)
    }

    static let scrubs: [CatalogBehaviour] = [
        CatalogBehaviour("the longest unchecked segment comes first, never before long ago") {
            fixture in
            try await fixture.admit(1...2)
            let replica = Fixture.replica(1)
            try await fixture.catalog.noteSegments(
                (1...4).map { info($0, nonce: .max - UInt64($0)) }, of: replica)
            try await fixture.catalog.noteSegments([info(1, nonce: 5)], of: Fixture.replica(2))
            for number: UInt32 in [3, 1, 4] {
                fixture.advance(.seconds(10))
                try await fixture.catalog.noteScrub(
                    of: SegmentID(number: number, nonce: .max - UInt64(number)), on: replica,
                    bytes: 1_000, copies: Int(number), problems: number == 1 ? 2 : 0, time: 77)
            }
            fixture.advance(.seconds(5))
            let checks = try await fixture.catalog.segmentChecks(on: replica)
            #expect(checks.map(\.segment.number) == [2, 3, 1, 4])
            #expect(checks.map(\.age) == [nil, .seconds(25), .seconds(15), .seconds(5)])
            #expect(checks.map(\.time) == [nil, 77, 77, 77])
            #expect(checks.map(\.problems) == [0, 0, 2, 0])
            #expect(checks.map(\.copies) == [3, 3, 1, 4])
            #expect(checks.map(\.isSealed) == [true, true, false, true])
            #expect(checks.map(\.segment.nonce) == [2, 3, 1, 4].map { .max - $0 })
            let other = try await fixture.catalog.segmentChecks(on: Fixture.replica(2))
            #expect(other.map(\.age) == [nil])
            await fixture.expect(.notFound) {
                _ = try await fixture.catalog.segmentChecks(on: Fixture.replica(3))
            }
        },
        CatalogBehaviour("a new nonce is a new segment, and one that is not named is gone") {
            fixture in
            try await fixture.admit(1...1)
            let replica = Fixture.replica(1)
            try await fixture.catalog.noteSegments(
                (1...3).map { info($0, nonce: 7) }, of: replica)
            for number: UInt32 in 1...3 {
                try await fixture.catalog.noteScrub(
                    of: SegmentID(number: number, nonce: 7), on: replica, bytes: 1_000, copies: 3,
                    problems: 1, time: 77)
            }
            try await fixture.catalog.noteSegments(
                [info(1, nonce: 7, bytes: 2_000), info(2, nonce: 8)], of: replica)
            let checks = try await fixture.catalog.segmentChecks(on: replica)
            #expect(checks.map(\.segment.number) == [2, 1])
            #expect(checks.map(\.age) == [nil, .zero])
            #expect(checks.map(\.problems) == [0, 1])
            #expect(checks.map(\.bytes) == [1_000, 2_000])
            // A word on the segment that had the number before.
            try await fixture.catalog.noteScrub(
                of: SegmentID(number: 2, nonce: 7), on: replica, bytes: 1_000, copies: 3,
                problems: 5, time: 78)
            let unmoved = try await fixture.catalog.segmentChecks(on: replica)
            #expect(unmoved == checks)
            try await fixture.catalog.noteSegments([], of: replica)
            let none = try await fixture.catalog.segmentChecks(on: replica)
            #expect(none.isEmpty)
        },
    ]
}
