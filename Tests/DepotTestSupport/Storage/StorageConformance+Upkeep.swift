import DepotCore
import NIOCore
import Testing

extension StorageConformance {
    static let segmentLists: [StorageBehaviour] = [
        StorageBehaviour("segments tell of every copy once, and their bytes add up") { subject in
            let storage = subject.storage
            try await storage.expectSegmentsAddUp()
            let objects = try mixed()
            try await storage.put(objects)
            try await storage.expectSegmentsAddUp()
            let ids = objects.map(\.id)
            _ = try await storage.vouch(for: ids)
            try await storage.expectSegmentsAddUp()
            let used = try await storage.standing().usedBytes
            #expect(try await storage.allSegments().reduce(0) { $0 + $1.bytes } == used)
            let token = try await storage.condemn(Array(ids[3..<9]))
            _ = try await storage.delete(Array(ids[3..<9]), token: token)
            try await storage.expectSegmentsAddUp()
            try await storage.put(objects)
            try await storage.expectSegmentsAddUp()
        },
        StorageBehaviour("pages of segments end empty, the one that is written to comes last") {
            subject in
            _ = try await subject.storage.putDurably(try mixed())
            let all = try await subject.storage.allSegments()
            #expect(all.dropLast().allSatisfy(\.isSealed) && all.last?.isSealed == false)
            for pageSize in [2, 100] {
                #expect(try await subject.storage.allSegments(pageSize: pageSize) == all)
            }
        },
        StorageBehaviour("a copy that was put again counts once", needs: [.damage, .restart]) {
            subject in
            let objects = try mixed()
            _ = try await subject.storage.putDurably(objects)
            let storage = try await subject.restarted()
            let ids = objects.prefix(3).map(\.id)
            for id in ids { try await subject.damageCopy(of: id) }
            #expect(try await storage.check(ids) == ids.map { _ in .bad })
            try await storage.expectSegmentsAddUp()
            _ = try await storage.putDurably(objects)
            try await storage.expectSegmentsAddUp()
        },
    ]

    static let scrubs: [StorageBehaviour] = [
        StorageBehaviour("steps of any size hash every copy once") { subject in
            let objects = try mixed()
            _ = try await subject.storage.putDurably(objects)
            for budget in [1, 700, 5_000, 1 << 20] as [UInt64] {
                let verdicts = try await subject.storage.scrubAll(budget: budget)
                #expect(verdicts.map(\.id).sorted() == objects.map(\.id).sorted())
                #expect(verdicts.allSatisfy { $0.verdict == .good })
            }
        },
        StorageBehaviour("a scrub goes on where it was, whatever was put meanwhile") { subject in
            let storage = subject.storage
            let objects = try mixed()
            _ = try await storage.putDurably(objects)
            let segments = try await storage.allSegments()
            var read: [ObjectID] = []
            var halfway: [(SegmentID, UInt64)] = []
            for segment in segments {
                let step = try await storage.scrub(segment.id, from: 0, budget: 2_000)
                read += step.verdicts.map(\.id)
                if let next = step.next { halfway.append((segment.id, next)) }
            }
            let later = SampleObjects.chunks(100..<110)
            _ = try await storage.putDurably(later)
            for (segment, next) in halfway {
                read += try await storage.scrubbed(segment, from: next, budget: 2_000).map(\.id)
            }
            let old = Set(objects.map(\.id))
            #expect(read.filter(old.contains).sorted() == old.sorted())
            #expect(Set(read).count == read.count)
        },
        StorageBehaviour(
            "a scrub tells each bad copy, and that it is not held, until it is put again",
            needs: [.damage, .restart]
        ) { subject in
            let objects = try mixed()
            _ = try await subject.storage.putDurably(objects)
            let storage = try await subject.restarted()
            let later = SampleObjects.chunks(100..<104)
            _ = try await storage.putDurably(later)
            let bad = [objects[1].id, objects[7].id, later[2].id]
            for id in bad { try await subject.damageCopy(of: id) }
            for budget in [1, 1 << 20] as [UInt64] {
                let verdicts = try await storage.scrubAll(budget: budget)
                #expect(verdicts.count == objects.count + later.count)
                #expect(
                    verdicts.filter { $0.verdict == .bad }.map(\.id).sorted() == bad.sorted())
            }
            #expect(try await storage.vouch(for: bad) == bad.map { _ in .absent })
            try await storage.put(objects + later)
            try await storage.expectWhole(objects + later)
        },
        StorageBehaviour("what was deleted is not read") { subject in
            let objects = try mixed()
            let ids = objects.map(\.id)
            _ = try await subject.storage.putDurably(objects)
            let token = try await subject.storage.condemn(ids)
            let gone = Array(ids[2..<6])
            _ = try await subject.storage.delete(gone, token: token)
            let read = try await subject.storage.scrubAll(budget: 3_000).map(\.id)
            #expect(read.sorted() == ids.filter { !gone.contains($0) }.sorted())
        },
        StorageBehaviour("a step that may read nothing is refused") { subject in
            _ = try await subject.storage.putDurably([SampleObjects.chunk(1)])
            let segment = try #require(try await subject.storage.allSegments().first)
            await expectError(.invalidArgument) {
                _ = try await subject.storage.scrub(segment.id, from: 0, budget: 0)
            }
        },
        StorageBehaviour("what is no segment here is neither scrubbed nor compacted") { subject in
            _ = try await subject.storage.putDurably(try mixed())
            let segments = try await subject.storage.allSegments().map(\.id)
            let last = try #require(segments.last)
            let strangers =
                [SegmentID(number: last.number + 1, nonce: last.nonce)]
                + [SegmentID(number: last.number + 100, nonce: 0)]
                + segments.map { SegmentID(number: $0.number, nonce: ~$0.nonce) }
            for stranger in strangers {
                await expectError(.notFound) {
                    _ = try await subject.storage.scrub(stranger, from: 0, budget: 1_000)
                }
                await expectError(.notFound) {
                    _ = try await subject.storage.compact(stranger)
                }
            }
            #expect(try await subject.storage.allSegments().map(\.id) == segments)
        },
    ]

    /// Chunks of many sizes, and records.
    static func mixed() throws -> [VerifiedObject] {
        let sizes = [1, 511, 512, 513, 1_024, 1_500, 4_096, 9_000, 30_000, 60_001, 20, 700]
        var objects = sizes.enumerated().map { index, size in
            SampleObjects.chunk(UInt64(index), size: size)
        }
        for counter in 1...3 as ClosedRange<UInt64> {
            objects.append(try SampleObjects.record("file \(counter)", counter: counter))
        }
        return objects
    }
}

