import DepotCore
import DepotWire
import NIOCore

/// Puts the frames of a batch together: for each chunk that was asked for, in order, who misses it
/// and who gave it.
struct FetchedBatch {
    private var wanted: ArraySlice<ReadRequest>
    private var chunks: [FetchedChunk] = []
    private var current: ObjectFrame?
    private var parts: [ByteBuffer] = []
    private var missing: [ReplicaID] = []

    init(of requests: [ReadRequest]) { wanted = requests[...] }

    /// - Throws: `internalError` where the frames are not those of the batch.
    mutating func take(_ event: ObjectFrameParser.Event) throws(DepotError) {
        switch event {
        case .begin(let frame):
            guard frame.id == wanted.first.map({ .chunk($0.chunk.id) }) else {
                throw DepotError(.internalError, "another chunk came than was asked for")
            }
            current = frame
            parts = []
        case .content(let bytes): parts.append(bytes)
        case .end:
            guard let frame = current.take() else { return }
            end(frame)
        }
    }

    private mutating func end(_ frame: ObjectFrame) {
        switch frame.status {
        case .missing:
            if let replica = frame.replica { missing.append(replica) }
            return
        case .absent: chunks.append(.absent(silent: frame.replica))
        case .present:
            let object = StoredObject(id: frame.id, length: frame.length, bytes: .memory(parts))
            chunks.append(.found(object, from: frame.replica, missing: missing))
        }
        wanted.removeFirst()
        missing = []
    }

    /// - Throws: `unreachable` where chunks are lacking.
    func finish() throws(DepotError) -> [FetchedChunk] {
        guard wanted.isEmpty else {
            throw DepotError(.unreachable, "fewer chunks came than were asked for")
        }
        return chunks
    }
}
