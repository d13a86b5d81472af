import FoundationEssentials
import Testing

@testable import DepotCore

@Suite struct CopyPlannerTests {
    private static let chunk = ChunkID(hashing: "chunk")

    private func planner(_ count: Int, zones: Int = 99, full: Set<Int> = []) -> CopyPlanner {
        CopyPlanner(
            placement: Placement(
                (1...count).map {
                    PlacementCandidate(
                        replica: .numbered($0), zone: "zone\($0 % zones)", weight: 1,
                        takesCopies: !full.contains($0))
                }))
    }

    private func status(
        _ target: Int, good: [Int] = [], bad: [Int] = [], unproved: [Int] = [],
        released: [Int] = [], id: ChunkID = chunk
    ) throws -> ChunkStatus {
        func holdings(_ numbers: [Int], _ state: HoldingState) -> [Holding] {
            numbers.map { Holding(replica: .numbered($0), state: state) }
        }
        return ChunkStatus(
            copies: ChunkCopies(
                reference: try ChunkReference(id: id, length: 1_000),
                holdings: holdings(good, .good) + holdings(bad, .bad)
                    + holdings(unproved, .unproved) + holdings(released, .released)),
            target: target)
    }

    @Test func `a chunk at its target needs nothing`() throws {
        #expect(planner(5).plan([try status(3, good: [1, 2, 3])]).isEmpty)
        #expect(planner(5).plan([try status(0, good: [1, 2, 3])]).isEmpty)
    }

    @Test func `missing copies come from good ones and go elsewhere`() throws {
        let planner = planner(5)
        let plan = planner.plan([try status(4, good: [1, 2])])
        #expect(plan.drops.isEmpty && plan.shortfalls.isEmpty)
        #expect(plan.copies.count == 2)
        #expect(plan.copies.allSatisfy { Set($0.sources) == [.numbered(1), .numbered(2)] })
        let free = planner.placement.order(for: Self.chunk).filter { $0.number > 2 }
        #expect(plan.copies.map(\.destination) == Array(free.prefix(2)))
    }

    @Test func `only good copies on live replicas count`() throws {
        let plan = planner(5).plan([
            try status(3, good: [1, 9], bad: [2], unproved: [3], released: [4])
        ])
        #expect(plan.copies.count == 2)
        #expect(plan.copies.allSatisfy { $0.sources == [.numbered(1)] })
        #expect(!plan.copies.contains { $0.destination == .numbered(2) })
    }

    @Test func `a bad copy's replica is used where no other is left`() throws {
        let plan = planner(3).plan([try status(3, good: [1], bad: [2])])
        #expect(plan.copies.map(\.destination) == [.numbered(3), .numbered(2)])
        #expect(plan.shortfalls.isEmpty)
    }

    @Test func `what cannot be reached is told with its reason`() throws {
        let short = planner(3, full: [3]).plan([try status(4, good: [1])])
        #expect(short.copies.map(\.destination) == [.numbered(2)])
        #expect(short.shortfalls.map(\.reason) == [.notEnoughReplicas])
        #expect(short.shortfalls.map(\.copies) == [2])

        let lost = planner(3).plan([try status(2, good: [9], bad: [1], unproved: [2])])
        #expect(lost.copies.isEmpty && lost.drops.isEmpty)
        #expect(lost.shortfalls.map(\.reason) == [.noGoodCopy])
        #expect(lost.shortfalls.map(\.target) == [2])
    }

    @Test func `the last in rank is dropped first`() throws {
        let planner = planner(5)
        let order = planner.placement.order(for: Self.chunk)
        let plan = planner.plan([try status(2, good: [1, 2, 3, 4, 5])])
        #expect(plan.copies.isEmpty)
        #expect(plan.drops.map(\.replica) == [order[4], order[3], order[2]])
        #expect(plan.drops.allSatisfy { $0.remaining == [order[0], order[1]] })
    }

    @Test func `of two in one zone one is dropped before the only one of another`() throws {
        // Zones: 1 and 3 and 5 in zone1, 2 and 4 in zone0.
        let planner = planner(5, zones: 2)
        for number in 0..<200 {
            let id = ChunkID(hashing: "\(number)")
            let plan = planner.plan([try status(2, good: [1, 2, 3], id: id)])
            let worse = planner.placement.order(for: id).last { [1, 3].contains($0.number) }
            #expect(plan.drops.map(\.replica) == [worse])
        }
    }

    @Test func `copies on replicas that are away are not dropped, nor counted`() throws {
        let plan = planner(3).plan([try status(2, good: [1, 2, 8, 9])])
        #expect(plan.isEmpty)
    }

