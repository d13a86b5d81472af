import DepotCore
import DepotWire
import Logging
import NIOCore
import NIOHTTP1

/// One connection of a replica, on its event loop.
final class ReplicaConnection: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// Where the request under way is. Each head leads to `collecting` or `receiving`, or, where it
    /// is refused, to `refusing`.
    private enum State {
        /// No request is under way.
        case idle
        /// A small body is being read whole. The request's end leads to `answering`; too long a
        /// body, to `refusing`.
        case collecting(ReplicaRequest, ByteBuffer)
        /// Objects are being received. When all of them were appended it is `answering`; when
        /// something failed, `answering` or `refusing`, as the request has ended or not.
        case receiving(ObjectReceiver)
        /// The request was read to its end, and the response is being made or written. When that
        /// is written it is `idle`, unless the next request has begun.
        case answering
        /// The response is being made or written while the request's rest, which is of no
        /// interest, still comes. The end of the request leads to `answering`; that of the
        /// response, to `discarding`.
        case refusing
        /// The response was written, and the request's rest still comes. Its end leads to `idle`.
        case discarding
        /// The connection is gone: nothing comes, and nothing can be written.
        case closed
    }

    private let context: ReplicaContext
    private let handler: ReplicaRequestHandler
    private var state = State.idle
    /// Counts requests. The next one may have come together with this one; then it begins before
    /// this one's response is known to have been written.
    private var number = 0
    private var exchange: String?
    /// Of the request that began last.
    private var count: RequestCount?
    private var sender = RequestSender.stranger
    private var trace: TraceID?
    /// Of the request, for the log.
    private var path = ""
    /// Whether the channel asked to be read while the receiver was full.
    private var isReadWanted = false
    private var channelContext: ChannelHandlerContext?

    init(context: ReplicaContext) {
        self.context = context
        handler = ReplicaRequestHandler(context: context)
    }

    func handlerAdded(context: ChannelHandlerContext) { channelContext = context }
    func handlerRemoved(context: ChannelHandlerContext) { channelContext = nil }

    // MARK: In

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if case .head(let head) = part {
            trace = head.headers.first(name: TraceID.header).flatMap { TraceID($0) }
        }
        // What works on the request, and logs, knows by it for whom.
        TraceID.$current.withValue(trace) {
            switch part {
            case .head(let head): begin(head, context)
            case .body(let bytes): receive(bytes, context)
            case .end: end(context)
            }
        }
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        number += 1
        count = RequestCount(of: head.uri)
        exchange = head.headers.first(name: WireExchange.header)
        path = head.uri
        sender = self.context.policy.sender(of: head)
        do throws(DepotError) {
            switch try AdmittedRequest(head) {
            case .upload(let headers): beginReceiving(headers, context)
            case .whole(let request): state = .collecting(request, ByteBuffer())
            }
        } catch {
            refuse(error, context)
        }
    }

    private func beginReceiving(_ headers: HTTPHeaders, _ context: ChannelHandlerContext) {
        let receiver = ObjectReceiver(context: self.context, loop: context.eventLoop)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        receiver.onRoom = { bound.value.readIfWanted() }
        receiver.onEnd = { result in bound.value.receivingEnded(result) }
        state = .receiving(receiver)
        let loop = context.eventLoop
        Task { [handler] in
            do throws(DepotError) {
                _ = try await handler.checkClaim(headers, wantsWriter: true)
                loop.execute { bound.value.claimAccepted() }
            } catch {
                loop.execute { bound.value.claimRefused(error) }
            }
        }
    }

    private func claimAccepted() {
        if case .receiving(let receiver) = state { receiver.admit() }
    }

    private func claimRefused(_ error: DepotError) {
        guard case .receiving = state, let channelContext else { return }
        refuse(error, channelContext)
    }

    private func receivingEnded(_ result: Result<Void, DepotError>) {
        guard case .receiving(let receiver) = state, let channelContext else { return }
        switch result {
        case .success:
            stop(receiver)
            write(.done, channelContext)
        case .failure(let error): refuse(error, channelContext)
        }
        readIfWanted()
    }

    private func stop(_ receiver: ObjectReceiver) {
        receiver.onEnd = nil
        receiver.abandon()
        state = receiver.hasEnded ? .answering : .refusing
    }

    private func receive(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        count?.receive(bytes.readableBytes)
        switch state {
        case .receiving(let receiver): receiver.receive(bytes)
        case .collecting(let request, var body):
            guard body.readableBytes + bytes.readableBytes <= WireLimits.bodyBytesMax else {
                refuse(
                    DepotError(
                        .tooLarge, "a body has at most \(WireLimits.bodyBytesMax) bytes",
                        object: request.path), context)
                return
            }
            // The buffer is taken out of the enum first: otherwise it would be copied.
            state = .refusing
            body.writeImmutableBuffer(bytes)
            state = .collecting(request, body)
        case .idle, .answering, .refusing, .discarding, .closed: break
        }
    }

    private func end(_ context: ChannelHandlerContext) {
        switch state {
        case .receiving(let receiver): receiver.end()
        case .collecting(let request, let body):
            state = .answering
            answer(request, body, in: context)
        case .refusing: state = .answering
        case .discarding: state = .idle
        case .idle, .answering, .closed: break
        }
    }

    private func answer(
        _ request: ReplicaRequest, _ body: ByteBuffer, in context: ChannelHandlerContext
    ) {
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let loop = context.eventLoop
        Task { [handler, sender] in
            let response: ReplicaResponse
            do throws(DepotError) {
                try BodyDigest.check(
                    body, against: request.headers.first(name: BodyDigest.header),
                    from: request.path)
                response = try await handler.answer(request, body)
            } catch {
                response = .error(error)
            }
            let complete = await handler.identified(response, to: sender)
            loop.execute { bound.value.send(complete) }
        }
    }

    // MARK: Out

    private func refuse(_ error: DepotError, _ context: ChannelHandlerContext) {
        if case .receiving(let receiver) = state { stop(receiver) } else { state = .refusing }
        self.context.logger.info(
            "refused", metadata: ["code": "\(error.code.rawValue)", "why": "\(error)"])
        write(.error(error), context)
    }

    /// Adds who answers, where the sender may know, and writes.
    private func write(_ response: ReplicaResponse, _ context: ChannelHandlerContext) {
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let loop = context.eventLoop
        Task { [handler, sender] in
            let complete = await handler.identified(response, to: sender)
            loop.execute { bound.value.send(complete) }
        }
    }

    private func send(_ response: ReplicaResponse) {
        TraceID.$current.withValue(trace) { send(traced: response) }
    }

    private func send(traced response: ReplicaResponse) {
        guard let context = channelContext, context.channel.isActive, isAnswerDue else { return }
        var headers = response.headers
        let length = response.parts.reduce(0) { $0 + $1.length }
        if response.status != .noContent {
            headers.add(name: "content-length", value: String(length))
        }
        if response.parts.count == 1, case .bytes(let body) = response.parts[0] {
            headers.add(name: BodyDigest.header, value: BodyDigest.of(body))
        }
        if let exchange { headers.add(name: WireExchange.header, value: exchange) }
        let head = HTTPResponseHead(version: .http1_1, status: response.status, headers: headers)
        self.context.logger.debug(
            "request",
            metadata: [
                "path": "\(path)", "status": "\(response.status.code)", "bytes": "\(length)",
            ])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        let answered = Answered(number: number, count: count, status: response.status, length)
        if self.context.policy.tls != nil {
            sendPieces(of: response.parts, answered, context)
            return
        }
        for part in response.parts { write(part, context) }
        end(answered, context)
    }

    /// An answer under way.
    private struct Answered {
        let number: Int
        let count: RequestCount?
        let status: HTTPResponseStatus
        /// Bytes of its body.
        let length: Int

        init(number: Int, count: RequestCount?, status: HTTPResponseStatus, _ length: Int) {
            (self.number, self.count, self.status) = (number, count, status)
            self.length = length
        }
    }

    /// Ends the answer under way, of which everything else was written.
    private func end(_ answered: Answered, _ context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, answered), eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            let (connection, answered) = bound.value
            connection.ended(answered)
        }
    }

    private func ended(_ answered: Answered) {
        answered.count?.note(
            Int(answered.status.code), sent: answered.length, in: context.metrics.requests)
        answerEnded(answered.number)
    }

    private func sendPieces(
        of parts: [ReplicaResponse.Part], _ answered: Answered, _ context: ChannelHandlerContext
    ) {
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let loop = context.eventLoop
        FilePieces(parts, on: loop) { bytes in
            let connection = bound.value
            guard let context = connection.channelContext else {
                return loop.makeFailedFuture(ChannelError.ioOnClosedChannel)
            }
            return context.writeAndFlush(connection.wrapOutboundOut(.body(.byteBuffer(bytes))))
        } onEnd: { result in
            guard let context = bound.value.channelContext else { return }
            switch result {
            case .success: bound.value.end(answered, context)
            // The answer has begun: the only honest way to end it is to cut the connection.
            case .failure: context.close(promise: nil)
            }
        }.advance()
    }

    private func write(_ part: ReplicaResponse.Part, _ context: ChannelHandlerContext) {
        switch part {
        case .bytes(let bytes):
            context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil)
        case .file(let extent):
            let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: extent.descriptor)
            let region = FileRegion(
                fileHandle: handle, readerIndex: Int(extent.offset),
                endIndex: Int(extent.offset) + extent.length)
            let written = context.eventLoop.makePromise(of: Void.self)
            written.futureResult.whenComplete { _ in
                // The descriptor belongs to the segment, and the extent has kept it open until
                // here. So it goes back.
                withExtendedLifetime(extent) { _ = try? handle.takeDescriptorOwnership() }
            }
            context.write(wrapOutboundOut(.body(.fileRegion(region))), promise: written)
        }
    }

    private var isAnswerDue: Bool {
        switch state {
        case .answering, .refusing: true
        case .idle, .collecting, .receiving, .discarding, .closed: false
        }
    }

    private func answerEnded(_ number: Int) {
        guard number == self.number else { return }
        switch state {
        case .answering: state = .idle
        case .refusing: state = .discarding
        case .idle, .collecting, .receiving, .discarding, .closed: break
        }
        readIfWanted()
    }

    // MARK: Reading or not

    func read(context: ChannelHandlerContext) {
        if case .receiving(let receiver) = state, receiver.isFull {
            isReadWanted = true
        } else {
            context.read()
        }
    }

    private func readIfWanted() {
        if case .receiving(let receiver) = state, receiver.isFull { return }
        guard isReadWanted, let channelContext else { return }
        isReadWanted = false
        channelContext.read()
    }

    // MARK: Ends

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is IdleStateHandler.IdleStateEvent: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .receiving(let receiver) = state { stop(receiver) }
        state = .closed
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? DepotError else {
            self.context.logger.debug("connection failed", metadata: ["why": "\(error)"])
            context.close(promise: nil)
            return
        }
        // The body cannot be read on.
        switch state {
        case .receiving, .collecting: refuse(error, context)
        case .idle, .answering, .refusing, .discarding, .closed: break
        }
    }
}
