import DepotCore
import DepotWire
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// The HTTP server around the services.
struct HTTPFrontEnd: Sendable {
    let parts: FileServerParts
    let configuration: FileServerConfiguration
    let logger: Logger

    /// Serves until cancelled, or until shut down gracefully and requests under way have ended.
    func open(_ isListening: @escaping @Sendable (Int) -> Void) async throws {
        let server = makeServer(isListening)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            group.addTask {
                try await gracefulShutdown()
                parts.events.end()
                try await parts.context.clock.sleep(configuration.timing.shutdownGrace)
                logger.warning("requests did not end in time; cut off")
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func makeServer(
        _ isListening: @escaping @Sendable (Int) -> Void
    ) -> any Service {
        let timing = configuration.timing
        let places = parts.places
        let policy = RequestPolicy(
            door: parts.door, variable: "DEPOT_TOKEN",
            times: RequestPolicy.Times(idle: timing.idleLimit), places: places,
            tls: configuration.tls, openPaths: PageRequest.openPaths)
        return GuardedChannel(policy: policy, idleLimit: timing.idleLimit) {
            request, writer, channel in
            var writer: ResponseWriter? = writer
            try await LoopExecutor(channel.eventLoop).run {
                let transfer = try TransferWatch.of(
                    channel, configuration.transfers, among: places)
                try await TraceID.$current.withValue(request.trace) {
                    try await transfer.run {
                        guard let writer = writer.take() else { return }
                        try await respond(to: request, writer, transfer)
                    }
                }
            }
        }.server(
            configuration: ServerConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                serverName: "depot"),
            onServerRunning: { channel in
                do {
                    try await channel.pipeline.addHandler(
                        AcceptPause(places: places), position: .first
                    ).get()
                } catch {
                    logger.error("the policy is not guarded", metadata: ["error": "\(error)"])
                }
                isListening(channel.localAddress?.port ?? 0)
            },
            eventLoopGroup: EventLoopGroupProvider.singleton.eventLoopGroup, logger: logger)
    }

    private func respond(
        to request: Request, _ writer: consuming ResponseWriter, _ transfer: Transfer
    ) async throws {
        let began = parts.context.clock.elapsed()
        let credentials = Credentials(request)
        let caller = parts.door.caller(credentials) ?? .stranger
        transfer.isRequest(of: caller.name)
        let body = IncomingBody(request, transfer, memory: parts.bodyBudget)
        let exchange = Exchange(
            headers: request.headers, credentials: credentials, body: body, transfer: transfer,
            caller: caller,
            audit: AuditNote())
        var response: Response
        var route: Route?
        do {
            let parsed = try FileServerRequest(
                method: request.method.rawValue, uri: request.uri)
            route = parsed.route
            do {
                try parsed.route.permit(exchange.caller, name: parsed.name)
                if parsed.takesBody, body.expectsContinue {
                    try await writer.writeInformationalHead(HTTPResponse(status: .continue))
                }
                let routes = FileServerRoutes(parts: parts, version: configuration.version)
                response = try await routes.answer(parsed, exchange)
            } catch {
                response = refusal(of: error, request)
            }
            audit(parsed, request, exchange, response)
        } catch {
            response = refusal(of: error, request)
        }
        response.headers[.server] = "depot"
        response.headers[own: .trace] = TraceID.current?.description
        response.headers[own: .exchange] = request.headers[own: .exchange]
        response.headers[.xContentTypeOptions] = "nosniff"
        if credentials.isBrowser, response.headers[.cacheControl] == nil {
            response.headers[.cacheControl] = "no-store"
        }
        response.headers[.date] = HTTPDate.text(parts.context.clock.timestamp())
        if request.method == .head { response = response.createHeadResponse() }
        let (status, length) = (response.status.code, response.body.contentLength ?? 0)
        func note(isCutOff: Bool) {
            self.note(
                request,
                AnsweredRequest(
                    route: route, status: status, duration: parts.context.clock.elapsed() - began,
                    received: body.received, sent: isCutOff ? 0 : UInt64(length),
                    isCutOff: isCutOff))
        }
        do {
            try await writer.write(response: response.head, body: response.body)
            note(isCutOff: false)
        } catch {
            note(isCutOff: true)
            // The answer has begun: the only honest way to end it is to cut the connection.
            // Anybody can do that, as often as he likes.
            logger.info(
                "an answer was cut off",
                metadata: ["path": "\(request.uri.path)", "error": "\(error)"])
            throw error
        }
    }

    private func refusal(of error: any Error, _ request: Request) -> Response {
        if let error = error as? any AnsweredError { return error.response }
        let known = DepotError(wrapping: error)
        guard known.code == .internalError else { return Response(known) }
        logger.error(
            "a request failed", metadata: ["path": "\(request.uri.path)", "error": "\(known)"])
        return Response(
            DepotError(
                .internalError,
                "a mistake of the FileServer; its log says more, at request-id "
                    + (TraceID.current?.description ?? "")))
    }

    private func note(_ request: Request, _ answered: AnsweredRequest) {
        for observer in parts.observers { observer.note(answered) }
        logger.debug(
            "request",
            metadata: [
                "method": "\(request.method.rawValue)", "path": "\(request.uri.path)",
                "status": "\(answered.status)", "seconds": "\(answered.duration / .seconds(1))",
            ])
    }
}

extension Request {
    /// The one that it brings, or else one of our own.
    fileprivate var trace: TraceID {
        headers[own: .trace].flatMap { TraceID($0) } ?? .random()
    }
}
