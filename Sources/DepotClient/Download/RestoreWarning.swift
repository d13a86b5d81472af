import Glibc

/// What of a file did not come back, though its bytes did.
public enum RestoreWarning: Sendable, Hashable {
    /// It belongs to whoever retrieved it, who is not who deposited it: a program would run with
    /// the wrong rights.
    case privileges
    /// The file system refused; why.
    case mode(Int32)
    case time(Int32)
    /// The file system has no such times, and took another one.
    case timeReplaced
    case notDurable
}

extension RestoreWarning: CustomStringConvertible {
    public var description: String {
        switch self {
        case .privileges:
            "its set-user-ID, set-group-ID and sticky bits are not restored, because its owner "
                + "is not"
        case .mode(let code): "its mode cannot be set: \(String(cString: strerror(code)))"
        case .time(let code):
            "its modification time cannot be set: \(String(cString: strerror(code)))"
        case .timeReplaced:
            "its modification time is beyond what this file system keeps, which took another one"
        case .notDurable:
            "the file system makes nothing durable when it is asked to; a power cut may take "
                + "the file"
        }
    }
}

extension RestoreWarning: Encodable {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
