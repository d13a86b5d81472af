import FoundationEssentials

/// An id that is a UUID, of a type of its own so that no two kinds can be mixed up.
///
/// Its text is the lowercase UUID, everywhere.
public protocol UUIDIdentifier: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
    var uuid: UUID { get }
    init(uuid: UUID)
}

extension UUIDIdentifier {
    public static func random() -> Self { Self(uuid: UUID()) }

    public init?(_ text: some StringProtocol) {
        guard let uuid = UUID(uuidString: String(text)) else { return nil }
        self.init(uuid: uuid)
    }

    public var description: String { uuid.uuidString.lowercased() }

    public static func < (left: Self, right: Self) -> Bool { left.uuid < right.uuid }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = Self(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected a UUID, found '\(text)'")
        }
        self = id
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// One StorageReplica's data folder, for as long as the folder lives; its address may change.
public struct ReplicaID: UUIDIdentifier {
    public let uuid: UUID
    public init(uuid: UUID) { self.uuid = uuid }
}

/// All daemons and files that belong together. Made once, by the first FileServer.
public struct ClusterID: UUIDIdentifier {
    public let uuid: UUID
    public init(uuid: UUID) { self.uuid = uuid }
}

/// One session in which a client deposits. The client makes it; with the same id, a repeated
/// request is the same request.
public struct DepositID: UUIDIdentifier {
    public let uuid: UUID
    public init(uuid: UUID) { self.uuid = uuid }
}

/// One change of a name that a client asks for. The client makes it; with the same id, a repeated
/// request is the same request.
public struct RequestID: UUIDIdentifier {
    public let uuid: UUID
    public init(uuid: UUID) { self.uuid = uuid }
}

/// All names of one file that has several. Whoever deposits them makes it.
public struct HardLinkID: UUIDIdentifier {
    public let uuid: UUID
    public init(uuid: UUID) { self.uuid = uuid }
}

/// One session in which a client retrieves one file.
public struct RetrievalID: UUIDIdentifier {
    public let uuid: UUID
    public init(uuid: UUID) { self.uuid = uuid }
}

/// One verification. Whoever asks for it makes it; with the same id, a repeated request is the same
/// request.
public struct VerificationID: UUIDIdentifier {
    public let uuid: UUID
    public init(uuid: UUID) { self.uuid = uuid }
}

/// Dictionaries by replica are JSON objects.
extension ReplicaID: CodingKeyRepresentable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    public var codingKey: any CodingKey { Key(stringValue: description) }

    public init?(codingKey: some CodingKey) { self.init(codingKey.stringValue) }
}

/// One start of one FileServer.
public struct WriterID: UUIDIdentifier {
    public let uuid: UUID
    public init(uuid: UUID) { self.uuid = uuid }
}
