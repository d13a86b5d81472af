import FoundationEssentials
import Testing

@testable import DepotCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension ReplicaID {
    /// `0000000n-0000-4000-8000-00000000000n`.
    static func numbered(_ number: Int) -> ReplicaID {
        let hex = String(number, radix: 16)
        let short = String(repeating: "0", count: 8 - hex.count) + hex
        guard let id = ReplicaID("\(short)-0000-4000-8000-0000\(short)") else {
            preconditionFailure("a UUID")
        }
        return id
    }

    var number: Int { Int(description.prefix(8), radix: 16) ?? -1 }
}

@Suite struct PlacementTests {
    private static let chunkCount = 6_000
    private static let chunks: [ChunkID] = {
        var random = SeededGenerator(seed: 9)
        return (0..<chunkCount).map { _ in random.chunkID() }
    }()

    private func candidates(_ count: Int, zones: Int = .max) -> [PlacementCandidate] {
        (1...count).map {
            PlacementCandidate(
                replica: .numbered($0), zone: "zone\(zones == .max ? $0 : $0 % zones)", weight: 1)
        }
    }

    // Orders and hashes by a program of another language, with its own logarithm. They must never change:
    // where copies are looked for first depends on them.
    @Test(
        arguments: [
            ("a", [4, 3, 2, 1, 5], 0x866b_cb71_78bf_310c),
            ("b", [4, 3, 2, 1, 5], 0x02c9_a0c8_7f71_c2ad),
            ("c", [3, 4, 5, 2, 1], 0x1026_b7ea_a3f6_2941),
            ("depot", [2, 4, 3, 1, 5], 0x1738_5b91_01a6_242e),
            ("", [4, 3, 2, 1, 5], 0x8a81_c18e_3989_322a),
            ("chunk 1", [1, 3, 4, 5, 2], 0xbbe8_ea97_0c84_d3ce),
            ("chunk 2", [3, 4, 1, 5, 2], 0x99c7_7992_5cbd_5e4b),
            ("chunk 3", [4, 2, 1, 3, 5], 0xcc6c_0799_4edd_33b5),
        ] as [(String, [Int], UInt64)])
    func `orders are known`(text: String, order: [Int], hash: UInt64) {
        let candidates = zip(1..., [1.0, 1, 2, 4, 0.5]).map {
            PlacementCandidate(replica: .numbered($0), zone: "", weight: $1)
        }
        let id = ChunkID(hashing: text)
        #expect(RendezvousScore.hash(.numbered(1), id) == hash)
        #expect(Placement(candidates).order(for: id).map(\.number) == order)
        #expect(Placement(candidates.reversed()).order(for: id).map(\.number) == order)
    }

    @Test func `the logarithm is one`() {
        var random = SeededGenerator(seed: 10)
        let extremes = [
            RendezvousScore.uniform(0), RendezvousScore.uniform(.max), 0.5, 0.7071, 0.7072,
        ]
        for x in extremes + (0..<10_000).map({ _ in RendezvousScore.uniform(random.next()) }) {
            #expect(x > 0 && x < 1)
            let exact = log(x)
            #expect(abs(RendezvousScore.naturalLogarithm(x) - exact) <= 4 * exact.ulp, "\(x)")
        }
    }

    @Test func `a share is in proportion to the weight`() {
        let weights = [1.0, 2, 3, 4]
        let placement = Placement(
            zip(1..., weights).map {
                PlacementCandidate(replica: .numbered($0), zone: "", weight: $1)
            })
        var firsts = [0, 0, 0, 0]
        for chunk in Self.chunks {
            if let first = placement.order(for: chunk).first { firsts[first.number - 1] += 1 }
        }
        for (count, weight) in zip(firsts, weights) {
            let expected = Double(Self.chunkCount) * weight / 10
            #expect(abs(Double(count) - expected) < 0.1 * expected, "\(firsts), seed 9")
        }
    }

    @Test func `copies are even over equal replicas`() {
        let placement = Placement(candidates(5))
        var copies = [Int](repeating: 0, count: 5)
        for chunk in Self.chunks {
            for replica in placement.choose(3, for: chunk) { copies[replica.number - 1] += 1 }
        }
        let expected = Double(Self.chunkCount * 3) / 5
        #expect(copies.allSatisfy { abs(Double($0) - expected) < 0.04 * expected }, "\(copies)")
    }

