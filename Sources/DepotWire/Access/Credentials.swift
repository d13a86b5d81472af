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

    public init(
        authorization: String?, cookie: String? = nil, isChange: Bool = false,
        isFromPage: Bool = false, isSameOrigin: Bool = true
    ) {
        self.authorization = authorization
        self.cookie = cookie
        self.isChange = isChange
        self.isFromPage = isFromPage
        self.isSameOrigin = isSameOrigin
    }

    public init(method: HTTPMethod, headers: HTTPHeaders) {
        let cookies = headers["cookie"]
        let site = headers.first(name: "sec-fetch-site")
        self.init(
            authorization: headers.first(name: "authorization"),
            cookie: cookies.count == 1 ? cookies.first : nil,
            isChange: method != .GET && method != .HEAD,
            isFromPage: headers.first(name: Self.pageHeader) == "1",
            isSameOrigin: site.map { $0 == "same-origin" || $0 == "none" } ?? true)
    }
}
