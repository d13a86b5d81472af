import DepotCore
import Testing

extension CatalogConformance {
    static let negotiations: [CatalogBehaviour] = [
        CatalogBehaviour("lacking is what has too few good copies on live replicas, each once") {
            fixture in
            try await fixture.admit(1...3)
            let chunks = try Fixture.chunks(0..<4)
            try await fixture.deposit("two", [chunks[0]], on: Fixture.replicas(1...2))
            try await fixture.deposit("three", [chunks[1]], on: Fixture.replicas(1...3))
            let deposit = try await fixture.open(level: 3)
            let asked = [chunks[3], chunks[1], chunks[0], chunks[3], chunks[2]]
            func lacking(_ live: ClosedRange<UInt8>, _ copies: Int) async throws -> [ChunkReference]
            {
                try await fixture.catalog.negotiate(
                    deposit, chunks: asked, live: Fixture.replicas(live), copies: copies)
            }
            let three = try await lacking(1...3, 3)
            #expect(three == [chunks[3], chunks[0], chunks[2]])
            let two = try await lacking(1...3, 2)
            #expect(two == [chunks[3], chunks[2]])
            let withoutThird = try await lacking(1...2, 3)
            #expect(withoutThird == [chunks[3], chunks[1], chunks[0], chunks[2]])
        },
        CatalogBehaviour("bad, unproved and released copies are no reason not to send") { fixture in
            let chunk = try await fixture.oneFile()
            try await fixture.settle(chunk, .bad, on: 1)
            let deposit = try await fixture.open(level: 3)
            let lacking = try await fixture.catalog.negotiate(
                deposit, chunks: [chunk], live: Fixture.replicas(1...3), copies: 3)
            #expect(lacking == [chunk])
        },
        CatalogBehaviour("a chunk that replicas hold has one length") { fixture in
            try await fixture.admit(1...1)
            let deposit = try await fixture.open(level: 1)
            let long = try Fixture.chunk("same", length: 10)
            let short = try Fixture.chunk("same", length: 9)
            let other = try Fixture.chunk("other", length: 9)
            try await fixture.send([long], to: Fixture.replicas(1...1), in: deposit)
            await fixture.expect(.manifestInvalid) {
                _ = try await fixture.catalog.negotiate(
                    deposit, chunks: [other, short], live: [], copies: 1)
            }
            await fixture.expect(.manifestInvalid) {
                _ = try await fixture.catalog.stage(
                    [ManifestPage(of: other, chunks: [short], isLast: true)], deposit: deposit)
            }
            let status = try await fixture.status(other)
            #expect(status == nil, "a refused batch leaves nothing")
            try await fixture.catalog.prove(
                BarrierProof(durable: [short: Fixture.replicas(1...1)]),
                asOf: fixture.catalog.mark(), deposit: deposit)
            let kept = try await fixture.status(long)?.reference
            #expect(kept == long, "one replica alone does not change it")
        },
        // Rows of chunks that came together are read together.
        CatalogBehaviour("chunks that are named together are known as each alone is") { fixture in
            try await fixture.admit(1...3)
            let (first, second) = (try Fixture.chunks(0..<700), try Fixture.chunks(700..<1_400))
            try await fixture.deposit("first", first, on: Fixture.replicas(1...3))
            try await fixture.deposit("second", second, on: Fixture.replicas(2...3))
            for chunk in [first[3], first[400], second[9]] {
                try await fixture.settle(chunk, .bad, on: 2)
            }
            _ = try await fixture.delete("second")
            try await fixture.catalog.markUnused()
            let named = try first[..<600] + Fixture.chunks(2_000..<2_010) + second
            let deposit = try await fixture.open(level: 3)
            for (live, copies) in [(1...3 as ClosedRange<UInt8>, 3), (2...3, 2), (1...1, 1)] {
                let single = try await fixture.open(level: 3)
                var expected: [ChunkReference] = []
                for chunk in named {
                    expected += try await fixture.catalog.negotiate(
                        single, chunks: [chunk], live: Fixture.replicas(live), copies: copies)
                }
                let lacking = try await fixture.catalog.negotiate(
                    deposit, chunks: Array(named), live: Fixture.replicas(live), copies: copies)
                #expect(lacking == expected && lacking.count > 10)
            }
            let wrong = try ChunkReference(id: first[500].id, length: first[500].length + 1)
            await fixture.expect(.manifestInvalid) {
                _ = try await fixture.catalog.negotiate(
                    deposit, chunks: named + [wrong], live: [], copies: 1)
            }
        },
        // Whoever first named a chunk with a wrong length made it impossible for everybody to deposit it.
        CatalogBehaviour("of two claimed lengths the one wins whose bytes were hashed") { fixture in
            try await fixture.admit(1...1)
            let on = Fixture.replicas(1...1)
            for (liar, isOpen) in [(7, true), (11, false)] {
                let right = try Fixture.chunk("claimed \(liar)", length: 10)
                let wrong = try ChunkReference(id: right.id, length: liar)
                let first = try await fixture.open(level: 1)
                let claimed = try await fixture.catalog.negotiate(
                    first, chunks: [wrong], live: on, copies: 1)
                #expect(claimed == [wrong])
                if !isOpen { try await fixture.catalog.closeDeposit(first) }
                let second = try await fixture.open(level: 1)
                let lacking = try await fixture.catalog.negotiate(
                    second, chunks: [right], live: on, copies: 1)
                #expect(lacking == [right])
                try await fixture.deposit("file \(liar)", [right], on: on, keepingLease: second)
                let known = try await fixture.status(right)?.reference
                #expect(known == right)
            }
        },
        CatalogBehaviour("an inventory says how long a chunk is that was only claimed") { fixture in
            try await fixture.admit(1...1)
            let right = try Fixture.chunk("claimed", length: 10)
            let wrong = try ChunkReference(id: right.id, length: 7)
            let deposit = try await fixture.open(level: 1)
            _ = try await fixture.catalog.negotiate(deposit, chunks: [wrong], live: [], copies: 1)
            let found = try await fixture.show([Fixture.entry(right)], of: 1)
            #expect(found.wrongLength.isEmpty && found.entered == [.chunk(right.id)])
            #expect(try await fixture.status(right)?.reference == right)
        },
        CatalogBehaviour("a copy that a check meets makes no claim true") { fixture in
            try await fixture.admit(1...1)
            let right = try Fixture.chunk("claimed", length: 10)
            let wrong = try ChunkReference(id: right.id, length: 7)
            let deposit = try await fixture.open(level: 1)
            _ = try await fixture.catalog.negotiate(deposit, chunks: [wrong], live: [], copies: 1)
            for verdict in [CheckVerdict.good, .bad] {
                try await fixture.settle(wrong, verdict, on: 1)
                #expect(try await fixture.state(wrong, on: 1) == nil)
            }
            try await fixture.send([right], to: Fixture.replicas(1...1), in: deposit)
            #expect(try await fixture.status(right)?.reference == right)
        },
        CatalogBehaviour("names that nobody has a chunk of leave nothing") { fixture in
            try await fixture.admit(1...1)
            let kept = try Fixture.chunk("kept")
            try await fixture.deposit("file", [kept], on: Fixture.replicas(1...1))
            let invented = try Fixture.chunks(0..<5_000)
            let deposit = try await fixture.open(level: 1)
            for named in [invented, invented + [kept]] {
                fixture.advance(Fixture.lease - .seconds(1))
                let lacking = try await fixture.catalog.negotiate(
                    deposit, chunks: named + named, live: Fixture.replicas(1...1), copies: 1)
                #expect(lacking == invented, "each once, and the lease is renewed")
                let noted = try await fixture.catalog.statuses(of: invented.map(\.id))
                #expect(noted.allSatisfy { $0 == nil })
            }
            #expect(try await fixture.status(kept)?.target == 1)
        },
        CatalogBehaviour("a deposit of many chunks ends step by step, and leaves what files use") {
            fixture in
            try await fixture.admit(1...1)
            let on = Fixture.replicas(1...1)
            let brought = try Fixture.chunks(0..<5_000)
            for end in ["closed", "over"] {
                let deposit = try await fixture.open(level: 1)
                try await fixture.send(brought, to: on, in: deposit)
                try await fixture.deposit(end, Array(brought[..<2]), on: on, keepingLease: deposit)
                if end == "over" {
                    fixture.advance(Fixture.lease)
                } else {
                    try await fixture.catalog.closeDeposit(deposit)
                }
                await fixture.expect(.leaseEnded) {
                    try await fixture.catalog.renewDeposit(deposit)
                }
                for _ in 0..<3 { try await fixture.admit(1...1) }
                let targets = try await fixture.catalog.statuses(of: brought.map(\.id)).map {
                    $0?.target
                }
                #expect(targets[..<2] == [1, 1] && targets[2...].allSatisfy { $0 == 0 }, "\(end)")
                try await fixture.catalog.markUnused()
                let unused = try await fixture.catalog.unused(
                    for: .zero, on: Fixture.replica(1), after: nil, limit: 10_000)
                #expect(unused.count == brought.count - 2, "\(end)")
            }
        },
    ]
}
