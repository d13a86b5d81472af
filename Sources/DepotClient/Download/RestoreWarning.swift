import Glibc

/// What of a file did not come back, though its bytes did; or why a special file did not.
public enum RestoreWarning: Sendable, Hashable {
    /// Its user or group is not the one it had: a program would run with the wrong rights.
    case privileges
    /// It belongs to whoever retrieved it, as was asked for, or as is usual but for root.
    case ownerKept
    case owner(Int32)
    case attributes(Int32)
    /// Attributes of the system, which nobody asked for.
    case attributesLeft
    /// It had the same content as another name, and is a file of its own now.
    case linkBroken(Int32)
    /// The file system refused; why.
    case mode(Int32)
    case time(Int32)
    /// The file system has no such times, and took another one.
    case timeReplaced
    case notDurable
    /// A special file was not made; why.
    case specialLeft(isDevice: Bool, Int32)
}

extension RestoreWarning: CustomStringConvertible {
    public var description: String {
        switch self {
        case .privileges:
            "its set-user-ID and set-group-ID bits are not restored, because its owner is not"
        case .ownerKept:
            "its owner is not restored, as only root can give files away; --owner tries it"
        case .owner(let code): "its owner cannot be set: \(String(cString: strerror(code)))"
        case .attributes(let code):
            "its extended attributes cannot be set: \(String(cString: strerror(code)))"
        case .attributesLeft:
            "its attributes of the system are not restored; --all-attributes does that"
        case .linkBroken(let code):
            "it was another name of one file, and is a file of its own now: "
                + String(cString: strerror(code))
        case .mode(let code): "its mode cannot be set: \(String(cString: strerror(code)))"
        case .time(let code):
            "its modification time cannot be set: \(String(cString: strerror(code)))"
        case .timeReplaced:
            "its modification time is beyond what this file system keeps, which took another one"
        case .notDurable:
            "the file system makes nothing durable when it is asked to; a power cut may take "
                + "the file"
        case .specialLeft(true, let code):
            "it is a device, which only root can make, and is left out: "
                + String(cString: strerror(code))
        case .specialLeft(false, let code):
            "it is a pipe or a socket, which cannot be made here, and is left out: "
                + String(cString: strerror(code))
        }
    }
}

extension RestoreWarning: Encodable {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
