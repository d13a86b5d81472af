import DepotCore
import NIOCore
import Synchronization

extension MemoryReplica: ReplicaLink {
    public var heard: HeardPosition? {
        state.withLock { HeardPosition(replica: id, position: standing($0).position) }
    }

    public func openUpload(
        for deposit: DepositID?
    ) async throws(DepotError) -> any ChunkUpload {
        MemoryUpload(replica: self)
    }
}

/// Verifies as a replica does: what is not what its id says ends the upload.
final class MemoryUpload: ChunkUpload {
    private struct State: ~Copyable {
        var verifier: ObjectVerifier?
        var failure: DepotError?
    }

    private let replica: MemoryReplica
    private let state = Mutex(State())

    init(replica: MemoryReplica) { self.replica = replica }

    func begin(_ id: ObjectID, length: Int) async throws(DepotError) {
        try state.withLock { state throws(DepotError) in
            try Self.refuseAfterFailure(state)
            precondition(state.verifier == nil, "the object before is not whole")
            state.verifier = try ObjectVerifier(expecting: id, length: length)
        }
    }

    func write(_ part: ByteBuffer) async throws(DepotError) {
        let whole = try state.withLock { state throws(DepotError) -> VerifiedObject? in
            try Self.refuseAfterFailure(state)
            guard var verifier = state.verifier.take() else {
                preconditionFailure("no object was begun")
            }
            verifier.append(part)
            guard verifier.missing == 0 else {
                state.verifier = consume verifier
                return nil
            }
            do throws(DepotError) {
                return try verifier.finish()
            } catch {
                state.failure = error
                throw error
            }
        }
        guard let whole else { return }
        do throws(DepotError) {
            try await replica.put([whole])
        } catch {
            state.withLock { $0.failure = error }
            throw error
        }
    }

    func finish() async throws(DepotError) {
        try state.withLock { state throws(DepotError) in
            try Self.refuseAfterFailure(state)
            guard let verifier = state.verifier.take() else { return }
            _ = try verifier.finish()
        }
    }

    func cancel() async {
        state.withLock { state in
            _ = state.verifier.take()
            state.failure = DepotError(.unreachable, "the upload was cancelled")
        }
    }

    private static func refuseAfterFailure(_ state: borrowing State) throws(DepotError) {
        if let failure = state.failure { throw failure }
    }
}
