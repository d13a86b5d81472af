import DepotCore
import Testing

extension CatalogConformance {
    static let membership: [CatalogBehaviour] = [
        CatalogBehaviour("a replica that is emptied says what still ties it") { fixture in
            try await fixture.admit(1...2)
            let chunks = try Fixture.chunks(0..<2)
            try await fixture.deposit("file", chunks, on: Fixture.replicas(1...2))
            try await fixture.deliver(on: 1...2)
            try await fixture.catalog.setDraining(Fixture.replica(1), true)
            let draining = try await fixture.catalog.draining()
            #expect(draining == [Fixture.replica(1)])
            try await fixture.settle(chunks[0], .absent, on: 2)
            let deposit = try await fixture.open(level: 1)
            try await fixture.send([chunks[1]], to: Fixture.replicas(1...1), in: deposit)
            var expected = ReplicaRemainder()
            expected.chunks = 3
            expected.bytes = try UInt64(
                chunks[0].length + chunks[1].length + Fixture.manifest(chunks).length)
            (expected.onlyCopies, expected.records, expected.deposits) = (1, 1, 1)
            let found = try await fixture.catalog.remainder(
                on: Fixture.replica(1), counting: Fixture.replicas(1...9))
            #expect(found == expected && !found.isEmpty)
            let alone = try await fixture.catalog.remainder(on: Fixture.replica(1), counting: [])
            #expect(
                alone.onlyCopies == 3, "copies elsewhere do not count where the member does not")
            fixture.advance(Fixture.lease)
            let later = try await fixture.catalog.remainder(
                on: Fixture.replica(1), counting: Fixture.replicas(1...9))
            #expect(later.deposits == 0, "a lease that is over waits for nobody")
            try await fixture.catalog.setDraining(Fixture.replica(1), false)
            let none = try await fixture.catalog.draining()
            #expect(none.isEmpty)
            await fixture.expect(.notFound) {
                try await fixture.catalog.setDraining(Fixture.replica(9), true)
            }
            await fixture.expect(.notFound) {
                _ = try await fixture.catalog.remainder(
                    on: Fixture.replica(9), counting: Fixture.replicas(1...9))
            }
        },
        CatalogBehaviour("a forgotten replica is let in no more, and nothing is believed of it") {
            fixture in
            try await fixture.admit(1...3)
            let chunk = try Fixture.chunk("chunk")
            try await fixture.deposit("file", [chunk], on: Fixture.replicas(1...3))
            try await fixture.deliver(on: 1...3)
            try await fixture.catalog.forget(Fixture.replica(3))
            let members = try await fixture.catalog.members()
            #expect(members.map(\.replica) == [Fixture.replica(1), Fixture.replica(2)])
            let good = try await fixture.status(chunk)?.good
            #expect(good == [Fixture.replica(1), Fixture.replica(2)])
            let forgotten = try await fixture.catalog.forgotten()
            #expect(forgotten == [Fixture.replica(3)])
            await fixture.expect(.conflict) {
                try await fixture.catalog.admit(Fixture.member(3))
            }
            await fixture.expect(.notFound) {
                try await fixture.catalog.forget(Fixture.replica(3))
            }
        },
        CatalogBehaviour("who takes a forgotten member's place inherits nothing") {
            try await $0.replaceMember(catchingUp: false)
        },
        CatalogBehaviour("nor does who takes it when all of that one is cleared away") {
            try await $0.replaceMember(catchingUp: true)
        },
        CatalogBehaviour("a log may go back as often as it likes") { fixture in
            let chunk = try await fixture.oneFile()
            let other = try Fixture.chunk("other")
            let deposit = try await fixture.open(level: 2)
            try await fixture.prepare([other], on: Fixture.replicas(1...2), in: deposit)
            for round in 0..<150 as Range<UInt64> {
                try await fixture.loseLog(of: 1, round: round)
                let lost = try await fixture.state(chunk, on: 1)
                #expect(lost == .unproved, "round \(round)")
                let listed = try await fixture.holdings(on: 1, state: .unproved, limit: 9)
                #expect(listed.contains(chunk))
                if round % 5 == 0 { _ = try await fixture.catalog.catchUp() }
                guard round % 3 == 0 else { continue }
                try await fixture.settle(chunk, .good, on: 1)
                let states = try await [fixture.state(chunk, on: 1), fixture.state(chunk, on: 2)]
                #expect(states == [.good, .good], "round \(round)")
            }
            // No bit is free: all of them are cleared, in pins, too.
            try await fixture.admit(9...9)
            // The deposit was vouched for before all that, and by the same replica.
            let file = try Fixture.commit("late", [other])
            let lacking = try await fixture.outcome(file, in: deposit, copies: 2).lacking
            #expect(lacking == [other.id, file.manifest.id])
            for used in [other, file.manifest.text] { try await fixture.settle(used, .good, on: 1) }
            let receipt = try await fixture.outcome(file, in: deposit, copies: 2).receipt
            #expect(receipt.copies == 2)
        },
        CatalogBehaviour("members may come and go as often as they like, and none inherits") {
            fixture in
            try await fixture.admit(1...2)
            let chunk = try Fixture.chunk("chunk")
            let file = try Fixture.commit("file", [chunk])
            let deposit = try await fixture.open(level: 2)
            try await fixture.prepare([chunk], on: Fixture.replicas(1...2), in: deposit)
            for number in 3...180 as ClosedRange<UInt8> {
                try await fixture.catalog.forget(Fixture.replica(number - 1))
                if number % 4 == 0 { _ = try await fixture.catalog.catchUp() }
                try await fixture.admit(number...number)
                let states = try await [
                    fixture.state(chunk, on: 1), fixture.state(chunk, on: number),
                ]
                #expect(states == [.good, nil], "member \(number)")
                // It holds the chunks by now, but vouched for nothing to this deposit.
                for used in [chunk, file.manifest.text] {
                    try await fixture.settle(used, .good, on: number)
                }
                let lacking = try await fixture.outcome(file, in: deposit, copies: 2).lacking
                #expect(lacking == [chunk.id, file.manifest.id], "member \(number)")
            }
        },
        CatalogBehaviour("what is left for later comes to an end, and changes nothing") { fixture in
            try await fixture.admit(1...4)
            let chunks = try Fixture.chunks(0..<9)
            try await fixture.deposit("file", chunks, on: Fixture.replicas(1...4), level: 2)
            try await fixture.settle(chunks[0], .bad, on: 1)
            _ = try await fixture.release(chunks[1], on: 1, hashed: 2...4)
            try await fixture.loseLog(of: 2, round: 0)
            try await fixture.catalog.forget(Fixture.replica(3))
            let before = try await fixture.catalog.statuses(of: chunks.map(\.id))
            var steps = 0
            while try await fixture.catalog.catchUp() {
                let after = try await fixture.catalog.statuses(of: chunks.map(\.id))
                #expect(after == before)
                steps += 1
                if steps > 1_000 { break }
            }
            #expect((1...1_000).contains(steps))
            let none = try await fixture.catalog.catchUp()
            #expect(!none)
        },
        CatalogBehaviour("what would be lost without some replicas is listed by file") { fixture in
            try await fixture.admit(1...4)
            let chunks = try Fixture.chunks(0..<3)
            try await fixture.deposit("a", [chunks[0]], on: Fixture.replicas(1...1))
            try await fixture.deposit("b", [chunks[1]], on: Fixture.replicas(1...2))
            try await fixture.deposit("c", [chunks[2]], on: Fixture.replicas(1...3))
            try await fixture.deposit("d", chunks, on: Fixture.replicas(4...4))
            func losses(_ numbers: ClosedRange<UInt8>, _ limit: Int = 10) async throws -> [FileLoss]
            {
                var all: [FileLoss] = []
                while true {
                    let next = try await fixture.catalog.losses(
                        without: Fixture.replicas(numbers), after: all.last?.name, limit: limit)
                    all += next
                    if next.count < limit { return all }
                }
            }
            func loss(_ name: String, _ lost: Int, _ last: Int) throws -> FileLoss {
                FileLoss(name: try FileName(name), lostChunks: lost, lastCopies: last)
            }
            // The content is on the fourth, too; the manifests of a, b and c are not.
            let first = try await losses(1...1)
            #expect(try first == [loss("a", 1, 1), loss("b", 0, 1), loss("d", 0, 1)])
            let two = try await losses(1...2, 1)
            #expect(
                try two == [loss("a", 1, 1), loss("b", 1, 1), loss("c", 0, 1), loss("d", 0, 2)])
            let fourth = try await losses(4...4)
            #expect(try fourth == [loss("a", 0, 1), loss("d", 1, 1)])
            let none = try await losses(9...9)
            #expect(none.isEmpty)
            let totals = try await fixture.catalog.lossTotals(without: Fixture.replicas(1...2))
            #expect(totals.lostChunks == 2, "the manifests of a and b")
            let manifest = try Fixture.manifest([chunks[2]])
            // b's chunk lacks one copy, c's one, and c's manifest two.
            #expect(totals.copies == 1 + 1 + 2)
            #expect(
                totals.bytes
                    == UInt64(chunks[1].length + chunks[2].length + 2 * manifest.length))
        },
    ]
}

