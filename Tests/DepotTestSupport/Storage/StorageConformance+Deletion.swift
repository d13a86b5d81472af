import DepotCore
import NIOCore
import Testing

extension StorageConformance {
    static let inventories: [StorageBehaviour] = [
        StorageBehaviour("pages give everything once, by kind and id, and end empty") { subject in
            var objects = SampleObjects.chunks(0..<25)
            for counter in 1...6 as ClosedRange<UInt64> {
                objects.append(try SampleObjects.record("file \(counter)", counter: counter))
            }
            try await subject.storage.put(objects)
            let expected = objects.map(\.id).sorted()
            for pageSize in [1, 7, 31, 1_000] {
                let entries = try await subject.storage.wholeInventory(pageSize: pageSize)
                #expect(entries.map(\.id) == expected)
            }
            let lengths = Dictionary(uniqueKeysWithValues: objects.map { ($0.id, $0.length) })
            let entries = try await subject.storage.wholeInventory(pageSize: 10)
            #expect(entries.allSatisfy { $0.length == lengths[$0.id] })
            #expect(entries.first?.id.kind == .chunk && entries.last?.id.kind == .record)
            #expect(try await subject.storage.standing().chunks == 25)
        },
        StorageBehaviour("a page begins after an id that need not be held") { subject in
            let objects = SampleObjects.chunks(0..<10)
            let ids = objects.map(\.id).sorted()
            try await subject.storage.put(objects.filter { $0.id != ids[4] })
            let page = try await subject.storage.inventory(after: ids[4], limit: 3)
            #expect(page.map(\.id) == Array(ids[5...7]))
        },
    ]

    static let deletions: [StorageBehaviour] = [
        StorageBehaviour("what was condemned is deleted, and is gone") { subject in
            let objects = SampleObjects.chunks(0..<3)
            let (storage, ids) = (subject.storage, objects.map(\.id))
            _ = try await storage.putDurably(objects)
            let token = try await storage.condemn([ids[0], ids[1]])
            #expect(try await storage.delete([ids[0], ids[1]], token: token) == [ids[0], ids[1]])
            #expect(try await storage.read(ids).map { $0?.id } == [nil, nil, ids[2]])
            #expect(try await storage.vouch(for: ids) == [.absent, .absent, .durable])
            #expect(try await storage.check(ids) == [.absent, .absent, .good])
            #expect(try await storage.wholeInventory(pageSize: 10).map(\.id) == [ids[2]])
            #expect(try await storage.standing().chunks == 1)
        },
        StorageBehaviour("what is not there counts as deleted") { subject in
            let id = SampleObjects.chunk(1).id
            let token = try await subject.storage.condemn([id])
            #expect(try await subject.storage.delete([id], token: token) == [id])
        },
        StorageBehaviour("a put voids the deletion of what it puts, and of nothing else") {
            subject in
            let objects = SampleObjects.chunks(0..<2)
            let (storage, ids) = (subject.storage, objects.map(\.id))
            _ = try await storage.putDurably(objects)
            let token = try await storage.condemn(ids)
            try await storage.put([objects[0]])
            #expect(try await storage.delete(ids, token: token) == [ids[1]])
            #expect(try await storage.bytes(of: ids[0]) == objects[0].contiguous)
        },
        StorageBehaviour("a vouch voids a deletion") { subject in
            let object = SampleObjects.chunk(1)
            _ = try await subject.storage.putDurably([object])
            let token = try await subject.storage.condemn([object.id])
            _ = try await subject.storage.vouch(for: [object.id])
            #expect(try await subject.storage.delete([object.id], token: token).isEmpty)
            #expect(try await subject.storage.bytes(of: object.id) == object.contiguous)
        },
        StorageBehaviour("a token deletes only what it was given for") { subject in
            let objects = SampleObjects.chunks(0..<2)
            let (storage, ids) = (subject.storage, objects.map(\.id))
            _ = try await storage.putDurably(objects)
            let token = try await storage.condemn([ids[0]])
            #expect(try await storage.delete(ids, token: token) == [ids[0]])
            let stranger = CondemnToken(value: token.value &+ 1)
            #expect(try await storage.delete([ids[1]], token: stranger).isEmpty)
        },
        StorageBehaviour("a restart voids all deletions", needs: .restart) { subject in
            let object = SampleObjects.chunk(1)
            _ = try await subject.storage.putDurably([object])
            let token = try await subject.storage.condemn([object.id])
            let storage = try await subject.restarted()
            #expect(try await storage.delete([object.id], token: token).isEmpty)
            #expect(try await storage.bytes(of: object.id) == object.contiguous)
        },
        StorageBehaviour("what was deleted can be put again") { subject in
            let object = SampleObjects.chunk(1)
            let storage = subject.storage
            _ = try await storage.putDurably([object])
            let token = try await storage.condemn([object.id])
            _ = try await storage.delete([object.id], token: token)
            #expect(try await storage.putDurably([object]) == [.durable])
            #expect(try await storage.bytes(of: object.id) == object.contiguous)
            #expect(try await storage.standing().chunks == 1)
            #expect(try await storage.delete([object.id], token: token).isEmpty)
        },
    ]

