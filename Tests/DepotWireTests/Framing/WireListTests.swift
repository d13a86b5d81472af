import DepotCore
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

@Suite struct WireListTests {
    @Test func `each kind of list has these bytes`() throws {
        let chunk = try ChunkReference(id: Known.id(), length: 0x0102_03)
        let replica = try Known.replica()
        #expect(WireList.encode([chunk]) == ByteBuffer(digits: Known.hash + "00010203"))
        #expect(
            WireList.encode([LackingChunk(chunk)])
                == ByteBuffer(digits: Known.hash + "00010203 00000000"))
        #expect(
            WireList.encode([ObjectID.chunk(chunk.id), .record(chunk.id)])
                == ByteBuffer(digits: "00" + Known.hash + "01" + Known.hash))
        let bad = [
            BadCopy(replica: replica, reason: .corrupt), BadCopy(replica: replica, reason: .slow),
        ]
        #expect(
            WireList.encode([ReadRequest(chunk: chunk, avoid: bad), ReadRequest(chunk: chunk)])
                == ByteBuffer(
                    digits: Known.hash + "00010203 02" + Known.uuid + "00" + Known.uuid + "03"
                        + Known.hash + "00010203 00"))
        let entry = InventoryEntry(id: .record(chunk.id), length: 5, segment: 0x0a0b)
        #expect(
            WireList.encode([entry])
                == ByteBuffer(digits: "01" + Known.hash + "00000005 00000a0b"))
    }

    /// A kind of list, for tests of all of them.
    struct Kind: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// Bytes of an entry without optional parts.
        let entrySize: Int
        let sample: @Sendable (inout SeededGenerator) throws -> ByteBuffer
        /// Reads a list and writes it again.
        let recode: @Sendable (ByteBuffer) throws -> ByteBuffer

        init<Entry: WireListEntry>(
            _ type: Entry.Type, size: Int,
            _ entry: @escaping @Sendable (inout SeededGenerator) throws -> Entry
        ) {
            testDescription = "\(type)"
            entrySize = size
            sample = { generator in
                let count = Int.random(in: 1...20, using: &generator)
                return WireList.encode(try (0..<count).map { _ in try entry(&generator) })
            }
            recode = { WireList.encode(try WireList.decode(type, from: $0)) }
        }
    }

    static let kinds = [
        Kind(ChunkReference.self, size: 36) { try chunk(&$0) },
        Kind(LackingChunk.self, size: 40) { LackingChunk(try chunk(&$0)) },
        Kind(ObjectID.self, size: 33) { ObjectID(kind: kind(&$0), hash: try chunk(&$0).id) },
        Kind(ReadRequest.self, size: 37) { generator in
            let count = Int.random(in: 0...Limits.levelMax, using: &generator)
            let avoid = try (0..<UInt8(count)).map { number in
                BadCopy(replica: try Known.replica(), reason: .init(rawValue: number % 4) ?? .slow)
            }
            return ReadRequest(chunk: try chunk(&generator), avoid: avoid)
        },
        Kind(InventoryEntry.self, size: 41) {
            InventoryEntry(
                id: ObjectID(kind: kind(&$0), hash: try chunk(&$0).id), length: 1,
                segment: 99_999_999)
        },
    ]

    private static func chunk(_ generator: inout SeededGenerator) throws -> ChunkReference {
        try ChunkReference(
            id: ChunkID(hashing: generator.buffer(8)),
            length: Int.random(in: 1...Limits.chunkSizeMax, using: &generator))
    }

    private static func kind(_ generator: inout SeededGenerator) -> ObjectID.Kind {
        Bool.random(using: &generator) ? .chunk : .record
    }

    @Test(arguments: kinds)
    func `a list that was written is read as it was`(_ kind: Kind) throws {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<20 {
            let list = try kind.sample(&generator)
            #expect(try kind.recode(list) == list)
        }
        #expect(try kind.recode(ByteBuffer()) == ByteBuffer())
    }

    @Test(arguments: kinds)
    func `a list that ends in the middle of an entry is refused`(_ kind: Kind) throws {
        var generator = SeededGenerator(seed: 2)
        let list = try kind.sample(&generator)
        for length in [1, kind.entrySize - 1, list.readableBytes - 1] {
            let cut = try #require(list.getSlice(at: 0, length: length))
            let error = #expect(throws: DepotError.self) { try kind.recode(cut) }
            #expect(error?.code == .invalidArgument)
        }
    }

    /// Nothing is read that would not have been written: there is one spelling of each list.
    @Test(arguments: kinds)
    func `noise and flipped bits are refused, or are lists of their own`(_ kind: Kind) throws {
        for seed in 0..<500 as Range<UInt64> {
            var generator = SeededGenerator(seed: seed)
            let list = try kind.sample(&generator).flipped(&generator, flips: 3)
            let noise = generator.buffer(kind.entrySize * Int.random(in: 1...3, using: &generator))
            for bytes in [list, noise] {
                do {
                    #expect(try kind.recode(bytes) == bytes, "seed \(seed)")
                } catch let error as DepotError {
                    #expect(error.code == .invalidArgument, "seed \(seed)")
                }
            }
        }
    }

    @Test func `a list has at most so many entries`() throws {
        let id = ObjectID.chunk(try Known.id())
        var list = WireList.encode(repeatElement(id, count: WireLimits.listEntriesMax))
        #expect(try WireList.decode(ObjectID.self, from: list).count == WireLimits.listEntriesMax)
        #expect(list.readableBytes < WireLimits.bodyBytesMax)
        id.write(to: &list)
        let error = #expect(throws: DepotError.self) {
            try WireList.decode(ObjectID.self, from: list)
        }
        #expect(error?.code == .tooLarge)
    }

    @Test func `an unknown upload target asks for a newer program`() throws {
        let list = ByteBuffer(digits: Known.hash + "00000001 00000007")
        let error = #expect(throws: DepotError.self) {
            try WireList.decode(LackingChunk.self, from: list)
        }
        #expect(error?.message == "this program does not know the upload target 7; use a newer one")
    }

    @Test func `no more copies to avoid are named than there can be`() throws {
        let chunk = try ChunkReference(id: Known.id(), length: 1)
        let avoid = try (0..<40).map { _ in
            BadCopy(replica: try Known.replica(), reason: .slow)
        }
        let list = WireList.encode([ReadRequest(chunk: chunk, avoid: avoid)])
        let read = try WireList.decode(ReadRequest.self, from: list)
        #expect(read == [ReadRequest(chunk: chunk, avoid: Array(avoid.prefix(Limits.levelMax)))])
        let tooMany = ByteBuffer(
            digits: Known.hash + "00000001 21"
                + String(repeating: Known.uuid + "00", count: Limits.levelMax + 1))
        #expect(throws: DepotError.self) { try WireList.decode(ReadRequest.self, from: tooMany) }
    }
}
