import DepotCore
import NIOCore
import Synchronization

/// A replica in memory, which does what a disk does: what was put is lost with the power until a barrier
/// made it durable, and bytes can rot.
public final class MemoryReplica: Sendable {
    struct Copy {
        var bytes: ByteBuffer
        /// Where it ends in the log; durable once the synced offset has reached this.
        let end: UInt64
        let segment: UInt32
        var isKnownBad = false
    }

    struct State {
        var membership: ClusterMembership?
        var opens: UInt64 = 1
        var segment: UInt32 = 1
        var appended: UInt64 = 0
        var synced: UInt64 = 0
        var copies: [ObjectID: Copy] = [:]
        var condemned: [ObjectID: CondemnToken] = [:]
        var highestSequence: CommitSequence?
        var capacity: UInt64
        var hasFailed = false
        var generator: SeededGenerator
    }

    public let id: ReplicaID
    let state: Mutex<State>

    /// - Parameters:
    ///   - capacity: in bytes of content.
    ///   - seed: of its tokens.
    public init(id: ReplicaID = .random(), capacity: UInt64 = 1 << 40, seed: UInt64 = 1) {
        self.id = id
        state = Mutex(State(capacity: capacity, generator: SeededGenerator(seed: seed)))
    }

    // MARK: What tests do to it

    /// A power cut and a restart: what no barrier covered is gone, and so are all tokens.
    public func losePower() {
        state.withLock { state in
            let lost = state.copies.filter { id, copy in
                copy.segment == state.segment && copy.end > state.synced
            }
            for id in lost.keys { state.copies[id] = nil }
            state.condemned = [:]
            state.opens += 1
            state.segment += 1
            state.appended = 0
            state.synced = 0
            state.hasFailed = false
        }
    }

    /// Everything is gone, but it is the same replica: a log position that went back.
    public func loseDisk() {
        state.withLock { state in
            state.copies = [:]
            state.condemned = [:]
            (state.opens, state.segment, state.appended, state.synced) = (1, 1, 0, 0)
        }
    }

    /// Flips a bit in its copy, unseen until somebody hashes it.
    ///
    /// - Returns: whether there is a copy.
    @discardableResult
    public func damage(_ id: ObjectID) -> Bool {
        state.withLock { state in
            guard var bytes = state.copies[id]?.bytes else { return false }
            let middle = bytes.readerIndex + bytes.readableBytes / 2
            let byte = bytes.getInteger(at: middle, as: UInt8.self) ?? 0
            bytes.setInteger(byte ^ 1, at: middle)
            state.copies[id]?.bytes = bytes
            return true
        }
    }

    /// Takes its copy away, as no protocol would.
    public func lose(_ id: ObjectID) {
        state.withLock { $0.copies[id] = nil }
    }

    /// From now on writes are refused, as after an I/O error, until `losePower`.
    public func failWrites() {
        state.withLock { $0.hasFailed = true }
    }

    public func setCapacity(_ bytes: UInt64) {
        state.withLock { $0.capacity = bytes }
    }

    /// What it holds, damaged copies included.
    public var held: Set<ObjectID> {
        state.withLock { Set($0.copies.keys) }
    }

    /// The bytes of its copy, as they are.
    public func bytes(of id: ObjectID) -> ByteBuffer? {
        state.withLock { $0.copies[id]?.bytes }
    }
}
