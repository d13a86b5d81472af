import DepotCore
import DepotWire
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// The HTTP server around the services.
struct FrontDoor: Sendable {
    /// What a client sends after it was refused is read up to here, so that it gets to see why; then the
    /// connection is cut.
    static let drainedMax = 8 << 20

    let parts: FileServerParts
    let configuration: FileServerConfiguration
    let logger: Logger

    /// Serves until cancelled, or until shut down gracefully and requests under way have ended.
    func open(_ isListening: @escaping @Sendable (Int) -> Void) async throws {
        let server = try makeServer(isListening)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            group.addTask {
                try await gracefulShutdown()
                try await parts.pool.clock.sleep(configuration.timing.shutdownGrace)
                logger.warning("requests did not end in time; cut off")
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func makeServer(
        _ isListening: @escaping @Sendable (Int) -> Void
    ) throws -> any Service {
        let idle = configuration.timing.idleLimit.components.seconds
        return try HTTPServerBuilder.http1(
            configuration: .init(
                additionalChannelHandlers: [ChannelTuner()], idleTimeout: .seconds(idle))
        )
        .buildServer(
            configuration: ServerConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                serverName: "depot",
                availableConnectionsDelegate: MaximumAvailableConnections(
                    configuration.limits.connections, logger: logger)),
            eventLoopGroup: EventLoopGroupProvider.singleton.eventLoopGroup, logger: logger,
            responder: { request, writer, channel in
                var writer: ResponseWriter? = writer
                try await LoopExecutor(channel.eventLoop).run {
                    guard let writer = writer.take() else { return }
                    try await respond(to: request, writer)
                }
            },
            onServerRunning: { channel in isListening(channel.localAddress?.port ?? 0) })
    }

    private func respond(to request: Request, _ writer: consuming ResponseWriter) async throws {
        let began = parts.pool.clock.elapsed()
        let body = IncomingBody(request)
        let routes = FileServerRoutes(parts: parts, version: configuration.version)
        var response: Response
        do {
            let endpoint = try admit(request)
            if endpoint.takesBody, body.expectsContinue {
                body.isInvited = true
                try await writer.writeInformationalHead(HTTPResponse(status: .continue))
            }
            response = try await routes.answer(endpoint, request, body)
        } catch {
            response = refusal(of: error, request)
        }
        response.headers[.server] = "depot"
        if let name = HTTPField.Name(WireExchange.header) {
            response.headers[name] = request.headers[name]
        }
        response.headers[.date] = HTTPDate.text(parts.pool.clock.timestamp())
        if request.method == .head { response = response.createHeadResponse() }
        if !body.isOver { response.headers[.connection] = "close" }
        note(request, response, since: began)
        do {
            try await writer.write(response: response.head, body: response.body)
        } catch {
            // The answer has begun: the only honest way to end it is to cut the connection.
            logger.warning(
                "an answer was cut off",
                metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
            throw error
        }
        try await body.drain(atMost: Self.drainedMax)
    }

    /// Nothing but `/health` is told to somebody without the token, not even whether a path exists.
    private func admit(_ request: Request) throws -> Endpoint {
        if request.uri.path == FileServerRoute.health {
            return try Endpoint(method: request.method.rawValue, uri: request.uri)
        }
        let given = request.headers[.authorization]
        guard configuration.token.admits(given) else {
            throw DepotError(
                .unauthorized,
                given == nil
                    ? "a token is needed: send 'Authorization: Bearer TOKEN', or set DEPOT_TOKEN"
                    : "the token is not the one of this FileServer")
        }
        return try Endpoint(method: request.method.rawValue, uri: request.uri)
    }

    private func refusal(of error: any Error, _ request: Request) -> Response {
        if let error = error as? MethodNotAllowed { return error.response }
        let known = DepotError(wrapping: error)
        guard known.code == .internalError else { return Response(known) }
        logger.error(
            "a request failed", metadata: ["path": "\(request.uri.path)", "error": "\(known)"])
        return Response(
            DepotError(.internalError, "a mistake of the FileServer; its log says more"))
    }

    private func note(_ request: Request, _ response: Response, since began: Duration) {
        logger.debug(
            "request",
            metadata: [
                "method": "\(request.method.rawValue)", "path": "\(request.uri.path)",
                "status": "\(response.status.code)",
                "seconds": "\((parts.pool.clock.elapsed() - began) / .seconds(1))",
            ])
    }
}
