import DepotCluster
import DepotCore
import DepotWire
import Synchronization

/// Runs verifications, one at a time: those that somebody asks for, and one now and then that
/// nobody did. One that is asked for ends one that was not; since it begins with what was unchecked
/// for longest, nothing is lost by that.
package final class VerificationService: Sendable {
    /// Problems of one answer.
    static let pageSize = 500
    /// Before the first one that nobody asked for: replicas come up, clients reconnect.
    private static let firstPause = Duration.seconds(600)

    private struct Job {
        let log: VerificationLog
        let task: Task<Void, Never>
        let isScheduled: Bool
    }

    private struct State {
        var current: Job?
        /// The last one that ended, for whoever still asks.
        var last: VerificationLog?
    }

    let context: ServerContext
    let pool: ReplicaPool
    let catalog: any ScrubCatalog
    private let makeRun: @Sendable (VerificationLog) -> VerificationRun
    private let state = Mutex(State())

    init(
        context: ServerContext, pool: ReplicaPool, catalog: any ScrubCatalog,
        makeRun: @escaping @Sendable (VerificationLog) -> VerificationRun
    ) {
        self.context = context
        self.pool = pool
        self.catalog = catalog
        self.makeRun = makeRun
    }

    /// - Throws: `conflict` where another one that was asked for is under way; `notFound` for an
    ///   unknown replica.
    package func start(_ body: VerifyBody) async throws(DepotError) -> VerificationBody {
        await pool.ready()
        try pool.requireCurrentCatalog()
        var options = VerificationRun.Options()
        if let names = body.replicas {
            var chosen: Set<ReplicaID> = []
            for name in names { chosen.insert(try pool.member(called: name).replica) }
            options.replicas = chosen
        }
        options.budget = body.budgetSeconds?.duration
        options.ageMax = body.ageSecondsMax?.duration
        options.repairs = body.repairs
        options.pace = body.isUnpaced ? .unpaced : .half
        let log = try begin(body.verification, options, isScheduled: false)
        return log.body(after: 0, limit: Self.pageSize)
    }

    private func begin(
        _ id: VerificationID, _ options: VerificationRun.Options, isScheduled: Bool
    ) throws(DepotError) -> VerificationLog {
        let result = state.withLock { state -> Result<VerificationLog, DepotError> in
            if let known = [state.current?.log, state.last].compactMap({ $0 }).first(where: {
                $0.id == id
            }) {
                return .success(known)
            }
            let before = state.current.flatMap { $0.log.isOver ? nil : $0 }
            if let before, !before.isScheduled || isScheduled {
                return .failure(
                    DepotError(
                        .conflict,
                        "another verification is under way; wait for it, or stop it",
                        object: before.log.id.description))
            }
            before?.task.cancel()
            if let ended = state.current?.log { state.last = ended }
            let log = VerificationLog(id, clock: context.clock)
            let run = makeRun(log)
            let task = Task {
                await before?.task.value
                await run.run(options)
            }
            state.current = Job(log: log, task: task, isScheduled: isScheduled)
            return .success(log)
        }
        return try result.get()
    }

    /// - Throws: `notFound` where it is not known (any more): the FileServer was restarted, or
    ///   others came after it.
    package func progress(
        of id: VerificationID, after: Int
    ) throws(DepotError) -> VerificationBody {
        let known = state.withLock { state in
            [state.current?.log, state.last].compactMap { $0 }.first { $0.id == id }
        }
        guard let known else {
            throw DepotError(
                .notFound, "no such verification: the FileServer was started again, perhaps",
                object: id.description)
        }
        return known.body(after: after, limit: Self.pageSize)
    }

    package func stop(_ id: VerificationID) {
        state.withLock { state in
            if let current = state.current, current.log.id == id { current.task.cancel() }
        }
    }

    /// Verifies now and then what was not verified for long, for as long as the FileServer runs.
    func run() async {
        // Soon after the start: a FileServer that is started anew each day would never verify
        // anything otherwise.
        var pause = min(Self.firstPause, context.timing.verificationPeriod)
        while await context.clock.pause(pause) {
            pause = context.timing.verificationPeriod
            var options = VerificationRun.Options()
            options.ageMax = context.timing.verificationAge
            options.pace = .fifth
            do throws(DepotError) {
                try pool.requireCurrentCatalog()
                let log = try begin(.random(), options, isScheduled: true)
                while !log.isOver, await context.clock.pause(.seconds(1)) {}
                let body = log.body(after: 0, limit: 0)
                context.logger.log(
                    level: body.exitCode == 0 ? .info : .error, "scheduled verification",
                    metadata: [
                        "problems": "\(body.problemCount)", "repaired": "\(body.repairedCount)",
                        "underReplicated": "\(body.underReplicated)",
                    ])
            } catch {
                context.logger.debug("no verification now", metadata: ["why": "\(error)"])
            }
        }
        let current = state.withLock { $0.current?.task }
        current?.cancel()
        await current?.value
    }

    // MARK: Coverage

    package func coverage(days: Int) async throws(DepotError) -> CoverageBody {
        await pool.ready()
        await noteSegments()
        let span = Duration.seconds(days * 86_400)
        var replicas: [CoverageBody.Replica] = []
        for replica in pool.members.sorted(by: { pool.name(of: $0) < pool.name(of: $1) }) {
            let checks = try await catalog.segmentChecks(on: replica)
            let recent = checks.filter { $0.age.map { $0 <= span } ?? false }
            let ages = checks.map(\.age)
            let oldest = ages.contains { $0 == nil } ? nil : ages.compactMap { $0 }.max()
            replicas.append(
                CoverageBody.Replica(
                    name: pool.name(of: replica), copies: checks.total { $0.copies },
                    bytes: checks.total { $0.bytes },
                    checkedCopies: recent.total { $0.copies },
                    checkedBytes: recent.total { $0.bytes },
                    oldestDays: oldest.map { $0 / .seconds(86_400) },
                    bytesPerDay: recent.reduce(0) { $0 + Double($1.bytes) } / Double(days)))
        }
        return CoverageBody(days: days, replicas: replicas)
    }

    /// What was written since the last verification is in no catalog yet. Who does not answer is
    /// told of as it was.
    private func noteSegments() async {
        let present = pool.members.subtracting(pool.lost)
        let answers = await gather(present) { replica async throws(DepotError) in
            try await SegmentInventory(pool: self.pool, replica: replica).read()
        }
        for (replica, answer) in answers {
            do throws(DepotError) {
                try await catalog.noteSegments(try answer.get(), of: replica)
            } catch {
                context.logger.debug(
                    "coverage as of before", metadata: ["replica": "\(pool.name(of: replica))"])
            }
        }
    }
}
