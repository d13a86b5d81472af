import DepotCore

/// How long a replica may take for an answer, by what it has to do for it.
package enum AnswerLimit: Sendable {
    /// Small things: `stallLimit`.
    case stall
    /// Writing to its disk: `barrierLimit`.
    case barrier
    /// Reading copies from its disk and hashing them: `checkLimit`.
    case check
    /// Rewriting a segment: `compactionLimit`.
    case compaction

    package func duration(_ timing: ServerTiming) -> Duration {
        switch self {
        case .stall: timing.stallLimit
        case .barrier: timing.barrierLimit
        case .check: timing.checkLimit
        case .compaction: timing.compactionLimit
        }
    }
}

extension ReplicaPool {
    /// Asks a replica something, for no longer than a limit. One that fails to answer counts as
    /// down at once, until the monitor has heard it again.
    package func ask<Value: Sendable>(
        _ replica: ReplicaID, within limit: AnswerLimit,
        _ question: @escaping @Sendable (any ReplicaLink) async throws(DepotError) -> Value
    ) async throws(DepotError) -> Value {
        guard let node = node(of: replica) else {
            throw DepotError(
                .unreachable, "no address of this replica is known", object: replica.description)
        }
        if case .refused(let problem) = node.condition {
            throw DepotError(.unreachable, problem, object: node.name)
        }
        let link = node.link
        do throws(DepotError) {
            return try await TimeLimit(clock: context.clock, limit: limit.duration(context.timing))
                .run(
                    "an answer of \(node.name)", unless: { self.silence(of: node) },
                    { () async throws(DepotError) in try await question(link) })
        } catch {
            // Who gave up, not who was slow: a request that was cancelled says nothing about the
            // replica.
            if !Task.isCancelled { suspect(node, because: error) }
            throw error
        }
    }

    /// A limit is as long as a disk may need. One that has not even said how it is for some time
    /// does not read its disk for us: nobody needs to wait for it until the limit is over.
    private func silence(of node: ReplicaNode) -> DepotError? {
        guard let since = node.state.awaySince,
            context.clock.elapsed() - since >= context.timing.stallLimit
        else { return nil }
        return DepotError(
            .unreachable, "it has not answered for \(context.timing.stallLimit); given up",
            object: node.name)
    }

    /// Draws the conclusion from a failed request.
    package func suspect(_ node: ReplicaNode, because error: DepotError) {
        let isNew = node.note {
            $0.requestFailed(
                error, at: context.clock.elapsed(), avoidance: context.timing.avoidance)
        }
        if isNew {
            context.logger.warning(
                "a request to a replica failed",
                metadata: ["replica": "\(node.name)", "error": "\(error)"])
        }
    }

    /// It made no progress: it gets no new copies for a while, though it may answer small
    /// questions.
    package func noteStall(of node: ReplicaNode) {
        let isNew = node.note {
            $0.stalled(at: context.clock.elapsed(), avoidance: context.timing.avoidance)
        }
        guard isNew else { return }
        context.logger.warning(
            "a replica stalled; left behind", metadata: ["replica": "\(node.name)"])
    }
}