    @Test func `a replica that joins only takes, one that leaves only gives`() {
        let before = Placement(candidates(5))
        let after = Placement(candidates(6))
        var moved = 0
        for chunk in Self.chunks {
            #expect(
                after.order(for: chunk).filter { $0 != .numbered(6) } == before.order(for: chunk))
            let old = before.choose(3, for: chunk)
            let new = after.choose(3, for: chunk)
            if new.contains(.numbered(6)) {
                moved += 1
                #expect(Set(old).subtracting(new).count == 1)
            } else {
                #expect(new == old)
            }
        }
        let expected = Double(Self.chunkCount) * 3 / 6
        #expect(abs(Double(moved) - expected) < 0.05 * expected)
    }

    @Test func `every zone is used before one is used twice`() {
        let placement = Placement(candidates(7, zones: 3))
        for chunk in Self.chunks.prefix(500) {
            for count in 1...7 {
                let chosen = placement.choose(count, for: chunk)
                #expect(chosen.count == count && Set(chosen).count == count)
                #expect(chosen.first == placement.order(for: chunk).first)
                let uses = Dictionary(
                    chosen.compactMap(placement.zone(of:)).map { ($0, 1) }, uniquingKeysWith: +)
                #expect(uses.count == min(count, 3))
                if count <= 6 { #expect(uses.values.allSatisfy { $0 <= (count + 2) / 3 }) }
            }
        }
    }

    @Test func `kept copies count, for zones as well`() {
        let placement = Placement(candidates(6, zones: 3))
        for chunk in Self.chunks.prefix(500) {
            let kept: [ReplicaID] = [.numbered(1), .numbered(4)]
            let chosen = placement.choose(2, for: chunk, keeping: kept)
            #expect(Set(chosen.compactMap(placement.zone(of:))) == ["zone0", "zone2"])
            #expect(placement.choose(9, for: chunk, keeping: kept).count == 4)
            let unknown = [ReplicaID.numbered(99)]
            #expect(
                placement.choose(3, for: chunk, keeping: unknown) == placement.choose(3, for: chunk)
            )
        }
    }

    @Test func `who takes no copies is ranked, but not chosen`() {
        var candidates = candidates(3)
        candidates[0] = PlacementCandidate(
            replica: .numbered(1), zone: "zone1", weight: 1_000, takesCopies: false)
        let placement = Placement(candidates)
        for chunk in Self.chunks.prefix(100) {
            #expect(placement.order(for: chunk).count == 3)
            #expect(Set(placement.choose(3, for: chunk)) == [.numbered(2), .numbered(3)])
        }
    }

    @Test func `avoided ones are the last resort`() {
        let placement = Placement(candidates(4))
        for chunk in Self.chunks.prefix(100) {
            let avoided: [ReplicaID] = [.numbered(2)]
            #expect(!placement.choose(3, for: chunk, avoiding: avoided).contains(.numbered(2)))
            #expect(placement.choose(4, for: chunk, avoiding: avoided).last == .numbered(2))
        }
    }

    @Test(arguments: [0, -1, .nan, .infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude])
    func `odd weights break nothing`(weight: Double) {
        let placement = Placement([
            PlacementCandidate(replica: .numbered(1), zone: "", weight: weight),
            PlacementCandidate(replica: .numbered(2), zone: "", weight: 1),
            PlacementCandidate(replica: .numbered(3), zone: "", weight: weight),
        ])
        for chunk in Self.chunks.prefix(100) {
            let order = placement.order(for: chunk)
            #expect(Set(order).count == 3)
            if weight > 1 { #expect(order.last == .numbered(2)) }
            if !(weight > 1e-300) { #expect(order.first == .numbered(2)) }
        }
    }

    @Test func `no replicas, no copies`() {
        #expect(Placement([]).choose(3, for: Self.chunks[0]).isEmpty)
        #expect(Placement(candidates(2)).choose(0, for: Self.chunks[0]).isEmpty)
    }
}
