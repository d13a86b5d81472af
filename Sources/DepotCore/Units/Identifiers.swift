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

    /// Takes the digits in either case.
    public init?(_ text: some StringProtocol) { self.init(utf8: text.utf8) }

    /// The same, as bytes.
    init?(utf8 text: some Collection<UInt8>) {
        guard let uuid = UUIDText.parse(text) else { return nil }
        self.init(uuid: uuid)
    }

    public var description: String { UUIDText.text(of: uuid) }

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

/// Ids as RFC 9562 writes them. Foundation goes through `scanf` and `printf`, which took a tenth of a
/// list of names.
private enum UUIDText {
    private static let length = 36

    private static func isHyphen(_ place: Int) -> Bool {
        place == 8 || place == 13 || place == 18 || place == 23
    }

    static func parse(_ text: some Collection<UInt8>) -> UUID? {
        guard text.count == length else { return nil }
        var (high, low) = (UInt64(0), UInt64(0))
        for (place, byte) in text.enumerated() {
            guard !isHyphen(place) else {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            let isUppercase = (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte)
            guard let value = HexDigit.value(of: isUppercase ? byte | 0x20 : byte) else {
                return nil
            }
            high = high << 4 | low >> 60
            low = low << 4 | UInt64(value)
        }
        return withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) {
            UUID(uuid: $0.loadUnaligned(as: uuid_t.self))
        }
    }

    static func text(of uuid: UUID) -> String {
        withUnsafeBytes(of: uuid.uuid) { bytes in
            String(unsafeUninitializedCapacity: length) { digits in
                var place = 0
                for byte in bytes {
                    if isHyphen(place) {
                        digits[place] = UInt8(ascii: "-")
                        place += 1
                    }
                    digits[place] = HexDigit.digit(byte >> 4)
                    digits[place + 1] = HexDigit.digit(byte & 15)
                    place += 2
                }
                return length
            }
        }
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
