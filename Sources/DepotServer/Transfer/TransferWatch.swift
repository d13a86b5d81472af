import DepotCore
import DepotWire
import NIOCore

/// Stands next to the socket, behind what ends a connection in order, and looks whether bytes come
/// and go, now and then. A request costs it nothing.
final class TransferWatch: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// So much the kernel takes before the client does: TCP_NOTSENT_LOWAT. It would take megabytes,
    /// and a slow client seem to stand still until a third of them had gone.
    private static let unsentMax = 512 << 10
    /// So many looks the request has to answer that its body is too slow.
    private static let refusalLooksMax = 10
    /// So much a client has to take before more waits for it in the connection: twice what the kernel
    /// takes in its stead. Of 256 that take nothing 192 MiB would wait else, beside all budgets.
    private static let trustedBytes = 2 * unsentMax
    private static let unsentOption = NIOBSDSocket.Option(rawValue: 25)

    private let rules: TransferRules
    private let places: ConnectionRegistry
    private var meter: TransferMeter
    private var look = TransferMeter.Look()
    private var lastLook = NIODeadline.now()
    /// What the channel has not handed to the socket.
    private var unsent = 0
    private var written = 0
    /// Of all answers, until the client is trusted to take them.
    private var writtenUntrusted: Int? = 0
    private var timer: RepeatedTask?
    /// Whether the client stood still at the last look.
    private var isStill = false
    /// Looks since the body was found too slow; 0 where it was not.
    private var looksSinceRefusal = 0
    private(set) var transfer: Transfer?

    private init(_ rules: TransferRules, among places: ConnectionRegistry) {
        self.rules = rules
        self.places = places
        meter = TransferMeter(rules)
    }

    /// That of a connection, which from the first request on has one. On the connection's event
    /// loop.
    ///
    /// - Parameter places: of all connections.
    static func of(
        _ channel: any Channel, _ rules: TransferRules, among places: ConnectionRegistry
    ) throws -> Transfer {
        let pipeline = channel.pipeline.syncOperations
        if let watch = try? pipeline.handler(type: TransferWatch.self), let known = watch.transfer {
            watch.meter.begin()
            return known
        }
        let watch = TransferWatch(rules, among: places)
        let end = try pipeline.handler(type: LingeringClose.self)
        try pipeline.addHandler(watch, position: .after(end))
        guard let transfer = watch.transfer else { throw ChannelError.ioOnClosedChannel }
        return transfer
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        let loop = context.eventLoop
        let made = Transfer(
            address: context.remoteAddress?.ipAddress ?? "unknown",
            readOn: { loop.execute { bound.value.read() } })
        transfer = made
        do {
            try context.channel.syncOptions?.setOption(
                .tcpOption(Self.unsentOption), value: .init(Self.unsentMax))
        } catch {
            // It works without; slow clients are seen less well.
        }
        if !context.channel.isActive { made.gone() }
        let watch = NIOLoopBound(self, eventLoop: loop)
        let interval = TimeAmount(rules.lookInterval)
        timer = loop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            watch.value.takeLook(bound.value)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { end() }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    private func end() {
        timer.take()?.cancel()
        transfer?.gone()
    }

    // MARK: What passes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data).readableBytes
        look.received += bytes
        transfer?.arrived(bytes)
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        if transfer?.mayRead() ?? true { context.read() }
    }

    func write(
        context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?
    ) {
        let bytes = unwrapOutboundIn(data).readableBytes
        written += bytes
        writtenUntrusted? += bytes
        context.write(data, promise: promise)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, let written = writtenUntrusted, written > Self.trustedBytes {
            writtenUntrusted = nil
            // It works without, only slower.
            try? context.channel.syncOptions?.setOption(
                .writeBufferWaterMark, value: ChannelTuning.waterMark)
        }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { look.isHalfClosed = true }
        context.fireUserInboundEventTriggered(event)
    }

    // MARK: Looking

    private func takeLook(_ context: ChannelHandlerContext) {
        guard let transfer else { return }
        let now = NIODeadline.now()
        // A process that stood still itself blames nobody.
        let time = min(Duration(now - lastLook), rules.lookInterval * 2)
        lastLook = now
        let left = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        look.sent = max(0, written - (left - unsent))
        look.isAnswerUntaken = left > 0
        let isExpendable = transfer.isExpendable
        look.isCrowded = left > 0 && (isExpendable || places.isCrowded)
        (look.isBodyAwaited, look.isWanted) = transfer.awaited
        if left > 0 || look.isBodyAwaited, places.isFull { look.isWanted = true }
        let isIdle = !transfer.isUnderWay && left == 0
        note(isStill: !isIdle && (look.isStill || isExpendable), context)
        let finding = isIdle ? nil : meter.look(after: time, look)
        (unsent, written, look.received) = (left, 0, 0)
        if let finding { act(on: finding, transfer, context) }
    }

    /// - Parameter isStillNow: whether its client is waited for in vain, or it makes place anyway.
    private func note(isStill isStillNow: Bool, _ context: ChannelHandlerContext) {
        guard isStillNow != isStill else { return }
        isStill = isStillNow
        places.note(context.channel, standsStill: isStillNow)
    }

    private func act(
        on finding: TransferMeter.Finding, _ transfer: Transfer, _ context: ChannelHandlerContext
    ) {
        switch finding {
        case .goesOn: break
        case .standsStill: transfer.letGo()
        case .answerTooSlow, .isGone: end(transfer, context)
        case .bodyTooSlow where looksSinceRefusal > 0:
            looksSinceRefusal += 1
            if looksSinceRefusal > Self.refusalLooksMax { end(transfer, context) }
        case .bodyTooSlow(let rate):
            looksSinceRefusal = 1
            context.fireErrorCaught(
                DepotError(
                    .busy,
                    "the body came too slowly: for some time fewer than \(rate) bytes a second; "
                        + "send it again"))
        }
    }

    /// The answer has begun, or nobody reads it: there is nothing more to say.
    private func end(_ transfer: Transfer, _ context: ChannelHandlerContext) {
        transfer.gone()
        context.close(promise: nil)
    }
}
