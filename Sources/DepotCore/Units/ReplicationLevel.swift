/// N: how many copies a file asks for, on as many replicas.
public struct ReplicationLevel: Sendable, Hashable, Comparable, CustomStringConvertible {
    public let copies: Int

    /// - Throws: `invalidArgument` outside 1 to `Limits.levelMax`.
    public init(_ copies: Int) throws(DepotError) {
        guard (1...Limits.levelMax).contains(copies) else {
            throw DepotError(
                .invalidArgument,
                "a replication level is 1 to \(Limits.levelMax), found \(copies)")
        }
        self.copies = copies
    }

    private init(unchecked copies: Int) {
        assert((1...Limits.levelMax).contains(copies), "no file can ask for so many copies")
        self.copies = copies
    }

    public static let one = ReplicationLevel(unchecked: 1)
    public static let three = ReplicationLevel(unchecked: 3)

    /// ⌊N/2⌋+1: the copies that an acknowledgement needs at least.
    public var majority: Int {
        assert(copies >= 1, "a level of no copies")
        return copies / 2 + 1
    }

    /// On how many replicas the record of a file at this level is kept.
    public var recordCopies: Int { max(3, copies) }

    public static func < (left: Self, right: Self) -> Bool { left.copies < right.copies }
    public var description: String { String(copies) }
}

extension ReplicationLevel: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do {
            self = try ReplicationLevel(container.decode(Int.self))
        } catch let error as DepotError {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: error.message)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(copies)
    }
}
