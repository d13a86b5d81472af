import DepotCore
import DepotWire

/// One request that changes something, or would have: who, what, and what came of it.
public struct AuditEvent: Sendable, Encodable {
    /// Seconds since 1970.
    public let time: Int64
    /// What the log has it as, and those of the replicas.
    public let id: TraceID?
    /// The token's name, never the token; `-` where none was shown.
    public let who: String
    /// Where the connection comes from.
    public let address: String
    /// What was asked for, as `deleting`.
    public let what: String
    /// Method and path, without the query.
    public let request: String
    /// Names that were changed.
    public let names: [FileName]
    /// Names that were to be changed, and were not.
    public let refused: [FileName]
    /// That of HTTP.
    public let status: Int
    /// Whether only an administrator may do that.
    let isAdministrative: Bool

    private enum CodingKeys: String, CodingKey {
        case time, id, who, address, what, request, names, refused, status
    }
}

/// Keeps the audit. It is told of a change when its answer is made, and must not take long.
public protocol Auditor: Sendable {
    func note(_ event: AuditEvent)
}

/// What a request's handler adds to its event.
final class AuditNote {
    var names: [FileName] = []
    var refused: [FileName] = []
}
