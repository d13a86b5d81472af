import DepotTestSupport
import Testing

@testable import DepotWire

@Suite struct PoolStateTests {
    typealias State = PoolState<Int>

    @Test func `up to the limit is connected, then is waited`() {
        var state = State(connectionsMax: 2)
        #expect(state.lease(for: 1).isConnect)
        #expect(state.lease(for: 2).isConnect)
        #expect(state.lease(for: 3).isWait)
        #expect(state.lease(for: 4).isWait)
        #expect(state.giveBack(10).waiter == 3)
        #expect(state.giveBack(11).waiter == 4)
        #expect(state.giveBack(10).waiter == nil)
    }

    @Test func `the newest idle connection is used first`() {
        var state = State(connectionsMax: 2)
        _ = (state.lease(for: 1), state.lease(for: 2))
        _ = (state.giveBack(10), state.giveBack(11))
        #expect(state.lease(for: 3).reused == 11)
        #expect(state.lease(for: 4).reused == 10)
        #expect(state.lease(for: 5).isWait)
    }

    @Test func `a connection that is gone makes room for a new one`() {
        var state = State(connectionsMax: 1)
        #expect(state.lease(for: 1).isConnect)
        #expect(state.lease(for: 2).isWait)
        #expect(state.drop().waiter == 2)
        #expect(state.lease(for: 3).isWait)
        let gaveUp = (state.giveUp(3), state.giveUp(3))
        #expect(gaveUp == (true, false))
        #expect(state.drop().waiter == nil)
        #expect(state.lease(for: 4).isConnect)
    }

    @Test func `nothing is lent once it is closed`() {
        var state = State(connectionsMax: 2)
        _ = (state.lease(for: 1), state.lease(for: 2), state.lease(for: 3))
        _ = state.giveUp(3)
        _ = state.giveBack(10)
        _ = (state.lease(for: 4), state.lease(for: 5))
        let (idle, waiters) = state.close()
        #expect(idle.isEmpty && waiters == [5])
        #expect(state.lease(for: 6) == nil)
        #expect(state.giveBack(10).isClose)
        #expect(state.drop().waiter == nil)
    }

    /// Any order of events: never more connections than allowed, nobody overtaken, nobody forgotten.
    @Test(arguments: 0..<100 as Range<UInt64>)
    func `whatever happens, the limit holds and the line is kept`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let connectionsMax = Int.random(in: 1...4, using: &generator)
        var state = State(connectionsMax: connectionsMax)
        var (idle, lent, line) = (Set<Int>(), [Int](), [UInt64]())
        var next = 0
        func connect() {
            next += 1
            lent.append(next)
        }
        for event in 0..<500 as Range<UInt64> {
            switch Int.random(in: 0..<6, using: &generator) {
            case 0...2:
                let lease = state.lease(for: event)
                switch try #require(lease) {
                case .connect: connect()
                case .reuse(let connection):
                    try #require(idle.remove(connection) != nil)
                    lent.append(connection)
                case .wait:
                    #expect(lent.count == connectionsMax && idle.isEmpty)
                    line.append(event)
                }
            case 3 where !lent.isEmpty:
                let connection = lent.removeFirst()
                let handover = state.giveBack(connection)
                #expect(handover.waiter == line.first)
                if handover.waiter == nil {
                    idle.insert(connection)
                } else {
                    line.removeFirst()
                    lent.append(connection)
                }
            case 4 where !lent.isEmpty:
                lent.removeLast()
                let handover = state.drop()
                #expect(handover.waiter == line.first)
                if handover.waiter != nil {
                    line.removeFirst()
                    connect()
                }
            case 5 where !line.isEmpty:
                let wasWaiting = state.giveUp(line.remove(at: line.count / 2))
                #expect(wasWaiting)
            default: break
            }
            #expect(lent.count + idle.count <= connectionsMax)
        }
    }
}

extension PoolState<Int>.Lease? {
    fileprivate var isConnect: Bool { if case .connect = self { true } else { false } }
    fileprivate var isWait: Bool { if case .wait = self { true } else { false } }
    fileprivate var reused: Int? {
        if case .reuse(let connection) = self { connection } else { nil }
    }
}

extension PoolState.Handover {
    fileprivate var waiter: UInt64? { if case .pass(let waiter) = self { waiter } else { nil } }
    fileprivate var isClose: Bool { if case .close = self { true } else { false } }
}
