import DepotCluster
import DepotCore
import DepotWire
import Synchronization

/// Has damaged segments rewritten: what is good in them moves to a new one, the rest is set aside.
final class SegmentMender: Sendable {
    private struct Place: Hashable {
        let replica: String
        let segment: UInt32
    }

    let context: ServerContext
    let pool: ReplicaPool
    let catalog: any ScrubCatalog
    private let mended = Mutex<Set<Place>>([])

    init(context: ServerContext, pool: ReplicaPool, catalog: any ScrubCatalog) {
        self.context = context
        self.pool = pool
        self.catalog = catalog
    }

    func mend(_ problems: [VerificationProblem]) async {
        for place in Set(problems.compactMap(Self.place)) {
            do throws(DepotError) {
                guard try await mend(place) else { continue }
                mended.withLock { _ = $0.insert(place) }
            } catch {
                context.logger.warning(
                    "a damaged segment could not be rewritten",
                    metadata: [
                        "replica": "\(place.replica)", "segment": "\(place.segment)",
                        "error": "\(error)",
                    ])
            }
        }
    }

    func isMended(_ problem: VerificationProblem) -> Bool {
        Self.place(problem).map { place in mended.withLock { $0.contains(place) } } ?? false
    }

    private static func place(_ problem: VerificationProblem) -> Place? {
        guard problem.kind == .segment, let segment = problem.segment else { return nil }
        return Place(replica: problem.replica, segment: segment)
    }

    private func mend(_ place: Place) async throws(DepotError) -> Bool {
        guard let replica = pool.member(named: place.replica) else { return false }
        let checks = try await catalog.segmentChecks(on: replica)
        guard let check = checks.first(where: { $0.segment.number == place.segment }) else {
            return true  // compacted away meanwhile
        }
        let report = try await pool.ask(replica, within: .compaction) {
            link async throws(DepotError) in
            try await link.compact(check.segment)
        }
        return report.pinnedBy.isEmpty
    }
}
