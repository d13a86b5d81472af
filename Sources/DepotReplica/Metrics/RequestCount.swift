import DepotMetrics
import DepotWire
import NIOCore

/// What is known of a request until its answer has ended.
struct RequestCount {
    /// By path.
    private static let places = Dictionary(
        uniqueKeysWithValues: ReplicaRoute.allCases.enumerated().map { ($1.rawValue, $0) })

    /// Of what was asked for among all routes; `nil` where there is no such thing.
    private let place: Int?
    private let began = NIODeadline.now()
    private var received: UInt64 = 0

    /// - Parameter uri: of the request's head.
    init(of uri: String) {
        let path = uri.utf8.prefix { $0 != UInt8(ascii: "?") }
        place = Self.places[String(Substring(path))]
    }

    mutating func receive(_ bytes: Int) { received &+= UInt64(bytes) }

    /// - Parameter sent: bytes of the answer's body.
    func note(_ status: Int, sent: Int, in metrics: RequestMetrics) {
        let took = NIODeadline.now() - began
        metrics.note(
            place, status: status, duration: .nanoseconds(took.nanoseconds), received: received,
            sent: UInt64(max(0, sent)))
    }
}
