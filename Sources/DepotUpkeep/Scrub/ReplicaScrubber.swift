import DepotCluster
import DepotCore
import DepotWire

/// Has one replica read what it holds, the segment that was unchecked for longest first, and tells
/// the catalog.
struct ReplicaScrubber: Sendable {
    /// What a step reads: seconds even on a slow disk, so that a verification can be stopped and
    /// paced.
    private static let stepBytes: UInt64 = 32 << 20
    /// Files that are named for a damaged copy; a chunk may belong to very many.
    private static let filesNamed = 20

    let context: ServerContext
    let pool: ReplicaPool
    let catalog: any ScrubCatalog & CopyCatalog & RecordCatalog & FileCatalog
    let comparer: InventoryComparer
    let log: VerificationLog
    let pace: ScrubPace
    let replica: ReplicaID
    let name: String

    /// - Parameters:
    ///   - ageMax: segments that were read more lately are left out.
    ///   - deadline: in running time.
    func run(ageMax: Duration?, deadline: Duration?) async throws(DepotError) {
        let segments = try await SegmentInventory(pool: pool, replica: replica).read()
        try await catalog.noteSegments(segments, of: replica)
        try await compare()
        let checks = try await catalog.segmentChecks(on: replica).filter { check in
            guard let ageMax, let age = check.age else { return true }
            return age > ageMax || !check.isSealed
        }
        log.update(replica: name) { $0.bytes = checks.total { $0.bytes } }
        for check in checks {
            guard !Task.isCancelled else { return }
            if let deadline, context.clock.elapsed() >= deadline { return }
            try await read(check.segment)
        }
    }

    private func compare() async throws(DepotError) {
        let report = try await comparer.compare(replica)
        log.update(replica: name) { $0.unknownCopies = report.entered }
        for object in report.missingListed {
            log.add(try await problem(.missing, object, segment: nil))
        }
        for newer in report.newerListed {
            log.add(
                VerificationProblem(
                    kind: .unexplained, replica: name, object: .record(newer.address.batch),
                    segment: nil,
                    files: [newer.record.name],
                    detail: "the catalog does not know this record; run 'depot rebuild-catalog'"))
        }
    }

    /// Lists what others found here since the last verification, or while this one ran, and this
    /// one has not met.
    func takeNotes() async throws(DepotError) {
        let listed = log.objects(on: name)
        for note in pool.damage.take(replica) where !listed.contains(note.object) {
            log.add(
                try await problem(
                    note.kind, note.object, segment: nil, detail: "found before, in passing"))
        }
    }

    private func read(_ segment: SegmentID) async throws(DepotError) {
        var offset: UInt64? = 0
        var bytes: UInt64 = 0
        var copies = 0
        var problems = 0
        while let from = offset, !Task.isCancelled {
            let began = context.clock.elapsed()
            let mark = try await catalog.mark()
            let step: ScrubStep
            do throws(DepotError) {
                step = try await pool.ask(replica, within: .check) {
                    link async throws(DepotError) in
                    try await link.scrub(segment, from: from, budget: Self.stepBytes)
                }
            } catch  where error.code == .notFound {
                return  // compacted away meanwhile
            }
            problems += try await take(step, segment, asOf: mark)
            bytes.increase(by: step.bytesRead)
            copies += step.verdicts.count
            log.update(replica: name) {
                $0.bytesRead += step.bytesRead
                $0.copies += step.verdicts.count
            }
            offset = step.next
            guard await pace.rest(after: context.clock.elapsed() - began, context.clock) else {
                return
            }
        }
        guard offset == nil else { return }
        try await catalog.noteScrub(
            of: segment, on: replica, bytes: bytes, copies: copies, problems: problems,
            time: context.clock.timestamp())
    }

    /// - Returns: how many problems it has.
    private func take(
        _ step: ScrubStep, _ segment: SegmentID, asOf mark: CatalogMark
    ) async throws(DepotError) -> Int {
        var chunks: [ChunkID: CheckVerdict] = [:]
        var records: [ChunkID: CheckVerdict] = [:]
        for verdict in step.verdicts {
            switch verdict.id.kind {
            case .chunk: chunks[verdict.id.hash] = verdict.verdict
            // That it holds one was settled when it vouched; a collection may have deleted it since
            // it was read here.
            case .record where verdict.verdict != .good:
                records[verdict.id.hash] = verdict.verdict
            case .record: break
            }
        }
        if !chunks.isEmpty { try await catalog.settle(chunks, on: replica, asOf: mark) }
        if !records.isEmpty { try await catalog.settle(records: records, on: replica) }
        let bad = step.verdicts.filter { $0.verdict == .bad }.map(\.id)
        pool.note(corrupt: bad.count, on: replica)
        for object in bad {
            log.add(try await problem(.corrupt, object, segment: segment.number))
        }
        for found in step.problems {
            log.add(
                VerificationProblem(
                    kind: .segment, replica: name, object: nil, segment: segment.number, files: [],
                    detail: "at byte \(found.offset): \(found.what)"))
        }
        return bad.count + step.problems.count
    }

    private func problem(
        _ kind: VerificationProblem.Kind, _ object: ObjectID, segment: UInt32?,
        detail: String? = nil
    ) async throws(DepotError) -> VerificationProblem {
        let files =
            switch object.kind {
            case .chunk: try await catalog.files(using: object.hash, limit: Self.filesNamed)
            case .record: try await catalog.names(ofRecords: [object.hash]).flatMap { $0 }
            }
        return VerificationProblem(
            kind: kind, replica: name, object: object, segment: segment, files: files,
            detail: detail)
    }
}

/// How much of the time a scrub takes from a disk that has other things to do. It rests in
/// proportion to how long a step took: on a busy disk steps take longer, and so do the rests.
struct ScrubPace: Sendable {
    /// Rest for each unit of work.
    let restShare: Double

    static let unpaced = ScrubPace(restShare: 0)
    /// Somebody waits for it.
    static let half = ScrubPace(restShare: 1)
    /// Nobody does.
    static let fifth = ScrubPace(restShare: 4)

    /// - Returns: `false` where the task was cancelled.
    func rest(after work: Duration, _ clock: ServerClock) async -> Bool {
        guard restShare > 0 else { return !Task.isCancelled }
        return await clock.pause(work * restShare)
    }
}
