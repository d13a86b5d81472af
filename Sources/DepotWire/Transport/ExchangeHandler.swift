import DepotCore
import NIOCore
import NIOHTTP1

// One connection's side of request and answer, on its event loop. Tasks ask it for the next part of
// an answer or for room to write, and get a future. It reads from the socket only while little is
// buffered, so that a slow reader slows the sender down; between exchanges it keeps one read
// outstanding, which is how the end of an idle connection is noticed.
final class ExchangeHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    enum Part: Sendable {
        case head(HTTPResponseHead)
        case body(ByteBuffer)
        case end
    }

    /// Bytes of an answer that wait for their reader; then the socket is not read.
    private static let bufferedMax = 1 << 20

    private let endpoint: Endpoint
    private var context: ChannelHandlerContext?
    private var added: ChannelHandlerContext {
        guard let context else { preconditionFailure("a handler is asked only after it was added") }
        return context
    }
    private var parts: CircularBuffer<Part> = []
    private var buffered = 0
    private var failure: DepotError?
    private var reader: Waiter<Part>?
    private var writer: Waiter<Void>?
    private var isReading = false
    /// The status of the answer, once it has begun.
    private(set) var status: UInt?
    var hasAnswered: Bool { status != nil }
    private(set) var isIdle = true
    /// Whether the connection failed or ended by itself.
    var wasLost: Bool { failure != nil }

    init(endpoint: Endpoint) { self.endpoint = endpoint }

    // MARK: What tasks ask for, on the event loop

    /// Forgets the exchange before. `false` where the connection is of no more use.
    func begin() -> Bool {
        guard failure == nil, context?.channel.isActive == true, isIdle else { return false }
        status = nil
        isIdle = false
        return true
    }

    func nextPart(patience: TimeAmount, _ what: String) -> EventLoopFuture<Part> {
        let context = added
        if let part = parts.popFirst() {
            took(part)
            return context.eventLoop.makeSucceededFuture(part)
        }
        if let failure { return context.eventLoop.makeFailedFuture(failure) }
        assert(reader == nil, "an exchange has one reader")
        let waiter = Waiter<Part>(
            context.eventLoop, patience: patience, timeout: timeout(what, patience))
        reader = waiter
        readMore()
        return waiter.promise.futureResult
    }

    /// Sends parts of a body, in one system call where they fit.
    ///
    /// - Returns: when there is room for more; whether an error was answered meanwhile.
    func send(_ parts: [ByteBuffer], patience: TimeAmount) -> EventLoopFuture<Bool> {
        let channel = added.channel
        for part in parts {
            channel.write(HTTPClientRequestPart.body(.byteBuffer(part)), promise: nil)
        }
        channel.flush()
        return room(patience: patience).assumeIsolated()
            .map { self.status.map { $0 >= 400 } ?? false }.nonisolated()
    }

    /// Succeeds when the connection takes more bytes, or when the answer has begun: then there is
    /// no use in writing.
    private func room(patience: TimeAmount) -> EventLoopFuture<Void> {
        let context = added
        if let failure, !hasAnswered { return context.eventLoop.makeFailedFuture(failure) }
        if context.channel.isWritable || hasAnswered {
            return context.eventLoop.makeSucceededVoidFuture()
        }
        let waiter = Waiter<Void>(
            context.eventLoop, patience: patience,
            timeout: timeout("it takes no more bytes", patience))
        writer = waiter
        return waiter.promise.futureResult
    }

    private func timeout(_ what: String, _ patience: TimeAmount) -> DepotError {
        DepotError(
            .unreachable, "\(what) within \(patience.nanoseconds / 1_000_000) ms",
            object: endpoint.description)
    }

    private func took(_ part: Part) {
        if case .body(let bytes) = part { buffered -= bytes.readableBytes }
        if case .end = part { isIdle = true }
        readMore()
    }

    private func readMore() {
        guard !isReading, buffered < Self.bufferedMax, failure == nil, let context else { return }
        isReading = true
        context.read()
    }

    // MARK: What the channel says

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { readMore() }
    }

    func handlerRemoved(context: ChannelHandlerContext) { fail(ended()) }

    func channelActive(context: ChannelHandlerContext) {
        readMore()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            // 100 Continue and the like announce the answer; they are none.
            guard !(100..<200).contains(head.status.code) else { return }
            status = head.status.code
            writer.take()?.succeed(())
            deliver(.head(head))
        case .body(let bytes):
            buffered += bytes.readableBytes
            deliver(.body(bytes))
        case .end: deliver(.end)
        }
    }

    private func deliver(_ part: Part) {
        guard parts.isEmpty, let waiter = reader.take() else {
            parts.append(part)
            return
        }
        waiter.succeed(part)
        if case .body(let bytes) = part { buffered -= bytes.readableBytes }
        if case .end = part { isIdle = true }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        readMore()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { writer.take()?.succeed(()) }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(ended())
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(
            error as? DepotError
                ?? DepotError(
                    .unreachable, "the connection failed", object: endpoint.description,
                    cause: error))
        context.close(promise: nil)
    }

    private func ended() -> DepotError {
        DepotError(
            .unreachable, "the connection ended before the answer was whole",
            object: endpoint.description)
    }

    private func fail(_ error: DepotError) {
        if failure == nil { failure = error }
        reader.take()?.fail(error)
        writer.take()?.fail(error)
    }
}

/// A promise that fails by itself when it takes too long. For use on one event loop.
private final class Waiter<Value: Sendable> {
    let promise: EventLoopPromise<Value>
    private let timer: Scheduled<Void>
    private let done: NIOLoopBoundBox<Bool>

    init(_ loop: any EventLoop, patience: TimeAmount, timeout: DepotError) {
        let promise = loop.makePromise(of: Value.self)
        self.promise = promise
        let bound = NIOLoopBoundBox<Bool>(false, eventLoop: loop)
        done = bound
        timer = loop.scheduleTask(in: patience) {
            guard !bound.value else { return }
            bound.value = true
            promise.fail(timeout)
        }
    }

    func succeed(_ value: Value) { finish { promise.succeed(value) } }
    func fail(_ error: any Error) { finish { promise.fail(error) } }

    private func finish(_ complete: () -> Void) {
        guard !done.value else { return }
        done.value = true
        timer.cancel()
        complete()
    }
}