    /// It had begun to leave after its caller looked which replicas count: its copy was to stay and to go in one plan.
    @Test func `a replica that leaves counts for nothing, whatever its caller counts`() throws {
        let all = (1...4).map { number in
            PlacementCandidate(
                replica: .numbered(number), zone: "zone\(number)", weight: 1,
                isLeaving: number == 1)
        }
        let planner = CopyPlanner(placement: Placement(all), counting: Set(all.map(\.replica)))
        let short = planner.plan([try status(3, good: [1, 2, 3])])
        #expect(short.drops.isEmpty && short.copies.map(\.destination) == [.numbered(4)])
        let whole = planner.plan([try status(3, good: [1, 2, 3, 4])])
        #expect(whole.copies.isEmpty && whole.drops.map(\.replica) == [.numbered(1)])
        #expect(whole.drops[0].remaining.count == 3)
        #expect(!whole.drops[0].remaining.contains(.numbered(1)))
    }

    @Test func `whatever the holdings, no plan goes below the target`() throws {
        let seed: UInt64 = 11
        var random = SeededGenerator(seed: seed)
        for _ in 0..<3_000 {
            let replicas = Int.random(in: 1...8, using: &random)
            let planner = planner(
                replicas, zones: Int.random(in: 1...4, using: &random),
                full: Set([Int.random(in: 1...8, using: &random)]))
            let holdings = (1...8).compactMap { number -> Holding? in
                HoldingState.allCases.randomElement(using: &random).flatMap {
                    Bool.random(using: &random)
                        ? Holding(replica: .numbered(number), state: $0) : nil
                }
            }
            let chunk = ChunkStatus(
                copies: ChunkCopies(
                    reference: try ChunkReference(id: random.chunkID(), length: 1),
                    holdings: holdings),
                target: Int.random(in: 1...6, using: &random))
            expectSound(planner.plan([chunk]), chunk, replicas, "seed \(seed): \(chunk)")
        }
    }

    private func expectSound(
        _ plan: CopyPlan, _ chunk: ChunkStatus, _ replicas: Int, _ comment: Comment
    ) {
        let live = Set(chunk.good.filter { $0.number <= replicas })
        #expect(plan.copies.isEmpty || plan.drops.isEmpty, comment)
        let dropped = Set(plan.drops.map(\.replica))
        #expect(dropped.count == plan.drops.count && dropped.isSubset(of: live), comment)
        #expect(dropped.count == max(0, live.count - chunk.target), comment)
        #expect(plan.drops.allSatisfy { Set($0.remaining) == live.subtracting(dropped) }, comment)
        let copied = Set(plan.copies.map(\.destination))
        #expect(copied.count == plan.copies.count && copied.isDisjoint(with: live), comment)
        #expect(plan.copies.allSatisfy { Set($0.sources) == live }, comment)
        let copies = live.count + copied.count
        #expect(copies <= max(chunk.target, live.count), comment)
        #expect(plan.shortfalls.map(\.copies) == (copies < chunk.target ? [copies] : []), comment)
    }

    @Test func `a change of level adds up page by page`() throws {
        let name = try FileName("file.txt")
        let planner = planner(5)
        var plan = LevelChangePlan(
            name: name, sequence: CommitSequence(epoch: 1, counter: 1), from: .three,
            to: try ReplicationLevel(2))
        let others = [ChunkID(hashing: "x"), ChunkID(hashing: "y")]
        let first = plan.add(
            [
                try status(2, good: [1, 2, 3]), try status(4, good: [1, 2, 3], id: others[0]),
            ], using: planner)
        #expect(first.drops.count == 1 && first.copies.count == 1)
        #expect(plan.isAttainable)
        _ = plan.add([try status(2, bad: [1], id: others[1])], using: planner)
        #expect(!plan.isAttainable)
        #expect(plan.chunks == 3)
        #expect(plan.pinned == 1 && plan.pinnedBytes == 1_000)
        #expect(plan.summary.copies == 1 && plan.summary.bytesCopied == 1_000)
        #expect(plan.summary.drops == 1 && plan.summary.bytesDropped == 1_000)
        #expect(plan.summary.shortfallsListed.map(\.chunk.id) == [others[1]])
        let destination = try #require(first.copies.first?.destination)
        #expect(plan.summary.replicas[destination]?.bytesCopied == 1_000)
        let json = try JSONEncoder().encode(plan)
        #expect(try JSONDecoder().decode(LevelChangePlan.self, from: json) == plan)
    }

    @Test func `summaries of parts are the summary of the whole`() throws {
        let planner = planner(4)
        let chunks = try (0..<60).map {
            try status(
                $0 % 3 + 1, good: $0 % 5 == 0 ? [] : Array(1...($0 % 4 + 1)),
                id: ChunkID(hashing: "\($0)"))
        }
        var parts = CopySummary(planner.plan(chunks[..<30]))
        parts.add(CopySummary(planner.plan(chunks[30...])))
        let whole = CopySummary(planner.plan(chunks))
        #expect(parts == whole)
        #expect(whole.shortfalls == 12 && whole.shortfallsListed.count == 12)
        var many = whole
        many.add(whole)
        #expect(many.shortfalls == 24)
        #expect(many.shortfallsListed.count == CopySummary.shortfallsListedMax)
    }
}
