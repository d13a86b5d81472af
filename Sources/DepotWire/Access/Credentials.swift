import NIOHTTP1

/// What a request shows of whoever sent it.
public struct Credentials: Sendable, Hashable {
    /// The value of the header of that name.
    public let authorization: String?
    /// The same of `Cookie`; `nil` where there are several, of which nobody knows which counts.
    public let cookie: String?
    /// Whether it asks for a change: neither `GET` nor `HEAD`.
    public let isChange: Bool
    /// Whether it says to come from the page. A page of another origin cannot say so.
    public let isFromPage: Bool
    /// Whether the browser, where it says, says that no other origin had a hand in it.
    public let isSameOrigin: Bool

    /// A request of the page's own carries it, with the value `1`.
    public static let pageHeader = "depot-page"

    /// Says where a request came from, in browsers that say it (Fetch Metadata).
    public static let siteHeader = "sec-fetch-site"

    /// The values of headers, as whoever parsed the request has them.
    ///
    /// - Parameter method: as it was sent.
    public init(
        method: String, authorization: String?, cookies: [String], page: String?, site: String?
    ) {
        self.authorization = authorization
        cookie = cookies.count == 1 ? cookies.first : nil
        isChange = method != "GET" && method != "HEAD"
        isFromPage = page == "1"
        isSameOrigin = site.map { $0 == "same-origin" || $0 == "none" } ?? true
    }

    init(_ head: HTTPRequestHead) {
        self.init(
            method: head.method.rawValue, authorization: head.headers.first(name: "authorization"),
            cookies: head.headers["cookie"], page: head.headers.first(name: Self.pageHeader),
            site: head.headers.first(name: Self.siteHeader))
    }
}
