/// Names a request in the logs of all daemons that work on it, and in the audit.
///
/// A client may choose it, else the FileServer does; with it go the requests to replicas that are made
/// on its behalf. It is no secret, and nothing is decided by it: several requests may have the same.
public struct TraceID: Sendable, Hashable, CustomStringConvertible {
    /// In requests and answers.
    public static let header = "x-request-id"
    /// What log lines have it as.
    public static let logKey = "request-id"
    static let lengthMax = 64

    /// That of the request that the task works on.
    @TaskLocal public static var current: TraceID?

    public let description: String

    /// - Parameter text: 1 to 64 letters of ASCII, digits, hyphens, dots and underlines; there are no
    ///   others.
    public init?(_ text: String) {
        guard (1...Self.lengthMax).contains(text.utf8.count),
            text.utf8.allSatisfy(Self.isAllowed)
        else { return nil }
        description = text
    }

    private init(number: UInt64) { description = String(number, radix: 16) }

    public static func random() -> TraceID { TraceID(number: .random(in: .min ... .max)) }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

extension TraceID: Encodable {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
