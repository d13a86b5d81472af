import DepotMetrics
import DepotWire
import NIOCore

/// What is known of a request until its answer has ended.
struct RequestCount {
    /// `nil` where nothing was asked for that there is.
    let route: ReplicaRoute?
    private let began = NIODeadline.now()
    private var received: UInt64 = 0

    /// - Parameter uri: of the request's head.
    init(of uri: String) {
        let path = uri.prefix { $0 != "?" }
        route = ReplicaRoute(rawValue: String(path))
    }

    mutating func receive(_ bytes: Int) { received &+= UInt64(bytes) }

    /// - Parameter sent: bytes of the answer's body.
    func note(_ status: Int, sent: Int, in metrics: RequestMetrics<ReplicaRoute>) {
        let took = NIODeadline.now() - began
        metrics.note(
            route, status: status, duration: .nanoseconds(took.nanoseconds), received: received,
            sent: UInt64(max(0, sent)))
    }
}
