/// One request and what came of it, for whoever counts.
struct AnsweredRequest: Sendable {
    /// `nil` where nothing was asked for that there is.
    let route: Route?
    /// That of HTTP.
    let status: Int
    /// From the end of the request's head to the end of the answer.
    let duration: Duration
    /// Bytes of the request's body that were read.
    let received: UInt64
    /// Bytes of the answer's body; 0 where it was cut off.
    let sent: UInt64
    let isCutOff: Bool
}

/// Counts requests. It is told of each when its answer has ended, on the connection's event loop,
/// and must not wait.
protocol RequestObserver: Sendable {
    func note(_ request: AnsweredRequest)
}
