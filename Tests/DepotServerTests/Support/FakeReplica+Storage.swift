import DepotCore
import NIOCore
import Synchronization

extension FakeReplica {
    func standing() async throws(DepotError) -> ReplicaStanding {
        try await enter()
        let standing = state.withLock { $0.standing }
        hear(standing)
        return standing
    }

    func adopt(_ offer: MembershipOffer) async throws(DepotError) -> ReplicaStanding {
        try await enter()
        return try state.withLock { state throws(DepotError) in
            let membership = try offer.accepted(over: state.membership, by: state.id)
            if state.membership?.writer != membership.writer { state.tokens = [:] }
            state.membership = membership
            if let sequence = offer.sequence {
                state.highestSequence = max(state.highestSequence ?? sequence, sequence)
                state.sequenceKept = max(state.sequenceKept ?? sequence, sequence)
            }
            return state.standing
        }
    }

    func put(_ objects: [VerifiedObject]) async throws(DepotError) {
        try await enter()
        // Records find room in the reserve.
        let isRefused = mood == .full && objects.contains { $0.id.kind == .chunk }
        if isRefused || mood == .fullToTheEnd {
            throw DepotError(.storageFull, "the disk is full")
        }
        state.withLock { state in
            for object in objects { state.append(object.id, object.contiguous) }
        }
    }

    func vouch(for ids: [ObjectID]) async throws(DepotError) -> [Vouch] {
        try await enter()
        return state.withLock { state in
            for id in state.objects.keys { state.objects[id]?.isSynced = true }
            state.synced = state.appended
            state.sequenceKept = state.highestSequence
            state.pardon(ids)
            hear(state.standing)
            return ids.map { state.objects[$0] == nil ? .absent : .durable }
        }
    }

    func read(_ ids: [ObjectID]) async throws(DepotError) -> [StoredObject?] {
        try await enter()
        if mood == .hangingReads { await Self.forever() }
        return state.withLock { state in
            for id in ids { state.reads[id, default: 0] += 1 }
            return ids.map { id in
                state.objects[id].map {
                    StoredObject(id: id, length: $0.bytes.readableBytes, bytes: .memory([$0.bytes]))
                }
            }
        }
    }

    func check(_ ids: [ObjectID]) async throws(DepotError) -> [CheckVerdict] {
        try await enter()
        return state.withLock { state in
            ids.map { id in
                guard let entry = state.objects[id] else { return .absent }
                return ChunkID(hashing: entry.bytes) == id.hash ? .good : .bad
            }
        }
    }

    func inventory(after: ObjectID?, limit: Int) async throws(DepotError) -> [InventoryEntry] {
        try await enter()
        let (page, hook) = state.withLock { state in
            let page = state.objects.keys.sorted().filter { id in after.map { id > $0 } ?? true }
                .prefix(limit).map {
                    InventoryEntry(
                        id: $0, length: state.objects[$0]?.bytes.readableBytes ?? 0,
                        segment: state.objects[$0]?.segment ?? 1)
                }
            return (page, state.afterInventory.take())
        }
        await hook?()
        return page
    }

    func condemn(_ ids: [ObjectID]) async throws(DepotError) -> CondemnToken {
        try await enter()
        if state.withLock({ $0.refusesCondemning }) {
            throw DepotError(.unreachable, "connection reset")
        }
        return state.withLock { state in
            defer { state.nextToken += 1 }
            state.tokens[state.nextToken] = Set(ids)
            return CondemnToken(value: state.nextToken)
        }
    }

    func delete(_ ids: [ObjectID], token: CondemnToken) async throws(DepotError) -> [ObjectID] {
        try await enter()
        if state.withLock({ $0.refusesDeletes }) {
            throw DepotError(.busy, "not now")
        }
        return state.withLock { state in
            let condemned = state.tokens[token.value] ?? []
            let gone = ids.filter(condemned.contains)
            for id in gone { state.deleted[id] = state.objects.removeValue(forKey: id) }
            return gone
        }
    }

    func openUpload(for deposit: DepositID?) async throws(DepotError) -> any ChunkUpload {
        try await enter()
        return FakeUpload(to: self)
    }
}
