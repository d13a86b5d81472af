import DepotCluster
import DepotCore
import DepotWire

/// Gives space back: has segments rewritten of which much is dead.
struct Compactor: Sendable {
    /// Of a segment this share has to be dead: rewriting costs a read and a write of the rest.
    private static let deadShareMin = 0.4
    /// Where a disk is nearly full, less is worth it, and the segment that is written to is closed
    /// for it.
    private static let deadShareMinWhenFull = 0.1

    let pool: ReplicaPool

    struct Outcome: Sendable {
        var segments = 0
        var freedBytes: UInt64 = 0
        var pinned = 0
    }

    /// The deadest segment first: on a full disk only what moves nothing can be unlinked, and makes
    /// room for the rest.
    func compact(_ replica: ReplicaID) async throws(DepotError) -> Outcome {
        var outcome = Outcome()
        for segment in try await candidates(on: replica) where !Task.isCancelled {
            do throws(DepotError) {
                let report = try await pool.ask(replica, within: .compaction) {
                    link async throws(DepotError) in
                    try await link.compact(segment.id)
                }
                outcome.segments += report.freedBytes > 0 ? 1 : 0
                outcome.freedBytes.increase(by: report.freedBytes)
                outcome.freedBytes -= min(report.movedBytes, outcome.freedBytes)
                outcome.pinned += report.pinnedBy.isEmpty ? 0 : 1
            } catch  where error.code == .notFound {
                continue  // compacted by somebody else meanwhile
            } catch  where error.code == .conflict && !segment.isSealed {
                continue  // a replica of an older version does not close it
            } catch  where error.code == .storageFull {
                return outcome  // the others would move more
            }
        }
        return outcome
    }

    private func candidates(on replica: ReplicaID) async throws(DepotError) -> [SegmentInfo] {
        let isShort = pool.short.contains(replica)
        let least = isShort ? Self.deadShareMinWhenFull : Self.deadShareMin
        return try await SegmentInventory(pool: pool, replica: replica).read()
            .filter { ($0.isSealed || isShort) && Self.deadShare($0) >= least }
            .sorted { $0.liveBytes < $1.liveBytes }
    }

    private static func deadShare(_ segment: SegmentInfo) -> Double {
        guard segment.bytes > 0 else { return 0 }
        return 1 - Double(min(segment.liveBytes, segment.bytes)) / Double(segment.bytes)
    }
}
