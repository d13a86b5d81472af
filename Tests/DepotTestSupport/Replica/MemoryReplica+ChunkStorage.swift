import DepotCore
import NIOCore

extension MemoryReplica: ChunkStorage {
    /// What a header and padding take at most, in the model.
    private static let overhead: UInt64 = 1_024

    public func standing() async throws(DepotError) -> ReplicaStanding {
        state.withLock { standing($0) }
    }

    public func adopt(_ offer: MembershipOffer) async throws(DepotError) -> ReplicaStanding {
        try locked { state throws(DepotError) in
            let membership = try offer.accepted(over: state.membership, by: id)
            try refuseAfterFailure(state)
            if state.membership?.writer != membership.writer { state.condemned = [:] }
            state.membership = membership
            if let sequence = offer.sequence {
                state.highestSequence = max(state.highestSequence ?? sequence, sequence)
            }
            return standing(state)
        }
    }

    public func put(_ objects: [VerifiedObject]) async throws(DepotError) {
        try locked { state throws(DepotError) in
            try refuseAfterFailure(state)
            for object in objects {
                let record = try object.record()
                state.condemned[object.id] = nil
                if let copy = state.copies[object.id], !copy.isKnownBad { continue }
                guard usedBytes(state) + UInt64(object.length) <= state.capacity else {
                    throw DepotError(.storageFull, "memory is full", object: id.description)
                }
                state.appended += UInt64(object.length) + Self.overhead
                state.copies[object.id] = Copy(
                    bytes: object.contiguous, end: state.appended, segment: state.segment)
                if let sequence = record?.sequence {
                    state.highestSequence = max(state.highestSequence ?? sequence, sequence)
                }
            }
        }
    }

    public func vouch(for ids: [ObjectID]) async throws(DepotError) -> [Vouch] {
        try locked { state throws(DepotError) in
            try refuseAfterFailure(state)
            state.synced = state.appended
            return ids.map { id in
                state.condemned[id] = nil
                guard let copy = state.copies[id], !copy.isKnownBad else { return .absent }
                return .durable
            }
        }
    }

    public func read(_ ids: [ObjectID]) async throws(DepotError) -> [StoredObject?] {
        state.withLock { state in
            ids.map { id in
                state.copies[id].map {
                    StoredObject(id: id, length: $0.bytes.readableBytes, bytes: .memory([$0.bytes]))
                }
            }
        }
    }

    public func check(_ ids: [ObjectID]) async throws(DepotError) -> [CheckVerdict] {
        state.withLock { state in
            ids.map { id in
                guard let copy = state.copies[id] else { return .absent }
                let isGood = ChunkID(hashing: copy.bytes) == id.hash
                state.copies[id]?.isKnownBad = !isGood
                return isGood ? .good : .bad
            }
        }
    }

    public func inventory(
        after: ObjectID?, limit: Int
    ) async throws(DepotError) -> [InventoryEntry] {
        state.withLock { state in
            let ids = state.copies.keys.filter { id in after.map { $0 < id } ?? true }.sorted()
            return ids.prefix(limit).compactMap { id in
                state.copies[id].map {
                    InventoryEntry(id: id, length: $0.bytes.readableBytes, segment: $0.segment)
                }
            }
        }
    }

    public func condemn(_ ids: [ObjectID]) async throws(DepotError) -> CondemnToken {
        try locked { state throws(DepotError) in
            try refuseAfterFailure(state)
            let token = CondemnToken(value: state.generator.next())
            for id in ids { state.condemned[id] = token }
            return token
        }
    }

    public func delete(
        _ ids: [ObjectID], token: CondemnToken
    ) async throws(DepotError) -> [ObjectID] {
        try locked { state throws(DepotError) in
            try refuseAfterFailure(state)
            return ids.filter { id in
                if state.copies[id] == nil { return true }
                guard state.condemned[id] == token else { return false }
                state.copies[id] = nil
                state.condemned[id] = nil
                return true
            }
        }
    }

    // MARK: Parts

    private func locked<Value: Sendable>(
        _ body: (inout State) throws(DepotError) -> Value
    ) throws(DepotError) -> Value {
        try state.withLock { state throws(DepotError) -> Value in try body(&state) }
    }

    private func usedBytes(_ state: State) -> UInt64 {
        state.copies.values.reduce(0) { $0 + UInt64($1.bytes.readableBytes) }
    }

    func standing(_ state: State) -> ReplicaStanding {
        let used = usedBytes(state)
        return ReplicaStanding(
            replica: id, membership: state.membership,
            position: LogPosition(
                opens: state.opens, segment: state.segment, offset: state.synced),
            highestSequence: state.highestSequence, usedBytes: used,
            freeBytes: state.capacity - min(used, state.capacity),
            chunks: state.copies.keys.count { $0.kind == .chunk }, writable: !state.hasFailed)
    }

    private func refuseAfterFailure(_ state: borrowing State) throws(DepotError) {
        guard state.hasFailed else { return }
        throw DepotError(.storeFailed, "refuses writes since an error", object: id.description)
    }
}

extension VerifiedObject {
    /// The last of the records that it is; `nil` for a chunk.
    fileprivate func record() throws(DepotError) -> FileRecord? {
        id.kind == .record ? try RecordBatch.records(in: contiguous).last : nil
    }
}