extension ChunkStorage {
    /// All pages of the list.
    public func allSegments(pageSize: Int = 1) async throws -> [SegmentInfo] {
        var segments: [SegmentInfo] = []
        while true {
            let page = try await self.segments(after: segments.last?.id.number, limit: pageSize)
            if page.isEmpty { return segments }
            #expect(page.count <= pageSize)
            segments += page
        }
    }

    /// Reads a segment to its end; each step gets ahead and begins no copy beyond its budget.
    func scrubbed(
        _ segment: SegmentID, from start: UInt64 = 0, budget: UInt64
    ) async throws -> [ScrubVerdict] {
        let lengths = try await lengths()
        var verdicts: [ScrubVerdict] = []
        var offset: UInt64? = start
        while let from = offset {
            let step = try await scrub(segment, from: from, budget: budget)
            verdicts += step.verdicts
            let bytes = step.verdicts.map { UInt64(lengths[$0.id] ?? 0) }
            #expect(bytes.dropLast().reduce(0, +) < budget)
            #expect(bytes.reduce(0, +) <= step.bytesRead && step.problems.isEmpty)
            offset = step.next
            try #require(offset.map { $0 > from } ?? true, "a step gets ahead")
        }
        return verdicts
    }

    func scrubAll(budget: UInt64) async throws -> [ScrubVerdict] {
        var verdicts: [ScrubVerdict] = []
        for segment in try await allSegments() {
            verdicts += try await scrubbed(segment.id, budget: budget)
        }
        return verdicts
    }

    private func lengths() async throws -> [ObjectID: Int] {
        let entries = try await wholeInventory(pageSize: 1_000)
        return Dictionary(uniqueKeysWithValues: entries.map { ($0.id, $0.length) })
    }

    /// What the list of segments says is what the inventory says.
    func expectSegmentsAddUp() async throws {
        let entries = Dictionary(
            grouping: try await wholeInventory(pageSize: 1_000), by: \.segment)
        let segments = try await allSegments()
        #expect(Set(segments.map(\.id.number)).count == segments.count)
        #expect(segments.map(\.id.number) == segments.map(\.id.number).sorted())
        #expect(Set(entries.keys).isSubset(of: segments.map(\.id.number)))
        for segment in segments {
            let copies = entries[segment.id.number] ?? []
            #expect(segment.liveCopies == copies.count, "\(segment)")
            let content = copies.reduce(0) { $0 + UInt64($1.length) }
            #expect(content <= segment.liveBytes && segment.liveBytes <= segment.bytes)
        }
    }

    /// Everything is listed, readable, durable and good, and nothing else is there.
    func expectWhole(_ objects: [VerifiedObject]) async throws {
        let ids = objects.map(\.id)
        #expect(try await vouch(for: ids) == ids.map { _ in .durable })
        #expect(try await check(ids) == ids.map { _ in .good })
        for object in objects {
            #expect(try await bytes(of: object.id) == object.contiguous)
        }
        let held = try await wholeInventory(pageSize: 7).map(\.id)
        #expect(held == ids.sorted())
        #expect(try await standing().chunks == ids.count { $0.kind == .chunk })
        let verdicts = try await scrubAll(budget: 10_000)
        #expect(verdicts.allSatisfy { $0.verdict == .good })
        #expect(verdicts.map(\.id).sorted() == held)
        try await expectSegmentsAddUp()
    }
}
