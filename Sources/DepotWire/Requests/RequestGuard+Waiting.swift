import NIOCore

// Who sends a byte of a head now and then is never idle, so the time for a head is counted in
// total: from the answer before, or from the beginning. One timer serves a connection: requests
// only note when they came.

extension RequestGuard {
    /// So long the next request is waited for.
    private var limit: TimeAmount { isKnown ? policy.times.idle : policy.times.stranger }

    func watch(_ context: ChannelHandlerContext) { schedule(context, in: limit) }

    private func schedule(_ context: ChannelHandlerContext, in time: TimeAmount) {
        let bound = NIOLoopBound((handler: self, context: context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: time) {
            bound.value.handler.look(bound.value.context)
        }
    }

    private func look(_ context: ChannelHandlerContext) {
        let rest = waitingSince.map { $0 + limit - NIODeadline.now() } ?? limit
        if rest > .nanoseconds(0) {
            schedule(context, in: rest)
        } else {
            context.close(promise: nil)
        }
    }
}
