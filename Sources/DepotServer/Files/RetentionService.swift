import DepotCluster
import DepotCore
import DepotWire

/// What may not go, and for how long what names were is kept. Changes are durable when they return.
struct RetentionService: Sendable {
    let context: ServerContext
    let pool: ReplicaPool
    let catalog: any ChangeCatalog & VersionCatalog & RetentionCatalog
    let deliverer: RecordDeliverer
    /// Whether administrators may break locks.
    let breaksLocks: Bool

    /// - Parameters:
    ///   - isBroken: whether the lock may become shorter, or none.
    ///   - request: the same again changes nothing again, and comes to the same end.
    /// - Throws: `conflict` where no lock is broken here.
    func lock(
        _ name: FileName, _ body: LockRequestBody, breaking isBroken: Bool, request: RequestID?
    ) async throws(DepotError) -> LockedBody {
        guard breaksLocks || !isBroken else {
            throw DepotError(
                .conflict,
                "nobody breaks locks here: the FileServer was started without --break-locks",
                object: name.text)
        }
        let version = VersionName(name, body.sequence)
        let change = try body.change(breaking: isBroken)
        return try await commit(on: name) { () throws(DepotError) in
            let locked = try await catalog.lock(
                version, change, time: context.clock.timestamp(), request: request)
            return LockedBody(name: name, lock: locked.lock)
        }
    }

    func setPolicy(
        _ policy: PolicyBody?, prefix: String, request: RequestID?
    ) async throws(DepotError) -> PolicyListBody {
        let scope = try PolicyScope(prefix: prefix)
        let policy = try policy?.policy
        try await commit(on: scope.recordName) { () throws(DepotError) in
            _ = try await catalog.setPolicy(
                policy, of: scope, time: context.clock.timestamp(), request: request)
        }
        return try await policies()
    }

    func policies() async throws(DepotError) -> PolicyListBody {
        PolicyListBody(try await catalog.policies())
    }

    /// Forgets what a name was before, when a majority knows that. What only that used goes with the
    /// next collections.
    ///
    /// - Parameter request: as for `lock`: words that came since stay.
    func purge(
        _ name: FileName, request: RequestID?
    ) async throws(DepotError) -> PurgedBody {
        try await commit(on: name) { () throws(DepotError) in
            _ = try await catalog.purge(
                name, time: context.clock.timestamp(), request: request)
        }
        return PurgedBody(name: name, try await catalog.forgetPurged(name))
    }

    func purgePlan(
        _ name: FileName, isRecursive: Bool
    ) async throws(DepotError) -> PurgePlanBody {
        PurgePlanBody(
            name: name, try await catalog.purgePlan(name, isRecursive: isRecursive))
    }

    /// - Parameter change: asked again, it changes nothing again.
    private func commit<Answer>(
        on name: FileName, _ change: () async throws(DepotError) -> Answer
    ) async throws(DepotError) -> Answer {
        await pool.ready()
        try pool.requireCurrentCatalog()
        try await pool.requireMajority()
        let changes = RepeatableChange(catalog: catalog, deliverer: deliverer)
        let done = try await change()
        if let kept = try await catalog.undelivered(name) {
            // The record of the change; or a later one, which says the same of words before it; or that
            // of somebody who was told to ask again, and has no id to ask with.
            try await changes.acknowledge(kept)
        }
        return done
    }
}
