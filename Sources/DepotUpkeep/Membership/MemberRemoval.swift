import DepotCluster
import DepotCore
import DepotWire
import Logging

/// Takes a replica off the member list.
package struct MemberRemoval: Sendable {
    let context: ServerContext
    let pool: ReplicaPool
    let catalog: any ClusterCatalog & MembershipCatalog
    let simulation: LossSimulation
    let drains: DrainService

    /// - Throws: `notFound`; `conflict` where something would be lost, or the replica is up and not
    ///   drained, unless that is accepted.
    package func forget(_ body: ForgetRequestBody) async throws(DepotError) -> ForgottenBody {
        await pool.ready()
        let member = try pool.member(called: body.replica)
        try requireWriter(body, member)
        let remainder = try await catalog.remainder(
            on: member.replica, counting: pool.present)
        var lost = (files: 0, bytes: UInt64(0), first: FileName?.none)
        if remainder.onlyCopies > 0 {
            lost = try await simulation.lost(
                without: pool.overdue.union([member.replica]))
        }
        if !body.acceptLoss {
            try refuseLoss(member, remainder, lost: lost)
            try await refuseUp(member, remainder)
        }
        try await carryOut(member)
        return ForgottenBody(
            replica: member.replica, name: member.name, lostFiles: lost.files,
            lostBytes: lost.bytes, members: pool.members.count)
    }

    /// Where so many are gone that the others are no majority, only this lets it go on: whoever
    /// says so has to know that they do not come back.
    private func requireWriter(
        _ body: ForgetRequestBody, _ member: Member
    ) throws(DepotError) {
        do throws(DepotError) {
            try pool.requireCurrentCatalog()
        } catch
            where error.code == .notEnoughReplicas && body.acceptLoss
            && !pool.readable.contains(member.replica)
        {
            return
        }
        guard pool.isListSettled || !pool.readable.contains(member.replica) else {
            throw DepotError(
                .busy, "a change of the member list is not known to a majority yet; try again",
                object: member.name)
        }
    }

    private func carryOut(_ member: Member) async throws(DepotError) {
        try await pool.listTurn.take(
            for: "a change of the member list", within: context.timing.barrierLimit
        ) {
            () async throws(DepotError) in
            pool.bar(member.replica)
            do throws(DepotError) {
                try await catalog.forget(member.replica)
            } catch {
                pool.unbar(member.replica)
                throw error
            }
            pool.listChanged(to: try await catalog.memberRevision())
            pool.forget(member.replica)
            drains.forget(member.replica)
            await pool.settleList(try await catalog.highestSequence())
        }
        context.logger.notice(
            "a replica was taken off the member list",
            metadata: ["replica": "\(member.name)", "id": "\(member.replica)"])
    }

    private func refuseLoss(
        _ member: Member, _ remainder: ReplicaRemainder,
        lost: (files: Int, bytes: UInt64, first: FileName?)
    ) throws(DepotError) {
        guard remainder.onlyCopies > 0 else { return }
        let first = lost.first.map { ", '\($0)' among them" } ?? ""
        throw DepotError(
            .conflict,
            "it has the only good copy of \(remainder.onlyCopies) chunks in use: \(lost.files) "
                + "files (\(ByteCount(lost.bytes))) could not be read without it\(first). Bring it "
                + "back, or say --accept-loss", object: member.name)
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
