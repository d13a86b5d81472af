import DepotCore
import NIOCore
import Testing

extension StorageConformance {
    static let objects: [StorageBehaviour] = [
        StorageBehaviour("an object that was put is read as it was put") { subject in
            let sizes = [1, 511, 512, 513, 4_096, 100_000]
            let objects = sizes.enumerated().map { index, size in
                SampleObjects.chunk(UInt64(index), size: size)
            }
            try await subject.storage.put(objects)
            let read = try await subject.storage.read(objects.map(\.id))
            #expect(read.map { $0?.length } == sizes)
            let bytes = try read.map { try $0?.collect() }
            #expect(bytes == objects.map(\.contiguous))
            #expect(read.map { $0?.id } == objects.map(\.id))
        },
        StorageBehaviour("an object of several parts is one object") { subject in
            let whole = SampleObjects.chunk(1, size: 5_000)
            var rest = whole.contiguous
            var verifier = try ObjectVerifier(expecting: whole.id, length: 5_000)
            for size in [1, 0, 4_000, 999] {
                let part = rest.readSlice(length: size)
                verifier.append(try #require(part))
            }
            try await subject.storage.put([try verifier.finish()])
            #expect(try await subject.storage.bytes(of: whole.id) == whole.contiguous)
        },
        StorageBehaviour("what is not held is nil, in its place") { subject in
            let objects = SampleObjects.chunks(0..<3)
            try await subject.storage.put([objects[0], objects[2]])
            let read = try await subject.storage.read(objects.map(\.id))
            #expect(read.map { $0?.id } == [objects[0].id, nil, objects[2].id])
        },
        StorageBehaviour("a chunk and a record are told apart by their kind") { subject in
            let record = try SampleObjects.record("a/b", counter: 7)
            try await subject.storage.put([record])
            #expect(try await subject.storage.bytes(of: record.id) == record.contiguous)
            #expect(try await subject.storage.bytes(of: .chunk(record.id.hash)) == nil)
        },
        StorageBehaviour("a record that is none is refused, and nothing is written") { subject in
            let fake = VerifiedObject(hashing: ByteBuffer(string: "{}"), kind: .record)
            let chunk = SampleObjects.chunk(1)
            await expectError(.invalidArgument) { try await subject.storage.put([fake, chunk]) }
            let held = try await subject.storage.bytes(of: fake.id)
            #expect(held == nil)
        },
        StorageBehaviour("an object that was put twice is one object") { subject in
            let object = SampleObjects.chunk(1)
            try await subject.storage.put([object, object])
            let once = try await subject.storage.standing()
            try await subject.storage.put([object])
            let twice = try await subject.storage.standing()
            #expect(once.chunks == 1 && twice.chunks == 1)
            #expect(once.usedBytes == twice.usedBytes)
            #expect(try await subject.storage.bytes(of: object.id) == object.contiguous)
        },
        StorageBehaviour("nothing asked is nothing answered") { subject in
            try await subject.storage.put([])
            #expect(try await subject.storage.vouch(for: []).isEmpty)
            #expect(try await subject.storage.read([]).isEmpty)
            #expect(try await subject.storage.check([]).isEmpty)
        },
    ]
}
