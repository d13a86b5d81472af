import DepotCore
import NIOCore

/// What stands in front of each object in a batch: 64 bytes, big-endian, then `length` bytes of
/// content.
///
/// One framing for many small chunks or one large, in both directions, on both links. A batch is
/// the body of a request or an answer: frames one after the other, and nothing behind the last.
///
/// | bytes | field |
/// |---|---|
/// | 0–3 | `D1OF` |
/// | 4 | kind: 0 chunk, 1 record |
/// | 5 | status: 0 content follows, 1 absent, 2 missing: believed to be on the replica named |
/// | 6–7 | zero |
/// | 8–11 | length of the content; 0 where it is absent or missing |
/// | 12–15 | zero |
/// | 16–31 | the replica that the bytes came from, or that misses them; zero on the way in |
/// | 32–63 | the SHA-256 of the content |
public struct ObjectFrame: Sendable, Hashable {
    public static let headerSize = 64
    public static let magic: UInt32 = 0x4431_4F46

    public enum Status: UInt8, Sendable {
        case present = 0
        case absent = 1
        /// Says something of a replica; another frame of the same object follows.
        case missing = 2
    }

    public let id: ObjectID
    public let status: Status
    public let length: Int
    public let replica: ReplicaID?

    public init(id: ObjectID, status: Status, length: Int, replica: ReplicaID?) {
        self.id = id
        self.status = status
        self.length = length
        self.replica = replica
    }
}
