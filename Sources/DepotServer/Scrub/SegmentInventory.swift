import DepotCore
import DepotWire

/// Which segments a replica has.
struct SegmentInventory: Sendable {
    let pool: ReplicaPool
    let replica: ReplicaID

    func read() async throws(DepotError) -> [SegmentInfo] {
        var segments: [SegmentInfo] = []
        while true {
            let after = segments.last?.id.number
            let page = try await pool.ask(replica, limit: pool.timing.stallLimit) {
                link async throws(DepotError) in
                try await link.segments(after: after, limit: WireLimits.pageEntriesMax)
            }
            if page.isEmpty { return segments }
            segments += page
        }
    }
}
