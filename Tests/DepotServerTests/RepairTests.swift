import DepotCore
import DepotServer
import DepotWire
import NIOCore
import Testing

@Suite struct RepairTests {
    enum Damage: CaseIterable, Sendable {
        case corruptOnOne, corruptOnAllButOne, missing, corruptRecord, missingRecord
    }

    /// Two replicas more than copies, so that a damaged disk can be left alone; and none more, so that only the same
    /// disk can take the copy.
    @Test(arguments: Damage.allCases, [3, 5])
    func `what is damaged is repaired, and a second verification calls it clean`(
        damage: Damage, replicas: Int
    ) async throws {
        try await TestDepot.run(replicas: replicas) { depot in
            let data = TestDepositor.data(64_000, seed: 60)
            try await depot.deposit("file", data, level: 3)
            try await depot.eventually("records are where they belong") {
                try await depot.catalog.outbox(limit: 1).isEmpty
            }
            let found = try await Self.inflict(damage, on: depot)
            let first = try await depot.verify()
            #expect(first.exitCode == 1, "\(first)")
            #expect(first.problemCount >= found && first.repairedCount == first.problemCount)
            let second = try await depot.verify()
            #expect(second.exitCode == 0, "\(second)")
            #expect(second.problemCount == 0)
            for chunk in try await depot.info("file").chunks {
                #expect(depot.soundCopies(of: chunk.id) == 3)
                #expect(chunk.holdings.allSatisfy { $0.state == .good })
            }
            #expect(depot.replicas.reduce(0) { $0 + $1.recordCount } == 3)
            #expect(try await depot.content("file").body == data)
        }
    }

