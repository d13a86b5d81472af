import DepotCluster
import DepotCore
import DepotWire

/// What would be missing without some replicas. Changes nothing.
package struct LossSimulation: Sendable {
    /// Files of one page.
    static let pageSize = WireLimits.pageEntriesMax

    let pool: ReplicaPool
    let catalog: any ReplicationCatalog & FileCatalog

    package func answer(_ body: SimulationRequestBody) async throws(DepotError) -> SimulationBody {
        await pool.ready()
        var members: [Member] = []
        for name in body.lose { members.append(try pool.member(called: name)) }
        guard !members.isEmpty else {
            throw DepotError(.invalidArgument, "name the replicas that are to be supposed gone")
        }
        return try await page(
            without: Set(members.map(\.replica)), after: body.after, withTotals: body.after == nil)
    }

    /// - Parameter lost: beside those whose copies count for nothing anyway.
    private func page(
        without lost: Set<ReplicaID>, after: FileName?, withTotals: Bool
    ) async throws(DepotError) -> SimulationBody {
        let gone = lost.union(pool.members.subtracting(pool.countedForStatus))
        let totals = withTotals ? try await totals(without: gone) : nil
        let found = try await catalog.losses(
            without: gone, after: after, limit: Self.pageSize + 1)
        var files: [SimulationBody.Loss] = []
        for loss in found.prefix(Self.pageSize) {
            files.append(
                SimulationBody.Loss(
                    name: loss.name, size: try await size(of: loss.name),
                    lostChunks: loss.lostChunks, lastCopies: loss.lastCopies))
        }
        return SimulationBody(totals: totals, files: files, hasMore: found.count > Self.pageSize)
    }

    private func totals(
        without gone: Set<ReplicaID>
    ) async throws(DepotError) -> SimulationBody.Totals {
        let totals = try await catalog.lossTotals(without: gone)
        let remaining = pool.members.subtracting(gone)
        let free = pool.writable.intersection(remaining).total { replica in
            pool.node(of: replica)?.state.standing?.freeBytes ?? 0
        }
        return SimulationBody.Totals(
            lost: gone.map(pool.name(of:)).sorted(), remaining: remaining.count,
            copies: totals.copies, bytes: totals.bytes, lostChunks: totals.lostChunks,
            freeBytes: free)
    }

    /// 0 for one that was deleted meanwhile.
    private func size(of name: FileName) async throws(DepotError) -> UInt64 {
        do throws(DepotError) {
            return try await catalog.file(name).size
        } catch  where error.code == .notFound {
            return 0
        }
    }

    /// Files that could not be read without these replicas, and their bytes.
    func lost(
        without lost: Set<ReplicaID>
    ) async throws(DepotError) -> (files: Int, bytes: UInt64, first: FileName?) {
        var result = (files: 0, bytes: UInt64(0), first: FileName?.none)
        var cursor: FileName?
        while true {
            let page = try await catalog.losses(
                without: lost, after: cursor, limit: Self.pageSize)
            for loss in page where loss.lostChunks > 0 {
                result.files += 1
                result.bytes.increase(by: try await size(of: loss.name))
                result.first = result.first ?? loss.name
            }
            guard page.count == Self.pageSize, let last = page.last else { return result }
            cursor = last.name
        }
    }
}
