import DepotCore
import NIOCore
import Synchronization

/// Objects on their way into a fake replica.
final class FakeUpload: ChunkUpload {
    private let replica: FakeReplica
    private let current = Mutex<(id: ObjectID, length: Int, bytes: ByteBuffer)?>(nil)

    init(to replica: FakeReplica) { self.replica = replica }

    func enter() async throws(DepotError) {
        switch replica.mood {
        case .unreachable: throw DepotError(.unreachable, "connection reset")
        case .hanging, .stallingUploads: await FakeReplica.forever()
        case .full, .fullToTheEnd: throw DepotError(.storageFull, "the disk is full")
        case .readOnly: throw DepotError(.storeFailed, "takes no writes")
        case .well, .hangingReads: break
        }
        let fails = replica.state.withLock { state in
            defer { state.failsNextUpload = false }
            return state.failsNextUpload
        }
        if fails { throw DepotError(.unreachable, "connection reset in the middle") }
    }

    func begin(_ id: ObjectID, length: Int) async throws(DepotError) {
        try await enter()
        try endObject()
        current.withLock { $0 = (id, length, ByteBuffer()) }
    }

    func write(_ part: ByteBuffer) async throws(DepotError) {
        try await enter()
        current.withLock { _ = $0?.bytes.writeImmutableBuffer(part) }
    }

    func finish() async throws(DepotError) {
        try await enter()
        try endObject()
    }

    private func endObject() throws(DepotError) {
        let whole = current.withLock { current in
            defer { current = nil }
            return current
        }
        guard let whole else { return }
        let mishears = replica.state.withLock { $0.mishears }
        guard !mishears, ChunkID(hashing: whole.bytes) == whole.id.hash else {
            throw DepotError(
                .hashMismatch, "these are other bytes", object: whole.id.hash.hex)
        }
        replica.state.withLock { $0.append(whole.id, whole.bytes) }
    }

    func cancel() async { current.withLock { $0 = nil } }
}
