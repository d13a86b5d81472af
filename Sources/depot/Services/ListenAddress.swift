import DepotCore
import DepotWire

/// `HOST:PORT`, where a daemon listens; port 0 is any free one.
struct ListenAddress {
    let host: String
    let port: Int

    init(_ text: String) throws(DepotError) {
        guard let colon = text.lastIndex(of: ":"), colon != text.startIndex,
            let port = Int(text[text.index(after: colon)...]), (0...65_535).contains(port)
        else {
            throw DepotError(
                .invalidArgument, "not an address to listen on; expected HOST:PORT", object: text)
        }
        let host = text[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        self.host = String(isBracketed ? host.dropFirst().dropLast() : host)
        self.port = port
    }

    /// Where a client on this machine finds who listens here: on all addresses is on none that can
    /// be called.
    var reachable: String {
        switch host {
        case "0.0.0.0": "127.0.0.1"
        case "::": "::1"
        default: host
        }
    }
}
