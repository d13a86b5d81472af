import DepotCore
import DepotStore
import DepotTestSupport
import FoundationEssentials
import Testing

/// A segment of a stopped store is damaged in every part of it. The offline check sees it; the
/// store opens, never takes a damaged copy for a good one, keeps all others, and is clean once the
/// copies were put again and the segment compacted.
@Suite struct StructuralDamageTests {
    struct Damage: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let apply: @Sendable (inout [UInt8]) -> Void

        static func flip(_ what: String, _ place: @escaping @Sendable ([UInt8]) -> Int) -> Damage {
            Damage(testDescription: "a flipped bit in \(what)") { $0[place($0)] ^= 1 }
        }
    }

    /// The fields of a member's header, each by its first byte.
    private static let fields: [(String, Int)] = [
        ("name", 0), ("mode", 100), ("uid", 108), ("gid", 116), ("size", 124), ("mtime", 136),
        ("chksum", 148), ("typeflag", 156), ("linkname", 157), ("magic", 257), ("version", 263),
        ("uname, the nonce", 265), ("uname, the CRC", 281), ("gname, what was durable", 297),
        ("gname, the place", 310), ("devmajor", 329), ("devminor", 337), ("prefix", 345),
        ("the unused end", 511),
    ]

    /// Members take 512 + 1,536 bytes each; three to a segment.
    private static let member = 2_048
    private static let ending = 3 * member

    private static func placeOfIndex(_ bytes: [UInt8]) -> Int {
        let tail = String(decoding: bytes.suffix(2_048), as: UTF8.self)
        let words = tail.split(separator: "\n").last { $0.hasPrefix("end ") }?.split(separator: " ")
        return words.flatMap { Int($0[1]) } ?? 0
    }

    static let damages: [Damage] =
        fields.flatMap { name, offset in
            [0, 1].map { number in
                Damage.flip("\(name) of header \(number)") { _ in number * member + offset }
            }
        } + [
            .flip("a chunk") { _ in member + 700 },
            .flip("the header of SHA256SUMS") { _ in ending + 3 },
            .flip("SHA256SUMS") { _ in ending + 530 },
            .flip("the header of INDEX") { placeOfIndex($0) + 3 },
            .flip("INDEX") { placeOfIndex($0) + 530 },
            .flip("the last block") { $0.count - 5 },
            Damage(testDescription: "a cut end") { $0.removeLast(600) },
            Damage(testDescription: "a cut ending") { $0.removeLast($0.count - ending) },
            Damage(testDescription: "a cut member") { $0.removeLast($0.count - ending + 900) },
            Damage(testDescription: "bytes behind the end") { $0 += [1, 2, 3] },
            Damage(testDescription: "a page of zeros at the beginning") {
                $0.replaceSubrange(0..<4_096, with: [UInt8](repeating: 0, count: 4_096))
            },
            Damage(testDescription: "a page of zeros further on") {
                $0.replaceSubrange(4_096..<8_192, with: [UInt8](repeating: 0, count: 4_096))
            },
            Damage(testDescription: "two members in each other's place") {
                let first = $0[0..<member]
                let second = $0[member..<2 * member]
                $0.replaceSubrange(0..<2 * member, with: second + first)
            },
            Damage(testDescription: "nothing at all in it") { $0 = [] },
        ]

    private static let objects = SampleObjects.chunks(0..<9, size: 1_500)

    private static var configuration: SegmentStoreConfiguration {
        var configuration = smallSegments(1 << 20)
        configuration.segmentMembersMax = 3
        return configuration
    }

    @Test(arguments: damages, [true, false])
    func `a damaged segment is found, harms no other copy, and is mended by puts and a compaction`(
        _ damage: Damage, hasIndex: Bool
    ) async throws {
        try await withFolder(inMemory: true) { folder in
            try await withStore(at: folder, Self.configuration) { store in
                for object in Self.objects { _ = try await store.putDurably([object]) }
            }
            try change(folder + "/segments/00000002.tar", damage.apply)
            if !hasIndex {
                for suffix in ["", "-wal", "-shm"] {
                    try? FileManager.default.removeItem(atPath: folder + "/index.sqlite" + suffix)
                }
            }
            let report = try StoreCheck(folder: folder, logger: quiet).run()
            #expect(!report.isClean || report.unsealedSegments > 0)
            try await withStore(at: folder, Self.configuration) { store in
                _ = try await scrubAll(store)
                for object in Self.objects {
                    let isThere = try await store.vouch(for: [object.id]) == [.durable]
                    if isThere {
                        #expect(try await store.bytes(of: object.id) == object.contiguous)
                    }
                    if !(3..<6).contains(index(object)) { #expect(isThere) }
                }
                // Damage never moves: what is compacted is what hashes.
                for segment in try await store.segments(after: nil, limit: 100)
                where segment.isSealed {
                    _ = try await store.compact(segment.id)
                }
                #expect(
                    try await store.putDurably(Self.objects) == Self.objects.map { _ in .durable })
                for segment in try await store.segments(after: nil, limit: 100)
                where segment.isSealed {
                    #expect(try await store.compact(segment.id).pinnedBy.isEmpty)
                }
                #expect(try await scrubAll(store).isEmpty)
                for object in Self.objects {
                    #expect(try await store.bytes(of: object.id) == object.contiguous)
                }
                let chunks = try await store.standing().chunks
                #expect(chunks == Self.objects.count)
            }
        }
    }

    private func index(_ object: VerifiedObject) -> Int {
        Self.objects.firstIndex { $0.id == object.id } ?? -1
    }

    /// What is wrong, in words.
    private func scrubAll(_ store: SegmentStore) async throws -> [String] {
        var found: [String] = []
        for segment in try await store.segments(after: nil, limit: 100) {
            let step = try await store.scrub(segment.id, from: 0, budget: .max)
            found += step.problems.map(\.what)
            found += step.verdicts.filter { $0.verdict == .bad }.map { "\($0.id)" }
        }
        return found
    }

    @Test func `a newer copy that healed a bad one stays the live one when the ending goes`()
        async throws
    {
        // A segment whose ending was damaged was sealed again and taken into the index last, before
        // segments that came after it: its copies, bad ones too, counted as the newest, and
        // compaction dropped the good ones.
        try await withFolder(inMemory: true) { folder in
            try await withStore(at: folder, Self.configuration) { store in
                _ = try await store.putDurably(Array(Self.objects.prefix(3)))
                try await flipBit(of: Self.objects[1].id, in: store)
                #expect(try await store.check([Self.objects[1].id]) == [.bad])
                _ = try await store.putDurably(Array(Self.objects.prefix(6)))
            }
            try change(folder + "/segments/00000001.tar") { $0.removeLast(700) }
            try await withStore(at: folder, Self.configuration) { store in
                let ids = Self.objects.prefix(6).map(\.id)
                #expect(try await store.vouch(for: ids).allSatisfy { $0 == .durable })
                for segment in try await store.segments(after: nil, limit: 100)
                where segment.isSealed {
                    _ = try await store.compact(segment.id)
                }
                for object in Self.objects.prefix(6) {
                    #expect(try await store.bytes(of: object.id) == object.contiguous)
                }
            }
        }
    }

    /// It was sealed without a member, and nobody found that ending again: each start recovered it
    /// once more, and made the index anew.
    @Test func `a segment of which no header is left is recovered once`() async throws {
        try await withFolder(inMemory: true) { folder in
            try await withStore(at: folder, Self.configuration) { store in
                for object in Self.objects.prefix(3) { _ = try await store.putDurably([object]) }
            }
            let path = folder + "/segments/00000001.tar"
            try change(path) { bytes in
                for header in 0..<2 { bytes[header * Self.member] ^= 1 }
                // The last header tells that what is in front of it was durable.
                bytes.removeLast(bytes.count - Self.ending + 900)
            }
            for _ in 0..<2 {
                let chunks = try await withStore(at: folder, Self.configuration) { store in
                    try await store.standing().chunks
                }
                #expect(chunks == 0)
                let report = try StoreCheck(folder: folder, logger: quiet).run()
                #expect(report.segments == 1 && report.unsealedSegments == 0)
            }
        }
    }

    static let identityDamages = [
        Damage(testDescription: "cut off") { $0.removeLast(20) },
        Damage(testDescription: "empty") { $0 = [] },
        Damage(testDescription: "zeroed") { $0 = $0.map { _ in 0 } },
        Damage.flip("its first name") { ($0.firstIndex(of: UInt8(ascii: "\"")) ?? 0) + 2 },
    ]

    @Test(arguments: identityDamages)
    func `a damaged identity is refused with what to do, and nothing is touched`(
        _ damage: Damage
    ) async throws {
        try await withFolder(inMemory: true) { folder in
            try await withStore(at: folder) { _ = try await $0.putDurably(Self.objects) }
            try change(folder + "/depot-replica.json", damage.apply)
            let before = try contents(of: folder + "/segments")
            let error = await expectError(.formatUnsupported) {
                try await withStore(at: folder) { _ in }
            }
            #expect(error?.message.contains("the replica's identity is damaged") == true)
            #expect(try contents(of: folder + "/segments") == before)
        }
    }
}
