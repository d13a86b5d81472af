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
    func id(in header: String) -> String? {
        var found: [Substring] = []
        for pair in header.split(separator: ";") {
            let sides = pair.drop { $0 == " " }.split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if sides.count == 2, sides[0] == name { found.append(sides[1]) }
        }
        guard found.count == 1, let id = found.first, !id.isEmpty else { return nil }
        return String(id)
    }
}
