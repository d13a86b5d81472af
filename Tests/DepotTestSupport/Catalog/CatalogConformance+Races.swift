import DepotCore
import Testing

extension CatalogConformance {
    static let races: [CatalogBehaviour] = [
        CatalogBehaviour("releases, deposits and level changes at once leave each file its copies")
        {
            fixture in
            try await fixture.admit(1...4)
            for round in 0..<25 {
                let chunk = try Fixture.chunk("round \(round)")
                let low = try await fixture.deposit(
                    "low \(round)", [chunk], on: Fixture.replicas(1...4), level: 2)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number: UInt8 in 1...4 {
                        group.addTask {
                            _ = try await fixture.release(chunk, on: number, hashed: 1...4)
                        }
                    }
                    group.addTask { try await fixture.depositKnown("high \(round)", chunk) }
                    group.addTask {
                        let entry = try await fixture.catalog.file(low.name)
                        _ = try await fixture.changeLevel(entry, to: 1, copies: 1)
                    }
                    try await group.waitForAll()
                }
                let status = try #require(try await fixture.status(chunk))
                #expect(status.good.count >= status.target, "round \(round)")
            }
        }
    ]
}

extension CatalogFixture {
    /// Deposits a chunk that is there at level 3, without sending anything; gives up where copies lack.
    fileprivate func depositKnown(_ name: String, _ chunk: ChunkReference) async throws {
        let deposit = try await open(level: 3)
        let manifest = try Self.manifest([chunk])
        _ = try await catalog.negotiate(
            deposit, chunks: [chunk, manifest], live: Self.replicas(1...4), copies: 3)
        let mark = try await catalog.mark()
        let statuses = try await catalog.statuses(of: [chunk.id, manifest.id])
        let durable = statuses.compactMap { $0 }.map { ($0.reference, Set($0.good)) }
        try await catalog.prove(
            BarrierProof(durable: Dictionary(durable) { first, _ in first }), asOf: mark,
            deposit: deposit)
        _ = try await outcome(Self.commit(name, [chunk]), in: deposit, copies: 3)
        try await catalog.closeDeposit(deposit)
    }
}