extension CatalogFixture {
    /// A replica's log goes on, and then back.
    func loseLog(of number: UInt8, round: UInt64) async throws {
        let on = try await observe(
            LogPosition(opens: 2 + round, segment: 9, offset: 0), of: number)
        let back = try await observe(LogPosition(opens: 0, segment: 0, offset: 0), of: number)
        #expect(on && !back)
    }
}

extension CatalogFixture {
    /// - Parameter isClear: whether all that was left of the one before is cleared away.
    fileprivate func replaceMember(catchingUp isClear: Bool) async throws {
        try await admit(1...2)
        let chunk = try Self.chunk("chunk")
        let file = try Self.commit("file", [chunk])
        let deposit = try await open(level: 2)
        try await prepare([chunk], on: Self.replicas(1...2), in: deposit)
        try await catalog.noteSegments(
            [
                SegmentInfo(
                    id: SegmentID(number: 1, nonce: 1), bytes: 1, liveBytes: 1, liveCopies: 1,
                    isSealed: true)
            ], of: Self.replica(2))
        try await catalog.setDraining(Self.replica(2), true)
        let mark = try await catalog.mark()
        _ = try await observe(LogPosition(opens: 0, segment: 0, offset: 0), of: 2)
        try await settle(chunk, .bad, on: 2)
        try await inventory(1...2)
        try await catalog.forget(Self.replica(2))
        while isClear, try await catalog.catchUp() {}
        try await admit(3...3)
        let draining = try await catalog.draining()
        #expect(draining.isEmpty)
        let segments = try await catalog.segmentChecks(on: Self.replica(3))
        #expect(segments.isEmpty)
        let remainder = try await catalog.remainder(
            on: Self.replica(3), counting: Self.replicas(1...9))
        #expect(remainder == ReplicaRemainder(), "no copies, records or vouches")
        let state = try await state(chunk, on: 3)
        #expect(state == nil)
        // It holds the chunks by now, but vouched for nothing to this deposit.
        for used in [chunk, file.manifest.text] { try await settle(used, .good, on: 3) }
        let lacking = try await outcome(file, in: deposit, copies: 2).lacking
        #expect(lacking == [chunk.id, file.manifest.id])
        try await catalog.prove(
            BarrierProof(durable: [
                chunk: [Self.replica(3)], file.manifest.text: [Self.replica(3)],
            ]), asOf: mark, deposit: deposit)
        let receipt = try await outcome(file, in: deposit, copies: 2).receipt
        #expect(receipt.copies == 2, "the setbacks of the other one are not its own")
    }
}
