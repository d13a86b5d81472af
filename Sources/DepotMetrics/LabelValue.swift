/// What a label of a series says: a case of an enumeration, a replica's name or a version, and
/// nothing else can be made one. So the number of series is bounded, and no name of a file, no
/// chunk and no token gets into the exposition.
public struct LabelValue: Sendable, Hashable {
    /// Of a replica's name, in characters of Unicode.
    static let lengthMax = 64

    public let text: String

    public init(_ value: some CaseIterable & Sendable) { text = "\(value)" }

    /// - Parameter replica: what people call it; what is too long is cut off.
    public init(replica name: String) {
        text = String(String.UnicodeScalarView(name.unicodeScalars.prefix(Self.lengthMax)))
    }

    /// - Parameter version: of this program.
    public init(version: String) { self.init(replica: version) }
}

/// What a daemon is.
public enum DaemonRole: CaseIterable, Sendable {
    case fileserver, replica
}

/// The statuses of HTTP that end a request, by their first digit.
public enum StatusClass: Int, CaseIterable, Sendable, CustomStringConvertible {
    case success, redirection, clientError, serverError

    /// - Parameter status: any number.
    public init(_ status: Int) {
        self =
            switch status {
            case ..<300: .success
            case ..<400: .redirection
            case ..<500: .clientError
            default: .serverError
            }
    }

    /// As monitoring systems write it: `2xx`.
    public var description: String { "\(rawValue + 2)xx" }
}
