import DepotCore
import DepotTestSupport
import FoundationEssentials
import NIOCore
import Testing

@testable import DepotStore

/// A deposited file may be a segment itself, made by somebody who knows the format and guesses
/// offsets. With the first header of the real segment damaged, a scan took the nonce of the first
/// header that it found, which was a forged one: objects appeared that nobody had put, and those
/// that somebody had were cut off as torn. And a chunk that ended as a sealed segment does made the
/// open segment count as sealed, with the members that the chunk listed.
@Suite struct ForgedHeaderTests {
    enum Damage: CaseIterable { case none, firstHeader, headerInFront, ending }

    static let cases = [true, false].flatMap { isCopy in
        Damage.allCases.flatMap { damage in
            [true, false].map { (isCopy, damage, $0) }
        }
    }

    private static let victim = SampleObjects.chunk(1, size: 700)
    private static let later = SampleObjects.chunk(2, size: 700)
    private static let fake = SampleObjects.chunk(666, size: 400)

    @Test(arguments: cases)
    func `a scan never takes a forged header for ours`(
        isCopy: Bool, damage: Damage, hasIndex: Bool
    ) async throws {
        try await withFolder(inMemory: true) { folder in
            let store = try await SegmentStore.open(
                at: folder + "/a", configuration: smallSegments(1 << 20), logger: quiet)
            _ = try await store.putDurably([Self.victim])
            let first = try #require(try await store.segments(after: nil, limit: 1).first)
            // Either a copy of headers of this very segment, or made for the place where the chunk
            // will lie.
            let forged =
                isCopy
                ? Self.forgedSegment(nonce: first.id.nonce, at: 0)
                : Self.forgedSegment(nonce: 0xbad, at: first.bytes + 512)
            _ = try await store.putDurably([forged])
            if damage != .ending { _ = try await store.putDurably([Self.later]) }
            try copyFolder(folder + "/a", to: folder + "/b")
            await store.close()
            try damageSegment(folder + "/b/segments/00000001.tar", damage, first.bytes)
            if !hasIndex { SegmentIndex.remove(folder + "/b/index.sqlite") }
            try await withStore(at: folder + "/b") { store in
                #expect(try await store.bytes(of: Self.fake.id) == nil)
                let known = [Self.victim, forged, Self.later]
                let held = try await store.wholeInventory(pageSize: 10).map(\.id)
                #expect(Set(held).isSubset(of: known.map(\.id)))
                if damage == .none || damage == .firstHeader {
                    #expect(try await store.bytes(of: forged.id) == forged.contiguous)
                    #expect(try await store.bytes(of: Self.later.id) == Self.later.contiguous)
                }
                if damage != .firstHeader {
                    #expect(try await store.bytes(of: Self.victim.id) == Self.victim.contiguous)
                }
                if damage == .ending {
                    #expect(try await store.bytes(of: forged.id) == forged.contiguous)
                }
            }
        }
    }

    private func damageSegment(_ path: String, _ damage: Damage, _ chunk: UInt64) throws {
        switch damage {
        case .none, .ending: break
        case .firstHeader: try flip(path, at: 40)
        case .headerInFront: try flip(path, at: Int(chunk) + 40)
        }
    }

    /// A whole sealed segment as a chunk's bytes, its headers made for the place where they will
    /// lie.
    private static func forgedSegment(nonce: UInt64, at base: UInt64) -> VerifiedObject {
        guard case .chunk(let id) = (try? MemberPath(fake)) else { return fake }
        var bytes: [UInt8] = []
        func add(_ path: MemberPath, _ content: [UInt8]) {
            let header = MemberHeader(
                path: path, length: content.count, nonce: nonce, durable: 1 << 40,
                offset: base + UInt64(bytes.count))
            bytes += header.encoded() + content
            bytes += [UInt8](
                repeating: 0, count: MemberHeader.padded(content.count) - content.count)
        }
        let member = SegmentMember(path: .chunk(id), offset: base, length: fake.length)
        add(.chunk(id), Array(fake.contiguous.readableBytesView))
        add(.sums, Array(SegmentEnding.sums([member]).utf8))
        add(.index, Array(SegmentEnding.index([member], at: base + UInt64(bytes.count)).utf8))
        bytes += [UInt8](repeating: 0, count: 1_024)
        return VerifiedObject(hashing: ByteBuffer(bytes: bytes))
    }
}
