import DepotCluster
import DepotCore
import DepotWire

/// What may not go, and for how long what names were is kept. Changes are durable when they return.
struct RetentionService: Sendable {
    let context: ServerContext
    let pool: ReplicaPool
    let catalog: any ChangeCatalog & VersionCatalog & RetentionCatalog
    let deliverer: RecordDeliverer

    /// - Parameter request: the same again changes nothing again, and comes to the same end.
    func lock(
        _ name: FileName, _ body: LockRequestBody, request: RequestID?
    ) async throws(DepotError) -> LockedBody {
        let version = VersionName(name, body.sequence)
        let change = try body.change
        return try await commit(on: name, request) { () throws(DepotError) in
            let locked = try await catalog.lock(
                version, change, time: context.clock.timestamp(), request: request)
            return (LockedBody(name: name, lock: locked.lock), locked.record)
        }
    }

    func setPolicy(
        _ policy: PolicyBody?, prefix: String, request: RequestID?
    ) async throws(DepotError) -> PolicyListBody {
        let scope = try PolicyScope(prefix: prefix)
        let policy = try policy?.policy
        try await commit(on: scope.recordName, request) { () throws(DepotError) in
            let record = try await catalog.setPolicy(
                policy, of: scope, time: context.clock.timestamp(), request: request)
            return ((), record)
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
        try await commit(on: name, request) { () throws(DepotError) in
            let record = try await catalog.purge(
                name, time: context.clock.timestamp(), request: request)
            return ((), record)
        }
        return PurgedBody(name: name, try await catalog.forgetPurged(name))
    }

    func purgePlan(
        _ name: FileName, isRecursive: Bool
    ) async throws(DepotError) -> PurgePlanBody {
        PurgePlanBody(
            name: name, try await catalog.purgePlan(name, isRecursive: isRecursive))
    }

    /// - Parameter change: gives no record where nothing is to be changed; asked again, what it gave.
    private func commit<Answer>(
        on name: FileName, _ request: RequestID?,
        _ change: () async throws(DepotError) -> (answer: Answer, record: FileRecord?)
    ) async throws(DepotError) -> Answer {
        await pool.ready()
        try pool.requireCurrentCatalog()
        try await pool.requireMajority()
        let changes = RepeatableChange(catalog: catalog, deliverer: deliverer)
        if try await changes.made(by: request, of: name) != nil { return try await change().answer }
        let done = try await change()
        if let record = done.record {
            try await changes.acknowledge(KeptRecord(record))
        } else if let kept = try await catalog.undelivered(name) {
            // Somebody was told to ask again, and has no id to ask with.
            try await changes.acknowledge(kept)
        }
        return done.answer
    }
}
