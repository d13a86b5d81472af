import DepotCore
import DepotTestSupport
import Testing

@testable import DepotStore

/// The state of a store is pure: random transitions in the order in which a store makes them,
/// compared after each with a model that knows neither memtable nor index.
@Suite struct StoreStateTests {
    @Test(arguments: Seeds.few(1...40))
    func `the state finds, counts and distrusts what a plain model does`(_ seed: UInt64) {
        var driver = StoreStateDriver(seed: seed)
        for step in 0..<300 {
            let what = driver.step()
            driver.state.checkInvariants()
            driver.compare("step \(step): \(what); \(Seeds.replay(seed, "StoreStateTests"))")
        }
    }

    private static let first = SegmentID(number: 1, nonce: 7)

    private static func state() -> StoreState<Int> {
        StoreState(identity: StoreStateDriver.identity, index: .init(), newest: 0)
    }

    private static func opened() -> StoreState<Int> {
        var state = state()
        var identity = state.identityNext
        identity.segmentNewest = first
        state.identityWritten(identity)
        state.opened(1, as: first)
        return state
    }

    private static func chunk(_ number: Int, at offset: UInt64) -> SegmentMember {
        SegmentMember(
            path: .chunk(SampleObjects.chunk(UInt64(number)).id.hash), offset: offset, length: 100)
    }

    @Test func `a sync counts for the segment that it was begun in, and never goes back`() {
        var state = Self.opened()
        let start = state.log.appended
        state.appended([Self.chunk(1, at: 0)], listed: [])
        let middle = state.log.appended
        state.appended([Self.chunk(2, at: middle.offset)], listed: [])
        state.synced(upTo: middle)
        #expect(state.log.durable == middle && state.position.offset == middle.offset)
        state.synced(upTo: start)
        #expect(state.log.durable == middle)
        _ = state.openSegmentVanished(listed: [])
        state.synced(upTo: middle)
        #expect(state.log.durable == LogMark(segment: 2, offset: 0) && state.chunks == 0)
    }

    @Test func `a token is good once, until its object is spared, and not for another's`() {
        var state = Self.opened()
        let ids = (1...3).map { Self.chunk($0, at: 0).path }.compactMap(\.objectID)
        let (mine, other) = (CondemnToken(value: 1), CondemnToken(value: 2))
        let (hasRoom, hasMore) = (
            state.condemned(ids, by: mine), state.condemned([ids[0]], by: other)
        )
        #expect(hasRoom && hasMore)
        state.spared([ids[1]])
        let first = state.deleting(ids, by: mine).going
        #expect(first == [ids[2]] && state.gone == [ids[2]])
        state.notDeleted()
        let again = state.deleting(ids, by: mine).going
        #expect(again.isEmpty && state.gone.isEmpty)
        state.deleted(counted: [])
        state.sparedAll()
        let late = state.deleting(ids, by: other).going
        #expect(late.isEmpty)
        state.notDeleted()
    }

    @Test func `no more is condemned than there is room for, and nothing of what is too much`() {
        var state = Self.state()
        let (id, token) = (SampleObjects.chunk(1).id, CondemnToken(value: 1))
        let many = [ObjectID](repeating: id, count: Deletions.condemnedMax + 1)
        let hasRoom = state.condemned(many, by: token)
        let going = state.deleting([id], by: token).going
        #expect(!hasRoom && going.isEmpty)
        state.notDeleted()
        let hasRoomForLess = state.condemned(Array(many.dropFirst()), by: token)
        #expect(hasRoomForLess)
    }

    @Test func `the first failure stays`() {
        var state = Self.state()
        state.failed(DepotError(.storeFailed, "first"))
        state.failed(DepotError(.storeFailed, "second"))
        #expect(state.failure?.message == "first")
    }
}
