import DepotCore
import DepotWire

/// Which segments a replica has.
package struct SegmentInventory: Sendable {
    /// Segments of one replica: a quarter of a PiB of the usual size. They are kept in memory, by
    /// catalog and FileServer.
    package static let countMax = 1 << 20

    private let pool: ReplicaPool
    private let replica: ReplicaID

    package init(pool: ReplicaPool, replica: ReplicaID) {
        self.pool = pool
        self.replica = replica
    }

    package func read() async throws(DepotError) -> [SegmentInfo] {
        var segments: [SegmentInfo] = []
        while true {
            let after = segments.last?.id.number
            let page = try await pool.ask(replica, within: .stall) {
                link async throws(DepotError) in
                try await link.segments(after: after, limit: WireLimits.pageEntriesMax)
            }
            if page.isEmpty { return segments }
            segments += page
            guard segments.count <= Self.countMax else {
                throw DepotError(
                    .tooLarge,
                    "it names more than \(Self.countMax) segments; nothing was noted of them",
                    object: pool.name(of: replica))
            }
            if Task.isCancelled {
                throw DepotError(.unreachable, "given up: nobody waits for it any more")
            }
        }
    }
}
