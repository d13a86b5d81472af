import DepotCore
import NIOCore
import Testing

extension StorageConformance {
    static let durability: [StorageBehaviour] = [
        StorageBehaviour("a vouch says of each, in order, whether it is there") { subject in
            let objects = SampleObjects.chunks(0..<3)
            try await subject.storage.put([objects[0], objects[2]])
            let vouches = try await subject.storage.vouch(for: objects.map(\.id))
            #expect(vouches == [.durable, .absent, .durable])
        },
        StorageBehaviour("a vouch covers what others put before it") { subject in
            let objects = SampleObjects.chunks(0..<40)
            let storage = subject.storage
            let vouches = try await withThrowingTaskGroup(of: [Vouch].self) { group in
                for object in objects {
                    group.addTask { try await storage.putDurably([object]) }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(vouches == objects.map { _ in .durable })
        },
        StorageBehaviour("what was vouched for outlives a power cut", needs: .restart) { subject in
            let objects =
                SampleObjects.chunks(0..<5)
                + [try SampleObjects.record("a", counter: 9)]
            #expect(
                try await subject.storage.putDurably(objects) == objects.map { _ in .durable })
            let later = SampleObjects.chunk(99)
            try await subject.storage.put([later])
            let storage = try await subject.restarted()
            for object in objects {
                #expect(try await storage.bytes(of: object.id) == object.contiguous)
            }
            #expect(
                try await storage.vouch(for: objects.map(\.id)) == objects.map { _ in .durable })
            // What was not vouched for may be there or not; then it must be whole.
            if let bytes = try await storage.bytes(of: later.id) {
                #expect(bytes == later.contiguous)
            }
        },
        StorageBehaviour("the log position never goes back", needs: .restart) { subject in
            var position = try await subject.storage.standing().position
            func expectNotBack(_ next: LogPosition) {
                #expect(next.continues(position), "\(position) → \(next)")
                position = next
            }
            for seed in 0..<4 as Range<UInt64> {
                _ = try await subject.storage.putDurably([SampleObjects.chunk(seed)])
                expectNotBack(try await subject.storage.standing().position)
            }
            let opens = position.opens
            let storage = try await subject.restarted()
            expectNotBack(try await storage.standing().position)
            #expect(position.opens > opens)
        },
        StorageBehaviour("the highest sequence of its records is known", needs: .restart) {
            subject in
            #expect(try await subject.storage.standing().highestSequence == nil)
            let records = [
                try SampleObjects.record("a", counter: 5),
                try SampleObjects.record("b", counter: 3),
            ]
            _ = try await subject.storage.putDurably(records)
            let highest = CommitSequence(epoch: 1, counter: 5)
            #expect(try await subject.storage.standing().highestSequence == highest)
            let storage = try await subject.restarted()
            #expect(try await storage.standing().highestSequence == highest)
        },
    ]

    static let checks: [StorageBehaviour] = [
        StorageBehaviour("a check tells good from absent") { subject in
            let objects = SampleObjects.chunks(0..<3) + [try SampleObjects.record("a", counter: 1)]
            try await subject.storage.put([objects[0], objects[2], objects[3]])
            let verdicts = try await subject.storage.check(objects.map(\.id))
            #expect(verdicts == [.good, .absent, .good, .good])
        },
        StorageBehaviour(
            "a damaged copy is bad, is not vouched for, and heals by a put", needs: .damage
        ) { subject in
            let objects = SampleObjects.chunks(0..<2, size: 50_000)
            let (storage, ids) = (subject.storage, objects.map(\.id))
            #expect(try await storage.putDurably(objects) == [.durable, .durable])
            try await subject.damageCopy(of: ids[0])
            #expect(try await storage.check(ids) == [.bad, .good])
            #expect(try await storage.vouch(for: ids) == [.absent, .durable])
            #expect(try await storage.bytes(of: ids[0]) != objects[0].contiguous)
            try await storage.put(objects)
            #expect(try await storage.vouch(for: ids) == [.durable, .durable])
            #expect(try await storage.check(ids) == [.good, .good])
            #expect(try await storage.bytes(of: ids[0]) == objects[0].contiguous)
            #expect(try await storage.standing().chunks == 2)
        },
    ]
}
