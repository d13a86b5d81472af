import DepotCore
import DepotWire
import Logging

/// Takes a replica off the member list.
struct Forgetting: Sendable {
    let pool: ReplicaPool
    let catalog: any Catalog
    let simulation: LossSimulation
    let drains: DrainService

    /// - Throws: `notFound`; `conflict` where something would be lost, or the replica is up and not drained, unless
    ///   that is accepted.
    func forget(_ body: ForgetRequestBody) async throws(DepotError) -> ForgottenBody {
        await pool.ready()
        try pool.requireCurrentCatalog()
        let member = try pool.member(called: body.replica)
        let remainder = try await catalog.remainder(on: member.replica)
        var lost = (files: 0, bytes: UInt64(0), first: FileName?.none)
        if remainder.onlyCopies > 0 {
            lost = try await simulation.lost(without: [member.replica])
        }
        if !body.acceptLoss {
            try refuseLoss(member, remainder, lost)
            try await refuseUp(member, remainder)
        }
        try await carryOut(member)
        return ForgottenBody(
            replica: member.replica, name: member.name, lostFiles: lost.files,
            lostBytes: lost.bytes, members: pool.shared.withLock { $0.members.count })
    }

    private func carryOut(_ member: Member) async throws(DepotError) {
        pool.bar(member.replica)
        do throws(DepotError) {
            try await catalog.forget(member.replica)
        } catch {
            pool.unbar(member.replica)
            throw error
        }
        pool.forget(member.replica)
        drains.forget(member.replica)
        pool.logger.notice(
            "a replica was taken off the member list",
            metadata: ["replica": "\(member.name)", "id": "\(member.replica)"])
    }

    private func refuseLoss(
        _ member: Member, _ remainder: ReplicaRemainder,
        _ lost: (files: Int, bytes: UInt64, first: FileName?)
    ) throws(DepotError) {
        guard remainder.onlyCopies > 0 else { return }
        let first = lost.first.map { ", '\($0)' among them" } ?? ""
        throw DepotError(
            .conflict,
            "it has the only good copy of \(remainder.onlyCopies) chunks in use: \(lost.files) files "
                + "(\(ByteCount(lost.bytes))) could not be read without it\(first). Bring it back, or say "
                + "--accept-loss", object: member.name)
    }

    private func refuseUp(
        _ member: Member, _ remainder: ReplicaRemainder
    ) async throws(DepotError) {
        guard pool.readable.contains(member.replica) else { return }
        let isEmpty = remainder.chunks == 0 && remainder.records == 0 && remainder.deposits == 0
        guard !isEmpty, !drains.isDrained(member.replica) else { return }
        throw DepotError(
            .conflict,
            "it is up and holds \(remainder.chunks) chunks and \(remainder.records) records; run "
                + "'depot drain \(member.name)' first, or say --accept-loss", object: member.name)
    }
}
