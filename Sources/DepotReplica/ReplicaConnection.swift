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

    private enum State {
        case idle
        /// A small body is being read whole.
        case collecting(ReplicaDesk.Question, ByteBuffer)
        /// Objects are being taken in.
        case receiving(ObjectIntake)
        /// The request is over, or its rest is of no interest; the answer is being made or written.
        case answering
    }

    private let context: ReplicaContext
    private let desk: ReplicaDesk
    private var state = State.idle
    /// Whether the request under way has been read to its end, and its answer written to its end.
    private var isRead = true
    private var isAnswered = true
    /// Counts requests. The next one may have come together with this one, and begins before this one's answer is
    /// known to have been written.
    private var number = 0
    private var keepsAlive = true
    private var exchange: String?
    private var isDraining = false
    private var isReadWanted = false
    private var channelContext: ChannelHandlerContext?

    init(context: ReplicaContext) {
        self.context = context
        desk = ReplicaDesk(context: context)
    }

    func handlerAdded(context: ChannelHandlerContext) { channelContext = context }
    func handlerRemoved(context: ChannelHandlerContext) { channelContext = nil }

    // MARK: In

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): begin(head, context)
        case .body(let bytes): receive(bytes, context)
        case .end:
            isRead = true
            end(context)
            closeIfOver(context)
        }
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        number += 1
        isRead = false
        isAnswered = false
        keepsAlive = head.isKeepAlive
        exchange = head.headers.first(name: WireExchange.header)
        do throws(DepotError) {
            let question = try desk.admit(head)
            guard question.route == .objects else {
                state = .collecting(question, ByteBuffer())
                return
            }
            beginIntake(question, context)
        } catch {
            refuse(error, context)
        }
    }

    private func beginIntake(_ question: ReplicaDesk.Question, _ context: ChannelHandlerContext) {
        let intake = ObjectIntake(context: self.context, loop: context.eventLoop)
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        intake.onRoom = { bound.value.readIfWanted() }
        intake.onEnd = { result in bound.value.intakeEnded(result) }
        state = .receiving(intake)
        let loop = context.eventLoop
        Task { [desk] in
            do throws(DepotError) {
                _ = try await desk.checkClaim(question.headers)
                loop.execute { bound.value.claimAccepted() }
            } catch {
                loop.execute { bound.value.claimRefused(error) }
            }
        }
    }

    private func claimAccepted() {
        if case .receiving(let intake) = state { intake.admit() }
    }

    private func claimRefused(_ error: DepotError) {
        guard case .receiving(let intake) = state, let channelContext else { return }
        state = .answering
        intake.onEnd = nil
        intake.abandon()
        refuse(error, channelContext)
    }

    private func intakeEnded(_ result: Result<Void, DepotError>) {
        guard case .receiving = state, let channelContext else { return }
        switch result {
        case .success:
            state = .answering
            write(.done, channelContext)
        case .failure(let error): refuse(error, channelContext)
        }
        readIfWanted()
    }

    private func receive(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        switch state {
        case .receiving(let intake): intake.receive(bytes)
        case .collecting(let question, var body):
            guard body.readableBytes + bytes.readableBytes <= WireLimits.bodyBytesMax else {
                refuse(
                    DepotError(
                        .tooLarge, "a body has at most \(WireLimits.bodyBytesMax) bytes",
                        object: question.route.rawValue), context)
                return
            }
            // Out of the enum first, or the buffer is copied.
            state = .answering
            body.writeImmutableBuffer(bytes)
            state = .collecting(question, body)
        case .idle, .answering: break  // the rest of a request that was refused
        }
    }

    private func end(_ context: ChannelHandlerContext) {
        switch state {
        case .receiving(let intake): intake.end()
        case .collecting(let question, let body):
            state = .answering
            answer(question, body, context)
        case .idle, .answering: break
        }
    }

    private func answer(
        _ question: ReplicaDesk.Question, _ body: ByteBuffer, _ context: ChannelHandlerContext
    ) {
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let loop = context.eventLoop
        Task { [desk] in
            let answer: ReplicaAnswer
            do throws(DepotError) {
                try BodyDigest.check(
                    body, against: question.headers.first(name: BodyDigest.header),
                    from: question.route.rawValue)
                answer = try await desk.answer(question, body)
            } catch {
                answer = .error(error)
            }
            let complete = await desk.identified(answer)
            loop.execute { bound.value.send(complete) }
        }
    }

    // MARK: Out

    private func refuse(_ error: DepotError, _ context: ChannelHandlerContext) {
        self.context.logger.info(
            "refused", metadata: ["code": "\(error.code.rawValue)", "why": "\(error)"])
        state = .answering
        write(.error(error), context)
    }

    /// Adds who answers, and writes.
    private func write(_ answer: ReplicaAnswer, _ context: ChannelHandlerContext) {
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let loop = context.eventLoop
        Task { [desk] in
            let complete = await desk.identified(answer)
            loop.execute { bound.value.send(complete) }
        }
    }

    private func send(_ answer: ReplicaAnswer) {
        guard let context = channelContext, context.channel.isActive, !isAnswered else { return }
        var headers = answer.headers
        let length = answer.parts.reduce(0) { $0 + $1.length }
        if answer.status != .noContent {
            headers.add(name: "content-length", value: String(length))
        }
        if answer.parts.count == 1, case .bytes(let body) = answer.parts[0] {
            headers.add(name: BodyDigest.header, value: BodyDigest.of(body))
        }
        if let exchange { headers.add(name: WireExchange.header, value: exchange) }
        if !keepsAlive || isDraining { headers.add(name: "connection", value: "close") }
        let head = HTTPResponseHead(version: .http1_1, status: answer.status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        for part in answer.parts { write(part, context) }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let number = number
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
            bound.value.answerEnded(number)
        }
    }

    private func write(_ part: ReplicaAnswer.Part, _ context: ChannelHandlerContext) {
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
                // The descriptor is the segment's: it goes back, and the extent has kept it open until here.
                withExtendedLifetime(extent) { _ = try? handle.takeDescriptorOwnership() }
            }
            context.write(wrapOutboundOut(.body(.fileRegion(region))), promise: written)
        }
    }

    private func answerEnded(_ number: Int) {
        guard number == self.number else { return }
        isAnswered = true
        guard let channelContext else { return }
        closeIfOver(channelContext)
        readIfWanted()
    }

    private func closeIfOver(_ context: ChannelHandlerContext) {
        guard isRead, isAnswered else { return }
        state = .idle
        if !keepsAlive || isDraining { context.close(promise: nil) }
    }

    // MARK: Reading or not

    func read(context: ChannelHandlerContext) {
        if case .receiving(let intake) = state, intake.isFull {
            isReadWanted = true
        } else {
            context.read()
        }
    }

    private func readIfWanted() {
        if case .receiving(let intake) = state, intake.isFull { return }
        guard isReadWanted, let channelContext else { return }
        isReadWanted = false
        channelContext.read()
    }

    // MARK: Ends

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ConnectionRegistry.Drain:
            isDraining = true
            if isRead, isAnswered { context.close(promise: nil) }
        case is IdleStateHandler.IdleStateEvent: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .receiving(let intake) = state {
            intake.onEnd = nil
            intake.abandon()
        }
        state = .answering
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.context.logger.debug("connection failed", metadata: ["why": "\(error)"])
        context.close(promise: nil)
    }
}

extension ReplicaDesk {
    /// Adds to an answer who gives it and how far its log is.
    func identified(_ answer: ReplicaAnswer) async -> ReplicaAnswer {
        var answer = answer
        do throws(DepotError) {
            answer.headers.add(standing: try await context.storage.standing())
        } catch {
            context.logger.warning("cannot say how far the log is", metadata: ["why": "\(error)"])
        }
        return answer
    }
}
