import DepotCore
import DepotTestSupport
import DepotWire
import NIOCore
import Testing

/// What comes in as objects: only what is whole and is what its id says gets into the storage.
@Suite(.timeLimit(.minutes(1))) struct UploadTests {
    static let objects = (1...3 as ClosedRange<UInt8>).map {
        VerifiedObject.plain($0, size: 100_000)
    }

    @Test func `what was uploaded is held`() async throws {
        let memory = MemoryReplica()
        try await TestReplica.run(memory) { replica in
            let answer = try await replica.answer(to: .put(.frames(of: Self.objects)))
            #expect(answer?.status == 204)
            #expect(answer?.header(ReplicaHeader.replica) == memory.id.description)
            #expect(memory.held == Set(Self.objects.map(\.id)))
        }
    }

    struct Fault: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let body: ByteBuffer
        let status: Int
        let code: DepotError.Code

        init(_ what: String, _ body: ByteBuffer, _ status: Int, _ code: DepotError.Code) {
            testDescription = what
            self.body = body
            self.status = status
            self.code = code
        }
    }

    static let faults: [Fault] = {
        let object = objects[0]
        var wrong = ByteBuffer.frames(of: [object])
        let last = wrong.writerIndex - 1
        wrong.setInteger((wrong.getInteger(at: last, as: UInt8.self) ?? 0) ^ 1, at: last)
        var short = ByteBuffer.frames(of: [object])
        short.moveWriterIndex(to: short.writerIndex - 1)
        var long = ByteBuffer.frames(of: [object])
        long.writeInteger(0 as UInt8)
        var noisy = ByteBuffer.frames(of: [object])
        noisy.writeRepeatingByte(7, count: 1_000)
        var absent = ByteBuffer()
        ObjectFrame(id: object.id, status: .absent, length: 0, replica: nil).write(to: &absent)
        var huge = ByteBuffer.frame(object.id, length: Limits.chunkSizeMax + 1)
        huge.writeRepeatingByte(7, count: Limits.chunkSizeMax + 1)
        return [
            Fault("other bytes than the id says", wrong, 422, .hashMismatch),
            Fault("a byte less than promised", short, 400, .invalidArgument),
            Fault("a byte more than promised", long, 400, .invalidArgument),
            Fault("noise behind it", noisy, 400, .invalidArgument),
            Fault("no bytes at all", absent, 400, .invalidArgument),
            Fault("more bytes than an object has", huge, 400, .invalidArgument),
            Fault("no frame", ByteBuffer(repeating: 0x44, count: 500), 400, .invalidArgument),
            Fault("a piece of a header", ByteBuffer(string: "D1OF"), 400, .invalidArgument),
        ]
    }()

    @Test(arguments: faults)
    func `a bad object is refused, is not held, and costs no memory`(
        _ fault: Fault
    ) async throws {
        let memory = MemoryReplica()
        try await TestReplica.run(memory) {
            // What leaks is missing soon.
            $0.memory = Limits.chunkSizeMax
            $0.memoryPatience = .milliseconds(500)
        } _: { replica in
            for _ in 0..<3 {
                let answer = try #require(try await replica.answer(to: .put(fault.body)))
                #expect(answer.status == fault.status)
                #expect(answer.error?.code == fault.code)
                #expect(answer.header(ReplicaHeader.replica) == memory.id.description)
            }
            // An object before the fault may have been taken.
            for id in memory.held {
                let bytes = try #require(memory.bytes(of: id))
                #expect(ChunkID(hashing: bytes) == id.hash)
            }
            let large = VerifiedObject.large
            let answer = try await replica.answer(to: .put(.frames(of: [large])))
            #expect(answer?.status == 204)
            #expect(memory.held.contains(large.id))
        }
    }

    @Test func `a batch has no more objects than agreed`() async throws {
        let memory = MemoryReplica()
        try await TestReplica.run(memory) { replica in
            let object = SampleObjects.chunk(1, size: 1)
            let frames = ByteBuffer.frames(
                of: Array(repeating: object, count: WireLimits.batchObjectsMax))
            #expect(try await replica.answer(to: .put(frames)).map(\.status) == 204)
            var more = frames
            more.writeImmutableBuffer(.frames(of: [object]))
            let answer = try await replica.answer(to: .put(more))
            #expect(answer?.status == 413)
            #expect(answer?.error?.code == .tooLarge)
        }
    }

    @Test func `what goes on behind a body is not part of it`() async throws {
        let memory = MemoryReplica()
        try await TestReplica.run(memory) { replica in
            var request = PlainRequest.put(.frames(of: [Self.objects[0]]))
            request.declared = request.body.readableBytes
            request.body.writeString("these are no part of it\r\n\r\n")
            try await RawConnection.open(port: replica.port) { connection in
                try await connection.send(request.bytes)
                #expect(try await connection.message().map(\.status) == 204)
                // The words begin as a request does, with a method that nobody knows.
                #expect(try await connection.message().map(\.status) == 501)
                _ = await connection.rest()
            }
            #expect(memory.held == [Self.objects[0].id])
        }
    }

    /// Where the connection ends, what was whole may stay, and nothing else does.
    @Test(arguments: [10, 64, 70, 50_000, 100_063])
    func `a client that stops in the middle leaves nothing behind`(length: Int) async throws {
        let memory = MemoryReplica()
        try await TestReplica.run(memory) {
            $0.memory = Limits.chunkSizeMax
            $0.memoryPatience = .seconds(20)
        } _: { replica in
            for _ in 0..<3 {
                var request = PlainRequest.put(.frames(of: [Self.objects[0]]))
                request.declared = request.body.readableBytes
                request.body = try #require(request.body.getSlice(at: 0, length: length))
                try await RawConnection.open(port: replica.port) { connection in
                    try await connection.send(request.bytes)
                }
            }
            // All the memory there is: it is here again as soon as the replica has seen the ends.
            let large = VerifiedObject.large
            #expect(try await replica.answer(to: .put(.frames(of: [large]))).map(\.status) == 204)
            #expect(memory.held == [large.id])
        }
    }

    @Test func `a storage that fails says so to the sender`() async throws {
        let memory = MemoryReplica()
        try await TestReplica.run(memory) {
            $0.memory = Limits.chunkSizeMax
            $0.memoryPatience = .milliseconds(500)
        } _: { replica in
            memory.setCapacity(10)
            let large = VerifiedObject.large
            for _ in 0..<3 {
                let answer = try await replica.answer(to: .put(.frames(of: [large])))
                #expect(answer?.status == 507)
                #expect(answer?.error?.code == .storageFull)
            }
            memory.setCapacity(1 << 30)
            #expect(try await replica.answer(to: .put(.frames(of: [large]))).map(\.status) == 204)
        }
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `flipped bits in an upload never get into the storage`(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        let memory = MemoryReplica()
        try await TestReplica.run(memory) { replica in
            var body = ByteBuffer.frames(of: SampleObjects.chunks(0..<4, size: 700))
            let index = Int.random(in: 0..<body.readableBytes, using: &generator)
            let byte = body.getInteger(at: index, as: UInt8.self) ?? 0
            body.setInteger(byte ^ 1 << UInt8.random(in: 0..<8, using: &generator), at: index)
            let answer = try #require(try await replica.answer(to: .put(body)))
            // The replica's name is of no meaning on the way in, and the kind is no part of the hash.
            if answer.status != 204 { #expect(answer.error != nil) }
            for id in memory.held {
                let bytes = try #require(memory.bytes(of: id))
                #expect(ChunkID(hashing: bytes) == id.hash)
            }
        }
    }
}
