import DepotCore
import FoundationEssentials

/// Where a daemon listens: `http://host:port`, or `https://host:port` where it speaks TLS.
public struct Endpoint: Sendable, Hashable, CustomStringConvertible {
    public let host: String
    public let port: Int
    public let isSecure: Bool

    public init(host: String, port: Int, isSecure: Bool = false) {
        self.host = host
        self.port = port
        self.isSecure = isSecure
    }

    /// - Throws: `invalidArgument` for anything but `http://HOST:PORT` and `https://HOST:PORT`, with
    ///   an optional `/` behind it.
    public init(_ url: String) throws(DepotError) {
        func fault(_ reason: String) -> DepotError {
            DepotError(
                .invalidArgument,
                "not an address: \(reason); expected http://HOST:PORT or https://HOST:PORT",
                object: url)
        }
        guard let parts = URL(string: url), let scheme = parts.scheme?.lowercased(),
            ["http", "https"].contains(scheme), let host = parts.host, !host.isEmpty
        else { throw fault("it is no http URL") }
        guard parts.path.isEmpty || parts.path == "/", parts.query == nil, parts.user == nil else {
            throw fault("it names more than a host and a port")
        }
        guard let port = parts.port, (1...65_535).contains(port) else {
            throw fault("the port is missing")
        }
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        self.init(
            host: isBracketed ? String(host.dropFirst().dropLast()) : host, port: port,
            isSecure: scheme == "https")
    }

    /// The value of the `Host` header.
    public var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    public var description: String { "\(isSecure ? "https" : "http")://\(authority)" }
}
