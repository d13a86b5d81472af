import DepotCore
import NIOCore

extension FaultyReplica: ReplicaLink {
    public var heard: HeardPosition? { base.heard }

    public func standing() async throws(DepotError) -> ReplicaStanding {
        let fault = try await enter(.standing)
        let answer = try await base.standing()
        try Self.leave(fault)
        return answer
    }

    public func adopt(_ offer: MembershipOffer) async throws(DepotError) -> ReplicaStanding {
        let fault = try await enter(.adopt)
        let answer = try await base.adopt(offer)
        try Self.leave(fault)
        return answer
    }

    public func put(_ objects: [VerifiedObject]) async throws(DepotError) {
        let fault = try await enter(.put)
        try await base.put(objects)
        try Self.leave(fault)
    }

    public func vouch(for ids: [ObjectID]) async throws(DepotError) -> [Vouch] {
        let fault = try await enter(.vouch)
        if case .reportAbsent = fault { return ids.map { _ in .absent } }
        let answer = try await base.vouch(for: ids)
        try Self.leave(fault)
        return answer
    }

    public func read(_ ids: [ObjectID]) async throws(DepotError) -> [StoredObject?] {
        let fault = try await enter(.read)
        if case .reportAbsent = fault { return ids.map { _ in nil } }
        let answer = try await base.read(ids)
        try Self.leave(fault)
        guard case .flipBit = fault else { return answer }
        return answer.map { $0.map(Self.flipped) }
    }

    public func check(_ ids: [ObjectID]) async throws(DepotError) -> [CheckVerdict] {
        let fault = try await enter(.check)
        if case .reportAbsent = fault { return ids.map { _ in .absent } }
        let answer = try await base.check(ids)
        try Self.leave(fault)
        return answer
    }

    public func inventory(
        after: ObjectID?, limit: Int
    ) async throws(DepotError) -> [InventoryEntry] {
        let fault = try await enter(.inventory)
        if case .reportAbsent = fault { return [] }
        let answer = try await base.inventory(after: after, limit: limit)
        try Self.leave(fault)
        return answer
    }

    public func condemn(_ ids: [ObjectID]) async throws(DepotError) -> CondemnToken {
        let fault = try await enter(.condemn)
        let answer = try await base.condemn(ids)
        try Self.leave(fault)
        return answer
    }

    public func delete(
        _ ids: [ObjectID], token: CondemnToken
    ) async throws(DepotError) -> [ObjectID] {
        let fault = try await enter(.delete)
        let answer = try await base.delete(ids, token: token)
        try Self.leave(fault)
        return answer
    }

    public func openUpload(for deposit: DepositID?) async throws(DepotError) -> any ChunkUpload {
        let fault = try await enter(.openUpload)
        let upload = try await base.openUpload(for: deposit)
        try Self.leave(fault)
        return FaultyUpload(replica: self, base: upload)
    }

    private static func flipped(_ object: StoredObject) -> StoredObject {
        guard case .memory(var parts) = object.bytes,
            let index = parts.firstIndex(where: { $0.readableBytes > 0 })
        else { preconditionFailure("bits are flipped in memory only") }
        let first = parts[index].readerIndex
        let byte = parts[index].getInteger(at: first, as: UInt8.self) ?? 0
        parts[index].setInteger(byte ^ 1, at: first)
        return StoredObject(id: object.id, length: object.length, bytes: .memory(parts))
    }
}

/// An upload of a faulty replica; its calls are counted over all uploads of that replica.
private struct FaultyUpload: ChunkUpload {
    let replica: FaultyReplica
    let base: any ChunkUpload

    func begin(_ id: ObjectID, length: Int) async throws(DepotError) {
        let fault = try await replica.enter(.uploadBegin)
        try await base.begin(id, length: length)
        try FaultyReplica.leave(fault)
    }

    func write(_ part: ByteBuffer) async throws(DepotError) {
        let fault = try await replica.enter(.uploadWrite)
        try await base.write(part)
        try FaultyReplica.leave(fault)
    }

    func finish() async throws(DepotError) {
        let fault = try await replica.enter(.uploadFinish)
        try await base.finish()
        try FaultyReplica.leave(fault)
    }

    func cancel() async { await base.cancel() }
}
