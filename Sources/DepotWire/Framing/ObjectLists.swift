import DepotCore
import NIOCore

// Lists of ids are binary on the wire: a chunk that is known costs its id and little more, where
// JSON would cost twice that and a parse.
//
// | list | an entry |
// |---|---|
// | chunk references | 32 bytes id, 4 bytes length |
// | lacking chunks | 32 bytes id, 4 bytes length, 4 bytes upload target: 0 is the FileServer |
// | object ids | 1 byte kind, 32 bytes hash |
// | read requests | 32 bytes id, 4 bytes length, 1 byte n, n × (16 bytes to avoid, 1 byte reason) |

/// A chunk that a client wants to read, and the copies that it has found wanting.
public struct ReadRequest: Sendable, Hashable {
    public let chunk: ChunkReference
    public let avoid: [BadCopy]

    public init(chunk: ChunkReference, avoid: [BadCopy] = []) {
        self.chunk = chunk
        self.avoid = avoid
    }
}

/// A copy that could not be used, and why. A hint: its replica checks it before it is believed.
public struct BadCopy: Sendable, Hashable, Codable {
    public enum Reason: UInt8, Sendable {
        case corrupt = 0
        case missing = 1
        case unreachable = 2
        case slow = 3
    }

    public let replica: ReplicaID
    public let reason: Reason

    public init(replica: ReplicaID, reason: Reason) {
        self.replica = replica
        self.reason = reason
    }
}

extension BadCopy.Reason: Codable, CustomStringConvertible {
    public var description: String {
        switch self {
        case .corrupt: "corrupt"
        case .missing: "missing"
        case .unreachable: "unreachable"
        case .slow: "slow"
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        let all: [Self] = [.corrupt, .missing, .unreachable, .slow]
        guard let reason = all.first(where: { $0.description == text }) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "unknown reason '\(text)'")
        }
        self = reason
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
