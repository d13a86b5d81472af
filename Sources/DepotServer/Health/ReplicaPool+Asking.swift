import DepotCore

extension ReplicaPool {
    /// Asks a replica something, for no longer than a limit. One that fails to answer counts as down at once,
    /// until the monitor has heard it again.
    func ask<Value: Sendable>(
        _ replica: ReplicaID, limit: Duration,
        _ question: @escaping @Sendable (any ReplicaLink) async throws(DepotError) -> Value
    ) async throws(DepotError) -> Value {
        guard let seat = seat(of: replica) else {
            throw DepotError(
                .unreachable, "no address of this replica is known", object: replica.description)
        }
        if case .refused(let problem) = seat.condition {
            throw DepotError(.unreachable, problem, object: seat.name)
        }
        let link = seat.link
        do throws(DepotError) {
            return try await TimeLimit(clock: clock, limit: limit).run(
                "an answer of \(seat.name)", unless: { self.silence(of: seat) },
                { () async throws(DepotError) in try await question(link) })
        } catch {
            // Who gave up, not who was slow: a request that was cancelled says nothing about the replica.
            if !Task.isCancelled { suspect(seat, because: error) }
            throw error
        }
    }

    /// A limit is as long as a disk may need. One that has not even said how it is for some time does not read its
    /// disk for us: nobody needs to wait for it until the limit is over.
    private func silence(of seat: ReplicaSeat) -> DepotError? {
        guard let since = seat.state.withLock({ $0.awaySince }),
            clock.elapsed() - since >= timing.stallLimit
        else { return nil }
        return DepotError(
            .unreachable, "it has not answered for \(timing.stallLimit); given up",
            object: seat.name)
    }

    /// Draws the conclusion from a failed request.
    func suspect(_ seat: ReplicaSeat, because error: DepotError) {
        let until = clock.elapsed() + timing.avoidance
        let isNew = seat.state.withLock { state -> Bool in
            switch error.code {
            // A conflict: somebody else answers at the address.
            case .unreachable, .internalError, .conflict:
                guard state.condition == .up || state.condition == .unknown else { return false }
                state.condition = .down(error.description)
                return true
            case .storeFailed:
                state.condition = .readOnly(error.description)
                return true
            case .storageFull:
                state.fullUntil = until
                return true
            case .clusterMismatch, .epochStale:
                state.condition = .refused(error.description)
                return true
            default:
                return false
            }
        }
        if isNew {
            logger.warning(
                "a request to a replica failed",
                metadata: ["replica": "\(seat.name)", "error": "\(error)"])
        }
    }

    /// It made no progress: it gets no new copies for a while, though it may answer small questions.
    func noteStall(of seat: ReplicaSeat) {
        let now = clock.elapsed()
        let isNew = seat.state.withLock { state in
            defer { state.avoidedUntil = now + timing.avoidance }
            return state.avoidedUntil <= now
        }
        guard isNew else { return }
        logger.warning("a replica stalled; left behind", metadata: ["replica": "\(seat.name)"])
    }
}
