import DepotCore
import DepotTestSupport
import DepotWire
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct ByteBudgetTests {
    /// Until somebody waits in line: nothing at all is lent then, not even nothing.
    private func untilSomebodyWaits(for budget: ByteBudget) async throws {
        try await eventually("nobody waits") { !budget.tryReserve(0) }
    }

    @Test func `what is lent is gone until it is given back`() {
        let budget = ByteBudget(size: 10)
        #expect(budget.tryReserve(7))
        #expect(!budget.tryReserve(4))
        #expect(budget.tryReserve(3))
        #expect(budget.free == 0)
        budget.release(10)
        #expect(budget.tryReserve(10))
    }

    @Test(arguments: 0..<5 as Range<UInt64>)
    func `never more is lent than there is, whoever comes and goes`(seed: UInt64) async throws {
        let size = 100
        let budget = ByteBudget(size: size)
        let tally = Tally()
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<300 as Range<UInt64> {
                var generator = SeededGenerator(seed: seed << 32 | number)
                let bytes = Int.random(in: 1...size, using: &generator)
                let patience = Duration.microseconds(Int.random(in: 0...20_000, using: &generator))
                let isCancelled = number.isMultiple(of: 7)
                group.addTask {
                    let taking = Task {
                        do throws(DepotError) {
                            try await budget.reserve(bytes, within: patience)
                        } catch {
                            #expect(error.code == .busy)
                            return
                        }
                        tally.lend(bytes)
                        await Task.yield()
                        tally.takeBack(bytes)
                        budget.release(bytes)
                    }
                    if isCancelled { taking.cancel() }
                    await taking.value
                }
            }
        }
        #expect((1...size).contains(tally.most))
        #expect(budget.free == size)
        #expect(budget.tryReserve(size))
    }

    @Test func `more than there ever is is refused at once`() async throws {
        let budget = ByteBudget(size: 10)
        let error = await expectError(.tooLarge) {
            try await budget.reserve(11, within: .seconds(600))
        }
        #expect(error?.message == "11 bytes of memory are wanted, 10 are allowed")
        #expect(budget.free == 10)
    }

    @Test func `whoever wants little does not overtake who wants much`() async throws {
        let budget = ByteBudget(size: 10)
        #expect(budget.tryReserve(6))
        let large = Task { try await budget.reserve(10, within: .seconds(30)) }
        try await untilSomebodyWaits(for: budget)
        #expect(budget.free == 4)
        #expect(!budget.tryReserve(1))
        await expectError(.busy) { try await budget.reserve(1, within: .milliseconds(20)) }
        budget.release(6)
        try await large.value
        #expect(budget.free == 0)
    }

    @Test func `who gives up makes room for those behind`() async throws {
        let budget = ByteBudget(size: 10)
        #expect(budget.tryReserve(6))
        let large = Task { try await budget.reserve(10, within: .seconds(600)) }
        try await untilSomebodyWaits(for: budget)
        let small = Task { try await budget.reserve(4, within: .seconds(20)) }
        // It is right whenever the small one comes, but only says much where it waits already.
        for _ in 0..<1_000 { await Task.yield() }
        large.cancel()
        await expectError(.busy) { try await large.value }
        try await small.value
        #expect(budget.free == 0)
    }

    @Test func `who has waited long enough is told to come again`() async throws {
        let budget = ByteBudget(size: 10)
        #expect(budget.tryReserve(10))
        let error = await expectError(.busy) {
            try await budget.reserve(1, within: .milliseconds(10))
        }
        #expect(error?.message == "all memory for transfers is in use; try again in a moment")
        budget.release(10)
        #expect(budget.free == 10)
    }

    /// The time can be over before the waiter stands in line; it once waited for ever then.
    @Test func `no patience at all is no endless wait`() async throws {
        let budget = ByteBudget(size: 1)
        #expect(budget.tryReserve(1))
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<50_000 {
                        await expectError(.busy) { try await budget.reserve(1, within: .zero) }
                    }
                }
            }
        }
        budget.release(1)
        #expect(budget.free == 1)
    }

    @Test func `who is cancelled beforehand does not wait`() async throws {
        let budget = ByteBudget(size: 1)
        #expect(budget.tryReserve(1))
        let task = Task {
            while !Task.isCancelled { await Task.yield() }
            try await budget.reserve(1, within: .seconds(600))
        }
        task.cancel()
        await expectError(.busy) { try await task.value }
        budget.release(1)
        #expect(budget.free == 1)
    }

    @Test func `the line has an end, and the rest is turned away at once`() async throws {
        let (max, excess) = (ByteBudget.waitersMax, 50)
        let budget = ByteBudget(size: max)
        #expect(budget.tryReserve(max))
        let (refusals, refused) = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<max + excess {
                group.addTask {
                    do throws(DepotError) {
                        try await budget.reserve(1, within: .seconds(600))
                    } catch {
                        #expect(error.code == .busy)
                        refused.yield()
                    }
                }
            }
            // Those that are over the limit; the others wait until now.
            var count = 0
            for await _ in refusals {
                count += 1
                if count == excess { break }
            }
            #expect(budget.free == 0)
            budget.release(max)
            try await group.waitForAll()
        }
        #expect(budget.free == 0)
    }
}

/// What has been lent, as the borrowers see it.
private final class Tally: Sendable {
    private let lent = Mutex((now: 0, most: 0))

    var most: Int { lent.withLock { $0.most } }

    func lend(_ bytes: Int) {
        lent.withLock { $0 = ($0.now + bytes, max($0.most, $0.now + bytes)) }
    }

    func takeBack(_ bytes: Int) { lent.withLock { $0.now -= bytes } }
}
