import DepotCore
import NIOCore
import NIOHTTP1

/// Whether whoever sent a request that was let in may know whose server this is.
public enum RequestSender: Sendable {
    /// Showed a token that lets in.
    case authorized
    /// Anybody, with a request that is open to everybody.
    case stranger
}

/// Who may come in: what the connections of one server share.
public struct RequestPolicy: Sendable {
    /// How long a connection may wait with its next request, in total.
    public struct Times: Sendable {
        /// From one that has not shown a token.
        public static let strangerDefault = TimeAmount.seconds(10)

        public let stranger: TimeAmount
        public let idle: TimeAmount

        public init(idle: Duration) {
            let parts = idle.components
            self.idle =
                .seconds(parts.seconds) + .nanoseconds(parts.attoseconds / 1_000_000_000)
            stranger = min(Self.strangerDefault, self.idle)
        }
    }

    let door: any Doorkeeper
    /// Opens `GET /metrics` and nothing else, for whoever must not have what opens the door.
    let watcher: AccessToken?
    /// Names the variable that a caller has the token in.
    let variable: String
    public let times: Times
    public let places: ConnectionRegistry
    /// How connections are secured; `nil`: not at all.
    public let tls: ServerTLS?
    /// Paths that are open to everybody, as they are sent.
    let openPaths: Set<String>

    /// - Parameter openPaths: beside `/health`, and for reading only.
    public init(
        door: any Doorkeeper, watcher: AccessToken? = nil, variable: String, times: Times,
        places: ConnectionRegistry, tls: ServerTLS? = nil, openPaths: Set<String> = []
    ) {
        self.door = door
        self.watcher = watcher
        self.variable = variable
        self.times = times
        self.places = places
        self.tls = tls
        self.openPaths = openPaths
    }

    /// Nothing but the open paths is told to somebody without a token, not even whether a path exists,
    /// or whose server this is.
    ///
    /// - Returns: whether a token was shown.
    func admit(
        _ head: HTTPRequestHead, on channel: any Channel
    ) throws(RequestRefusal) -> Bool {
        let given = Credentials(head)
        if isWatcher(head, showing: given.authorization) {
            try begin(on: channel, with: Self.watcherName)
            return true
        }
        try requireCertificate(for: head, on: channel)
        let token: String
        switch door.judge(given) {
        case .admitted(let name): token = name
        case .refused(let reason):
            if isOpenToAll(head) { return false }
            throw RequestRefusal(
                .unauthorized, as: .unauthorized,
                given.authorization == nil && given.cookie == nil
                    ? "a token is needed: send 'Authorization: Bearer TOKEN', or set \(variable)"
                    : "\(reason); see \(variable)",
                headers: ["www-authenticate": "Bearer"])
        }
        try begin(on: channel, with: token)
        return true
    }

    /// - Parameter token: its name.
    private func begin(on channel: any Channel, with token: String) throws(RequestRefusal) {
        guard places.begin(on: channel, with: token) else {
            throw RequestRefusal(
                .tooManyRequests, as: .busy, "all connections are in use; try again",
                headers: ["retry-after": "1"])
        }
    }

    private static let watcherName = "metrics"

    /// Whether a request reads the metrics, with the token that opens them alone.
    private func isWatcher(_ head: HTTPRequestHead, showing authorization: String?) -> Bool {
        guard let watcher, head.method == .GET, Self.isAbout(FileServerRoute.metrics, head)
        else { return false }
        return watcher.admits(authorization)
    }

    /// Who sent a request that was let in.
    public func sender(of head: HTTPRequestHead) -> RequestSender {
        // Where only the door's token lets in, it was compared before.
        guard isOpenToAll(head) || Self.isAbout(FileServerRoute.metrics, head) else {
            return .authorized
        }
        let shown = Credentials(head)
        guard case .admitted = door.judge(shown) else { return .stranger }
        return .authorized
    }

    func isOpenToAll(_ head: HTTPRequestHead) -> Bool {
        if Self.isAbout(FileServerRoute.health, head) { return true }
        return !openPaths.isEmpty && (head.method == .GET || head.method == .HEAD)
            && openPaths.contains(String(Substring(Self.path(of: head))))
    }

    private static func path(of head: HTTPRequestHead) -> Substring.UTF8View {
        head.uri.utf8.prefix { $0 != UInt8(ascii: "?") }
    }

    private static func isAbout(_ path: String, _ head: HTTPRequestHead) -> Bool {
        Self.path(of: head).elementsEqual(path.utf8)
    }

    /// What the parser in front of the guard may collect of a head.
    public static var parserLimits: NIOHTTPDecoderLimitConfiguration { RequestRules.parserLimits }

    /// Takes a new connection in, and puts itself between the one of its handlers that gives
    /// requests and the service.
    ///
    /// - Throws: `busy` where no more connections are taken.
    public func take(_ channel: any Channel, behind parser: any ChannelHandler) throws {
        guard places.add(channel) else { throw DepotError(.busy, "the server is stopping") }
        let pipeline = channel.pipeline.syncOperations
        let meter = ByteMeter()
        try pipeline.addHandlers([LingeringClose(), meter], position: .first)
        try tls?.secure(channel)
        try pipeline.addHandler(
            RequestGuard(policy: self, meter: meter), position: .after(parser))
    }
}