    /// - Returns: at least so many problems are to be found.
    private static func inflict(_ damage: Damage, on depot: TestDepot) async throws -> Int {
        let copies = try await depot.goodCopies("file")
        let chunks = copies.keys.sorted()
        let holder = try #require(
            depot.replicas.first { replica in
                replica.recordCount > 0 && chunks.contains(where: replica.holds)
            })
        let record = try #require(
            holder.state.withLock { $0.objects.keys.first { $0.kind == .record } })
        switch damage {
        case .corruptOnOne:
            let held = chunks.filter(holder.holds)
            for chunk in held { holder.corrupt(chunk) }
            return held.count
        case .corruptOnAllButOne:
            for chunk in chunks {
                for replica in depot.replicas.filter({ $0.holds(chunk) }).dropFirst() {
                    replica.corrupt(chunk)
                }
            }
            return 2 * chunks.count
        case .missing:
            holder.lose(try #require(chunks.first(where: holder.holds)))
            return 1
        case .corruptRecord:
            holder.corrupt(record)
            return 1
        case .missingRecord:
            holder.state.withLock { $0.objects[record] = nil }
            return 1
        }
    }

    /// Once the monitor was the only one to tell how far a log goes: a disk wiped within a second of the deposit passed
    /// for the one that had vouched.
    @Test(arguments: [3, 5])
    func `a wiped disk is noticed and filled again without anybody asking`(
        replicas: Int
    ) async throws {
        let quick = { (configuration: inout FileServerConfiguration) in
            configuration.timing.repairPeriod = .milliseconds(20)
        }
        try await TestDepot.run(replicas: replicas, configure: quick) { depot in
            let data = TestDepositor.data(64_000, seed: 61)
            try await depot.deposit("file", data, level: 3)
            let chunks = try await depot.goodCopies("file").keys
            let holder = depot.replicas.first { replica in chunks.contains(where: replica.holds) }
            try #require(holder).wipe()
            try await depot.eventually("every chunk and record has three copies again") {
                chunks.allSatisfy { depot.soundCopies(of: $0) == 3 }
                    && depot.replicas.reduce(0) { $0 + $1.recordCount } == 3
            }
            try await depot.eventually("verifications call it clean") {
                try await depot.verify().exitCode == 0
            }
            #expect(try await depot.content("file").body == data)
        }
    }

    /// A disk that takes bytes and rots them at once is a disk that a repair must not believe: it wrote what it had
    /// hashed, and what lies there is something else.
    @Test func `what a repair wrote is hashed where it lies before it counts`() async throws {
        try await TestDepot.run(replicas: 3) { depot in
            let data = TestDepositor.data(30_000, seed: 62)
            try await depot.deposit("file", data, level: 3)
            let chunk = try #require(try await depot.goodCopies("file").keys.min())
            depot.replicas[0].lose(chunk)
            depot.replicas[0].state.withLock { $0.rots = true }
            let first = try await depot.verify()
            #expect(first.exitCode == 2)
            #expect(first.underReplicated == 1)
            #expect(try await depot.goodCopies("file")[chunk]?.count == 2)
            depot.replicas[0].state.withLock { $0.rots = false }
            #expect(try await depot.verify().exitCode == 1)
            #expect(depot.soundCopies(of: chunk) == 3)
            #expect(try await depot.verify().exitCode == 0)
        }
    }

    @Test func `a corrupt copy is never copied, and a chunk with no other is reported`()
        async throws
    {
        try await TestDepot.run(replicas: 4) { depot in
            try await depot.deposit("lost", TestDepositor.data(9_000, seed: 63), level: 2)
            try await depot.deposit("kept", TestDepositor.data(9_000, seed: 64), level: 2)
            let chunk = try #require(try await depot.goodCopies("lost").keys.min())
            for replica in depot.replicas { replica.corrupt(chunk) }
            for _ in 0..<2 {
                let body = try await depot.verify()
                #expect(body.exitCode == 2)
                #expect(body.unreadable == 1)
                let problems = body.problems.filter { $0.object == .chunk(chunk) }
                #expect(problems.count == 2)
                #expect(problems.allSatisfy { !$0.isRepaired && $0.kind == .corrupt })
                #expect(try problems.allSatisfy { $0.files == [try FileName("lost")] })
                // The bad copies stay: they may be all that is left.
                #expect(depot.replicas.count { $0.holds(chunk) } == 2)
            }
            let answer = try await depot.content("lost")
            #expect(answer.error?.code == .noGoodCopy)
            #expect(try await depot.content("kept").status == 200)
        }
    }

    /// A file was lowered and raised again before the copies that were let go had been deleted. They were still there,
    /// so that writing them again changed nothing; they stayed released, and repair made the same copy for ever.
    @Test func `a copy that was let go and is needed again before it is deleted counts again`()
        async throws
    {
        try await TestDepot.run(replicas: 3) { depot in
            let data = TestDepositor.data(30_000, seed: 65)
            try await depot.deposit("file", data, level: 3)
            for replica in depot.replicas { replica.state.withLock { $0.refusesDeletes = true } }
            #expect(try await depot.changeLevel("file", 2).status == 200)
            let released = try await depot.info("file").chunks.flatMap(\.holdings)
            #expect(released.contains { $0.state == .released })
            #expect(try await depot.changeLevel("file", 3).status == 200)
            #expect(try await depot.verify().exitCode == 0)
            for replica in depot.replicas { replica.state.withLock { $0.refusesDeletes = false } }
            for (chunk, copies) in try await depot.goodCopies("file") {
                #expect(copies.count == 3)
                #expect(depot.soundCopies(of: chunk) == 3)
            }
        }
    }

    /// Repair met copies that it could make, the catalog would not call them good, and it made them again and again.
    @Test func `a copy that stays bad wherever it is written ends a round`() async throws {
        try await TestDepot.run(replicas: 2) { depot in
            try await depot.deposit("file", TestDepositor.data(30_000, seed: 66), level: 2)
            for chunk in try await depot.goodCopies("file").keys { depot.replicas[1].lose(chunk) }
            depot.replicas[1].state.withLock { $0.rots = true }
            let body = try await depot.verify()
            #expect(body.exitCode == 2)
            #expect(body.copiesMade == 0)
        }
    }
}