    static let memberships: [StorageBehaviour] = [
        StorageBehaviour(
            "an empty storage joins a cluster, and stays in it", needs: [.free, .restart]
        ) { subject in
            #expect(try await subject.storage.standing().membership == nil)
            let id = try await subject.storage.standing().replica
            let membership = ClusterMembership(
                cluster: .random(), epoch: 3, members: [id, .random()])
            #expect(try await subject.storage.adopt(membership).membership == membership)
            let storage = try await subject.restarted()
            #expect(try await storage.standing().membership == membership)
            #expect(try await storage.standing().replica == id)
        },
        StorageBehaviour(
            "another cluster and a lower epoch are refused, a higher one is learnt", needs: .free
        ) { subject in
            let storage = subject.storage
            let first = ClusterMembership(cluster: .random(), epoch: 3, members: [])
            _ = try await storage.adopt(first)
            _ = try await storage.adopt(first)
            await expectError(.clusterMismatch) {
                _ = try await storage.adopt(
                    ClusterMembership(cluster: .random(), epoch: 9, members: []))
            }
            await expectError(.epochStale) {
                _ = try await storage.adopt(
                    ClusterMembership(cluster: first.cluster, epoch: 2, members: []))
            }
            #expect(try await storage.standing().membership == first)
            let next = ClusterMembership(
                cluster: first.cluster, epoch: 4, members: [.random()])
            #expect(try await storage.adopt(next).membership == next)
        },
        StorageBehaviour("a claim is kept until one that continues it comes", needs: .free) {
            subject in
            let storage = subject.storage
            let cluster = ClusterID.random()
            func offer(
                _ writer: WriterClaim?, replacing: WriterClaim? = nil, epoch: UInt32 = 1
            ) -> MembershipOffer {
                MembershipOffer(
                    ClusterMembership(cluster: cluster, epoch: epoch, members: [], writer: writer),
                    replacing: replacing)
            }
            let claims = try (1...3).map {
                try #require(WriterClaim(number: $0, id: .random()))
            }
            let copy = try #require(WriterClaim(number: 2, id: .random()))
            _ = try await storage.adopt(offer(nil))
            _ = try await storage.adopt(offer(claims[0]))
            _ = try await storage.adopt(offer(claims[1], replacing: claims[0]))
            for refused in [
                offer(nil), offer(claims[0]), offer(copy), offer(copy, replacing: claims[0]),
                offer(claims[2]), offer(claims[2], replacing: claims[0]),
                offer(claims[0], replacing: claims[1]),
            ] {
                await expectError(.epochStale) { _ = try await storage.adopt(refused) }
            }
            #expect(try await storage.adopt(offer(claims[1])).membership?.writer == claims[1])
            // A rebuild ends all claims.
            #expect(try await storage.adopt(offer(nil, epoch: 2)).membership?.writer == nil)
            #expect(try await storage.adopt(offer(copy, epoch: 2)).membership?.writer == copy)
        },
        StorageBehaviour(
            "what it was told of commits stays, also when the records are gone",
            needs: [.free, .restart]
        ) { subject in
            let membership = ClusterMembership(cluster: .random(), epoch: 1, members: [])
            let told = CommitSequence(epoch: 1, counter: 70)
            let answer = try await subject.storage.adopt(
                MembershipOffer(membership, sequence: told))
            #expect(answer.highestSequence == told)
            _ = try await subject.storage.adopt(
                MembershipOffer(membership, sequence: CommitSequence(epoch: 1, counter: 7)))
            let storage = try await subject.restarted()
            #expect(try await storage.standing().highestSequence == told)
        },
        StorageBehaviour("a new claim voids the deletions that are under way") { subject in
            let storage = subject.storage
            let known = try await storage.standing().membership
            let object = SampleObjects.chunk(1)
            _ = try await storage.putDurably([object])
            let token = try await storage.condemn([object.id])
            _ = try await storage.adopt(
                MembershipOffer(
                    ClusterMembership(
                        cluster: known?.cluster ?? .random(), epoch: known?.epoch ?? 1,
                        members: [], writer: WriterClaim(number: 1, id: .random()))))
            // Across the network it is refused; what was under way already deletes nothing.
            let gone = try? await storage.delete([object.id], token: token)
            #expect(gone ?? [] == [])
            #expect(try await storage.bytes(of: object.id) == object.contiguous)
        },
    ]
}
