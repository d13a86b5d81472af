import DepotWire
import HTTPTypes
import HummingbirdCore

extension Credentials {
    /// The same that the policy in front has judged.
    init(_ request: Request) {
        let cookies = request.headers[values: .cookie]
        let site = HTTPField.Name("sec-fetch-site").flatMap { request.headers[$0] }
        self.init(
            authorization: request.headers[.authorization],
            cookie: cookies.count == 1 ? cookies.first : nil,
            isChange: request.method != .get && request.method != .head,
            isFromPage: HTTPField.Name(Self.pageHeader).flatMap { request.headers[$0] } == "1",
            isSameOrigin: site.map { $0 == "same-origin" || $0 == "none" } ?? true)
    }

    /// Whether it shows what only browsers keep.
    var isBrowser: Bool { authorization == nil && cookie != nil }
}
