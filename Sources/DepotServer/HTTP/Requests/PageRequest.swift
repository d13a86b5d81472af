import DepotCore
import DepotPage
import DepotWire
import HTTPTypes
import HummingbirdCore
import NIOCore

/// Requests for what is in the binary, and those that the page makes and nobody else needs: the
/// page itself, what it is made of, and what it shows.
enum PageRequest: Sendable, Equatable {
    case page
    case asset(PageAsset)
    case interface
    case folder(prefix: String, after: String?, limit: Int, withHealth: Bool)
    case overview
    case traffic
    case events(isOnce: Bool)

    var route: Route {
        switch self {
        case .page: .page
        case .asset: .asset
        case .interface: .interface
        case .folder: .folder
        case .overview: .overview
        case .traffic: .traffic
        case .events: .events
        }
    }

    /// - Parameter target: behind `/v1`.
    /// - Returns: `nil` for what is none of them.
    init?(data target: RequestTarget) throws {
        guard target.parts.count == 1 else { return nil }
        let query = target.query
        switch target.parts.first {
        case "folders":
            self = try target.choose([
                "GET": {
                    .folder(
                        prefix: query["prefix"] ?? "", after: query["after"],
                        limit: try query.number("limit", in: 1...FolderPage.limitMax)
                            ?? FolderPage.limitMax, withHealth: try query.flag("health"))
                }
            ])
        case "overview": self = try target.choose(["GET": { .overview }])
        case "traffic": self = try target.choose(["GET": { .traffic }])
        case "events":
            self = try target.choose(["GET": { .events(isOnce: try query.flag("once")) }])
        default: return nil
        }
    }

    /// - Parameter target: the whole.
    /// - Returns: `nil` for what is not in the binary.
    init?(asset target: RequestTarget) throws {
        switch (target.parts.first, target.parts.count) {
        case ("", 1):
            self = try target.choose(["GET": { .page }, "HEAD": { .page }])
        case ("page", 2):
            guard let name = target.parts.last, let asset = PageAsset(named: String(name)) else {
                return nil
            }
            self = try target.choose(["GET": { .asset(asset) }, "HEAD": { .asset(asset) }])
        case ("openapi.yaml", 1):
            self = try target.choose(["GET": { .interface }, "HEAD": { .interface }])
        default: return nil
        }
    }

    /// Those that are open to everybody.
    static let openPaths = Set(
        ["/", "/v1/session", "/openapi.yaml"] + PageAsset.all.map { "/page/" + $0.name })
}

extension FileServerRoutes {
    func answer(_ request: PageRequest, _ exchange: Exchange) async throws -> Response {
        switch request {
        case .page: return Response(parts.page, exchange)
        case .asset(let asset): return Response(asset, exchange)
        case .interface: return Response(parts.interface, exchange)
        case .folder(let prefix, let after, let limit, let withHealth):
            let room = try await room(for: limit, over: exchange.transfer)
            return try Response(
                json: try await parts.folders.list(
                    prefix, after: after, limit: limit, withHealth: withHealth,
                    within: exchange.caller.reach), in: room)
        case .overview: return Response(jsonText: try await parts.overview.current().text)
        case .traffic: return try Response(json: parts.traffic.body())
        case .events(let isOnce): return try await events(exchange, isOnce: isOnce)
        }
    }
}

extension Response {
    /// What a browser may do with the page: nothing but what comes from here.
    static let pagePolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        + "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

    /// A file of the binary's. Browsers ask each time whether theirs is the newest.
    fileprivate init(_ asset: PageAsset, _ exchange: Exchange) {
        let tag = "\"\(asset.tag)\""
        var headers: HTTPFields = [
            .contentType: asset.type, .eTag: tag, .cacheControl: "no-cache",
        ]
        headers.limitPage()
        guard exchange.headers[.ifNoneMatch] != tag else {
            self.init(status: .notModified, headers: headers)
            self.headers[.contentLength] = nil
            return
        }
        self.init(
            status: .ok, headers: headers,
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: asset.bytes)))
    }
}

extension HTTPFields {
    fileprivate mutating func limitPage() {
        self[.contentSecurityPolicy] = Response.pagePolicy
        self[.xContentTypeOptions] = "nosniff"
        self[own: .resourcePolicy] = "same-origin"
        self[own: .referrerPolicy] = "no-referrer"
        self[own: .frameOptions] = "DENY"
    }
}
