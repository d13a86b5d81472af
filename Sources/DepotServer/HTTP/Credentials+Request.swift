import DepotWire
import HTTPTypes
import HummingbirdCore

extension Credentials {
    /// The same that the policy in front has judged.
    init(_ request: Request) {
        self.init(
            method: request.method.rawValue, authorization: request.headers[.authorization],
            cookies: request.headers[values: .cookie], page: request.headers[own: .page],
            site: request.headers[own: .site])
    }

    /// Whether it shows what only browsers keep.
    var isBrowser: Bool { authorization == nil && cookie != nil }
}
