import DepotCore
import DepotServer
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

@Suite struct SimulationTests {
    /// Files of random sizes, levels and shared parts; every answer is counted again by brute force.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func `what a loss would cost is what counting says`(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let replay = "seed \(seed): add it to the arguments of this test"
        try await TestDepot.run(replicas: 5) { depot in
            try await depot.ready()
            let parts = (0..<6).map { TestDepositor.data(20_000, seed: seed * 1_000 + $0) }
            for number in 0..<8 {
                var data = ByteBuffer()
                for _ in 0...Int.random(in: 0...2, using: &random) {
                    data.writeImmutableBuffer(parts[Int.random(in: 0..<6, using: &random)])
                }
                try await depot.deposit(
                    "file\(number)", data, level: Int.random(in: 1...4, using: &random))
            }
            for lost in [[0], [1, 2], [0, 3, 4]] {
                let expected = try await Self.count(depot, losing: lost)
                let found = try await depot.simulate(losing: lost)
                let totals = try #require(found.totals)
                #expect(totals.copies == expected.copies, "\(lost), \(replay)")
                #expect(totals.bytes == expected.bytes, "\(lost), \(replay)")
                #expect(totals.lostChunks == expected.lostChunks, "\(lost), \(replay)")
                #expect(totals.remaining == 5 - lost.count && totals.fits)
                #expect(found.files.map(\.name.text) == expected.files.keys.sorted(), "\(replay)")
                for file in found.files {
                    let (lostChunks, lastCopies) = try #require(expected.files[file.name.text])
                    #expect(file.lostChunks == lostChunks, "\(file), \(lost), \(replay)")
                    #expect(file.lastCopies == lastCopies, "\(file), \(lost), \(replay)")
                }
            }
            let unknown = SimulationRequestBody(lose: ["r9"], after: nil)
            let refused = try await depot.http.call(
                .POST, "\(FileServerRoute.replicas)/simulation",
                body: [try WireJSON.encode(unknown)])
            #expect(refused.error?.code == .notFound)
            #expect(try await depot.verify().exitCode == 0)
        }
    }

    private struct Count {
        var copies = 0
        var bytes: UInt64 = 0
        var lostChunks = 0
        var files: [String: (Int, Int)] = [:]
    }

    private static func count(_ depot: TestDepot, losing lost: [Int]) async throws -> Count {
        let gone = Set(lost.map { depot.replicas[$0].id })
        var targets: [ChunkID: (level: Int, length: Int, good: Set<ReplicaID>)] = [:]
        var count = Count()
        for file in try await depot.catalog.files(prefix: "", after: nil, limit: 100).files {
            var (lostChunks, lastCopies) = (0, 0)
            for chunk in try await depot.info(file.name.text).chunks {
                let good = Set(chunk.holdings.filter { $0.state == .good }.map(\.replica))
                let level = max(targets[chunk.id]?.level ?? 0, file.level.copies)
                targets[chunk.id] = (level, chunk.length, good)
                let elsewhere = good.subtracting(gone).count
                if elsewhere == 0 { lostChunks += 1 }
                if elsewhere == 1, good.count > 1 { lastCopies += 1 }
            }
            if lostChunks + lastCopies > 0 {
                count.files[file.name.text] = (lostChunks, lastCopies)
            }
        }
        for (level, length, good) in targets.values {
            let left = good.subtracting(gone).count
            if left == 0 {
                count.lostChunks += 1
            } else if left < level {
                count.copies += level - left
                count.bytes += UInt64((level - left) * length)
            }
        }
        return count
    }
}
