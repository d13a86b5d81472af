import DepotCore
import NIOCore
import Testing

extension StorageConformance {
    static let compactions: [StorageBehaviour] = [
        StorageBehaviour(
            "a compaction keeps what is live, durably, and drops what was deleted",
            needs: .restart
        ) { subject in
            let objects = try mixed()
            _ = try await subject.storage.putDurably(objects)
            var storage = try await subject.restarted()
            let later = SampleObjects.chunks(100..<104)
            _ = try await storage.putDurably(later)
            let gone = [2, 5, 8, 13].map { objects[$0].id }
            let token = try await storage.condemn(gone)
            #expect(try await storage.delete(gone, token: token) == gone)
            let position = try await storage.standing().position
            let old = try await storage.allSegments().filter(\.isSealed)
            for segment in old {
                let report = try await storage.compact(segment.id)
                #expect(report.movedCopies == segment.liveCopies && report.pinnedBy.isEmpty)
                #expect(report.movedBytes == segment.liveBytes)
                #expect(report.freedBytes == segment.bytes)
                await expectError(.notFound) {
                    _ = try await storage.scrub(segment.id, from: 0, budget: 1_000)
                }
                await expectError(.notFound) { _ = try await storage.compact(segment.id) }
            }
            let left = objects.filter { !gone.contains($0.id) } + later
            for round in 1...2 {
                try await storage.expectWhole(left)
                #expect(try await storage.read(gone).allSatisfy { $0 == nil })
                #expect(try await storage.vouch(for: gone) == gone.map { _ in .absent })
                let now = try await storage.standing().position
                #expect(now.continues(position))
                if round == 1 { storage = try await subject.restarted() }
            }
        },
        // On a small disk the open segment may be all there is: what was deleted in it kept the disk full.
        StorageBehaviour("the segment that is written to is closed and compacted", needs: .restart)
        {
            subject in
            let objects = try mixed()
            var storage = subject.storage
            _ = try await storage.putDurably(objects)
            let open = try #require(try await storage.allSegments().last)
            let dead = Array(objects.dropFirst(2))
            let token = try await storage.condemn(dead.map(\.id))
            _ = try await storage.delete(dead.map(\.id), token: token)
            let report = try await storage.compact(open.id)
            #expect(report.freedBytes > 0 && report.pinnedBy.isEmpty)
            #expect(try await !storage.allSegments().map(\.id).contains(open.id))
            for round in 0...1 {
                try await storage.expectWhole(Array(objects.prefix(2)))
                let vouches = try await storage.vouch(for: dead.map(\.id))
                #expect(vouches.allSatisfy { $0 == .absent })
                if round == 0 { storage = try await subject.restarted() }
            }
            _ = try await storage.putDurably(dead)
            try await storage.expectWhole(objects)
        },
        StorageBehaviour(
            "a bad copy keeps its segment until it is put again, and nothing else in it",
            needs: [.damage, .restart]
        ) { subject in
            let objects = try mixed()
            _ = try await subject.storage.putDurably(objects)
            let storage = try await subject.restarted()
            let bad = objects[7].id
            try await subject.damageCopy(of: bad)
            var pinned: [ObjectID] = []
            for segment in try await storage.allSegments() where segment.isSealed {
                let report = try await storage.compact(segment.id)
                pinned += report.pinnedBy
                #expect(report.pinnedBy.isEmpty == (report.freedBytes > 0))
            }
            #expect(pinned == [bad])
            #expect(try await storage.vouch(for: [bad]) == [.absent])
            #expect(try await storage.check([bad]) == [.bad])
            let rest = objects.filter { $0.id != bad }
            #expect(try await storage.vouch(for: rest.map(\.id)) == rest.map { _ in .durable })
            try await storage.expectSegmentsAddUp()
            _ = try await storage.putDurably(objects)
            for segment in try await storage.allSegments() where segment.isSealed {
                let report = try await storage.compact(segment.id)
                #expect(report.pinnedBy.isEmpty && report.freedBytes > 0)
            }
            try await storage.expectWhole(objects)
        },
        StorageBehaviour("a compaction neither ends a deletion nor voids it", needs: .restart) {
            subject in
            let objects = try mixed()
            _ = try await subject.storage.putDurably(objects)
            let storage = try await subject.restarted()
            let ids = objects.prefix(2).map(\.id)
            let token = try await storage.condemn(ids)
            for segment in try await storage.allSegments() where segment.isSealed {
                _ = try await storage.compact(segment.id)
            }
            try await storage.put([objects[1]])
            #expect(try await storage.delete(ids, token: token) == [ids[0]])
            _ = try await storage.vouch(for: ids)
            try await storage.expectWhole(Array(objects.dropFirst()))
        },
        StorageBehaviour("two compactions of one segment at once lose nothing", needs: .restart) {
            subject in
            let objects = try mixed() + SampleObjects.chunks(200..<220)
            _ = try await subject.storage.putDurably(objects)
            let storage = try await subject.restarted()
            for segment in try await storage.allSegments() where segment.isSealed {
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<2 {
                        group.addTask {
                            do {
                                let report = try await storage.compact(segment.id)
                                #expect(report.pinnedBy.isEmpty)
                            } catch {
                                #expect((error as? DepotError)?.code == .notFound, "\(error)")
                            }
                        }
                    }
                }
            }
            try await storage.expectWhole(objects)
        },
    ]
}
