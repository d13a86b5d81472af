import DepotCore

/// The cookie with a session's id.
struct SessionCookie: Sendable {
    /// One for each depot: browsers keep cookies by host, whatever the port. With TLS the name has
    /// the browser refuse it from anybody but this host.
    let name: String
    private let isSecure: Bool

    init(cluster: ClusterID, isSecure: Bool) {
        self.isSecure = isSecure
        name = (isSecure ? "__Host-" : "") + "depot-" + cluster.description.prefix(8)
    }

    /// The value of `Set-Cookie` that begins a session.
    func setting(_ id: String) -> String {
        attributes(id, seconds: PageSessions.lifetime.components.seconds)
    }

    /// The same that ends it.
    var ending: String { attributes("", seconds: 0) }

    private func attributes(_ value: String, seconds: Int64) -> String {
        "\(name)=\(value); Path=/; Max-Age=\(seconds); HttpOnly; SameSite=Strict"
            + (isSecure ? "; Secure" : "")
    }

    /// The id in the value of a `Cookie` header; `nil` where there is none, or where the name is
    /// there twice.
    ///
    /// It is read as bytes, as RFC 6265 has it. A semicolon is one whatever the cookies of others
    /// have beside it, and some characters join the one behind them.
    func id(in header: String) -> String? {
        var found: [Substring.UTF8View] = []
        for pair in header.utf8.split(separator: UInt8(ascii: ";")) {
            let sides = pair.drop { $0 == UInt8(ascii: " ") }.split(
                separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            if sides.count == 2, sides[0].elementsEqual(name.utf8) { found.append(sides[1]) }
        }
        guard found.count == 1, let id = found.first, !id.isEmpty else { return nil }
        return String(Substring(id))
    }
}
