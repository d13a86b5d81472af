import DepotCore
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(1))) struct ObjectFrameParserTests {
    /// An object as it came out of the parser.
    struct Parsed: Equatable {
        let frame: ObjectFrame
        var bytes = ByteBuffer()
        var isWhole = false
    }

    static let objects = [1, 2, 63, 64, 65, 1_000, 4_096].map {
        SampleObjects.chunk(UInt64($0), size: $0)
    }

    static func batch(_ objects: [VerifiedObject] = objects) -> ByteBuffer {
        var buffer = ByteBuffer()
        for object in objects {
            ObjectFrame(id: object.id, status: .present, length: object.length, replica: nil)
                .write(to: &buffer)
            buffer.writeImmutableBuffer(object.contiguous)
        }
        // What is absent has no bytes, and may be the last.
        ObjectFrame(id: objects[0].id, status: .absent, length: 0, replica: nil).write(to: &buffer)
        return buffer
    }

    static func parse(_ slices: [ByteBuffer]) throws -> [Parsed] {
        var parser = ObjectFrameParser()
        var parsed: [Parsed] = []
        for slice in slices {
            parser.append(slice)
            while let event = try parser.next() {
                switch event {
                case .begin(let frame): parsed.append(Parsed(frame: frame))
                case .content(let bytes):
                    #expect(bytes.readableBytes > 0)
                    parsed[parsed.count - 1].bytes.writeImmutableBuffer(bytes)
                case .end: parsed[parsed.count - 1].isWhole = true
                }
            }
        }
        try parser.finish()
        return parsed
    }

    @Test func `a batch is its objects, in order`() throws {
        let parsed = try Self.parse([Self.batch()])
        #expect(parsed.dropLast().map(\.frame.id) == Self.objects.map(\.id))
        #expect(parsed.dropLast().map(\.bytes) == Self.objects.map(\.contiguous))
        #expect(parsed.allSatisfy { $0.isWhole && $0.bytes.readableBytes == $0.frame.length })
        #expect(parsed.last?.frame.status == .absent)
    }

    @Test func `bytes that come one by one make the same objects`() throws {
        let batch = Self.batch()
        let bytes = batch.readableBytesView.map { ByteBuffer(bytes: [$0]) }
        #expect(try Self.parse(bytes) == Self.parse([batch]))
        let withGaps = bytes.flatMap { [ByteBuffer(), $0] }
        #expect(try Self.parse(withGaps) == Self.parse([batch]))
    }

    @Test(arguments: 0..<100 as Range<UInt64>)
    func `slices of any size make the same objects`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let batch = Self.batch()
        let slices = batch.slices(&generator, longest: seed.isMultiple(of: 2) ? 70 : 3_000)
        #expect(try Self.parse(slices) == Self.parse([batch]))
    }

    @Test func `a batch that ends in the middle is refused wherever that is`() throws {
        let batch = Self.batch([SampleObjects.chunk(1, size: 20)])
        let ends = [0, 84, 148]
        for length in 0...batch.readableBytes {
            let slice = try #require(batch.getSlice(at: 0, length: length))
            if ends.contains(length) {
                _ = try Self.parse([slice])
            } else {
                let error = #expect(throws: DepotError.self, "\(length) bytes") {
                    try Self.parse([slice])
                }
                #expect(error?.code == .invalidArgument)
                #expect(
                    error?.message == "the batch ended in the middle of an object; send it again")
            }
        }
    }

    @Test func `more objects than a batch may have are refused`() throws {
        let frame = ObjectFrame(
            id: Self.objects[0].id, status: .absent, length: 0, replica: nil)
        var buffer = ByteBuffer()
        for _ in 0..<WireLimits.batchObjectsMax { frame.write(to: &buffer) }
        #expect(try Self.parse([buffer]).count == WireLimits.batchObjectsMax)
        frame.write(to: &buffer)
        let error = #expect(throws: DepotError.self) { try Self.parse([buffer]) }
        #expect(error?.code == .tooLarge)
    }

    /// Who takes objects in does it like this: the length is declared, the bytes are hashed.
    private func verify(_ slices: [ByteBuffer]) throws -> [VerifiedObject] {
        var parser = ObjectFrameParser()
        var verifier: ObjectVerifier?
        var verified: [VerifiedObject] = []
        for slice in slices {
            parser.append(slice)
            while let event = try parser.next() {
                switch event {
                case .begin(let frame):
                    guard frame.status == .present else { break }
                    verifier = try ObjectVerifier(expecting: frame.id, length: frame.length)
                case .content(let bytes): verifier?.append(bytes)
                case .end: if let whole = verifier.take() { verified.append(try whole.finish()) }
                }
            }
        }
        return verified
    }

    @Test(arguments: 0..<300 as Range<UInt64>)
    func `flipped bits never make an object that is not what its id says`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let flips = Int.random(in: 1...4, using: &generator)
        let batch = Self.batch().flipped(&generator, flips: flips)
        do {
            for object in try verify(batch.slices(&generator, longest: 500)) {
                #expect(ChunkID(hashing: object.contiguous) == object.id.hash)
            }
        } catch is DepotError {
            // The usual end.
        }
    }

    @Test(arguments: 0..<200 as Range<UInt64>)
    func `random bytes are no batch`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let noise = generator.buffer(Int.random(in: 1...2_000, using: &generator))
        #expect(throws: DepotError.self) {
            try Self.parse(noise.slices(&generator, longest: 100))
        }
        // Noise behind a beginning that is right.
        var batch = ByteBuffer(integer: ObjectFrame.magic)
        batch.writeImmutableBuffer(noise)
        do { _ = try verify([batch]) } catch is DepotError {}
    }
}
