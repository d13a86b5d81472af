import DepotCore
import Testing

extension CatalogConformance {
    static let repairs: [CatalogBehaviour] = [
        CatalogBehaviour("what lacks copies is listed worst first, by the copies that count") {
            fixture in
            try await fixture.admit(1...4)
            let chunks = try Fixture.chunks(0..<4)
            try await fixture.deposit("file", chunks, on: Fixture.replicas(1...3))
            let whole = try await fixture.shortfall(1...4)
            #expect(whole.isEmpty)
            try await fixture.settle(chunks[1], .bad, on: 1)
            for number: UInt8 in 1...2 { try await fixture.settle(chunks[2], .absent, on: number) }
            for number: UInt8 in 1...3 { try await fixture.settle(chunks[3], .bad, on: number) }
            let found = try await fixture.shortfall(1...4)
            #expect(found.map(\.reference) == [chunks[3], chunks[2], chunks[1]])
            #expect(found.map(\.target) == [3, 3, 3])
            #expect(found.map(\.good.count) == [0, 1, 2])
            let first = try await fixture.shortfall(1...4, limit: 1)
            #expect(first.map(\.reference) == [chunks[3]])
            let without = try await fixture.shortfall(1...2)
            #expect(without.count == 5, "a copy on a replica that does not count is none")
            let deposit = try await fixture.open(level: 4)
            _ = try await fixture.catalog.negotiate(
                deposit, chunks: [chunks[0]], live: [], copies: 4)
            let leased = try await fixture.shortfall(1...4)
            #expect(leased.count == 3, "deposits see to their chunks themselves")
            _ = try await fixture.delete("file")
            let unused = try await fixture.shortfall(1...4)
            #expect(unused.isEmpty)
        },
        CatalogBehaviour("what has too many copies is listed page by page") { fixture in
            try await fixture.admit(1...4)
            let chunks = try Fixture.chunks(0..<7)
            try await fixture.deposit("file", chunks, on: Fixture.replicas(1...4), level: 2)
            try await fixture.deposit("four", [chunks[0]], on: Fixture.replicas(1...4))
            try await fixture.settle(chunks[1], .bad, on: 3)
            try await fixture.settle(chunks[1], .bad, on: 4)
            var found: [ChunkStatus] = []
            while true {
                let next = try await fixture.catalog.surplus(
                    counting: Fixture.replicas(1...4), after: found.last?.reference.id, limit: 2)
                found += next
                if next.count < 2 { break }
            }
            let expected = try Set(chunks[2...] + [Fixture.manifest(chunks)])
            #expect(Set(found.map(\.reference)) == expected && found.count == 6)
            let two = try await fixture.catalog.surplus(
                counting: Fixture.replicas(2...3), after: nil, limit: 10)
            #expect(two.isEmpty)
            let deposit = try await fixture.open(level: 4)
            _ = try await fixture.catalog.negotiate(
                deposit, chunks: [chunks[2]], live: [], copies: 4)
            let pinned = try await fixture.catalog.surplus(
                counting: Fixture.replicas(1...4), after: nil, limit: 10)
            #expect(
                pinned.filter { $0.reference == chunks[2] }.allSatisfy { $0.target == 4 },
                "whoever drops sees the lease's target")
        },
        CatalogBehaviour("records that too few replicas have go out again") { fixture in
            try await fixture.admit(1...5)
            try await fixture.deposit("five", Fixture.chunks(0..<1), on: Fixture.replicas(1...5))
            try await fixture.deposit("one", Fixture.chunks(0..<1), on: Fixture.replicas(1...1))
            _ = try await fixture.deposit(
                "gone", Fixture.chunks(0..<1), on: Fixture.replicas(1...1))
            _ = try await fixture.delete("gone")
            // Tables: copies that there are, how many replicas the cluster has, and which names go out again.
            let cases: [(ClosedRange<UInt8>, Int, Set<String>)] = [
                (1...5, 5, []), (1...4, 5, ["five"]), (1...3, 5, ["five"]),
                (1...2, 5, ["five", "gone", "one"]), (1...2, 2, []),
                (1...1, 2, ["five", "gone", "one"]),
            ]
            for (counting, size, names) in cases {
                try await fixture.deliver(on: 1...5)
                let count = try await fixture.catalog.reopenRecords(
                    counting: Fixture.replicas(counting), clusterSize: size)
                let outbox = try await fixture.catalog.outbox(limit: 10)
                #expect(Set(outbox.map(\.record.name.text)) == names, "\(counting) of \(size)")
                #expect(count == names.count && outbox.count == count)
                let again = try await fixture.catalog.reopenRecords(
                    counting: Fixture.replicas(counting), clusterSize: size)
                #expect(again == 0, "they wait already")
            }
        },
    ]
}

extension CatalogFixture {
    fileprivate func shortfall(
        _ counting: ClosedRange<UInt8>, limit: Int = 100
    ) async throws -> [ChunkStatus] {
        try await catalog.shortfall(counting: Self.replicas(counting), limit: limit)
    }
}
