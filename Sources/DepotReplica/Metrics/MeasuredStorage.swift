import CoreMetrics
import DepotCore
import DepotMetrics
import Synchronization

/// Counts what a storage is asked for and what it answers, and changes nothing of that.
final class MeasuredStorage: ChunkStorage {
    private struct ByKind: Sendable {
        let chunks: Counter
        let records: Counter

        init(_ family: MetricFamily, from factory: any MetricsFactory) {
            chunks = family.counter(LabelValue(ObjectID.Kind.chunk), from: factory)
            records = family.counter(LabelValue(ObjectID.Kind.record), from: factory)
        }

        func of(_ kind: ObjectID.Kind) -> Counter {
            switch kind {
            case .chunk: chunks
            case .record: records
            }
        }
    }

    private let storage: any ChunkStorage
    private let clock: @Sendable () -> Int64
    private let written: ByKind
    private let writtenBytes: ByKind
    private let read: ByKind
    private let readBytes: ByKind
    private let deleted: ByKind
    private let barrier: CoreMetrics.Timer
    private let scrubbedBytes: Counter
    private let scrubbedCopies: Counter
    private let corrupt: Counter
    private let compactions: Counter
    private let freed: Counter
    private let scrubbedAt = Atomic<Int64>(0)

    /// - Parameter clock: seconds since 1970.
    init(
        _ storage: any ChunkStorage, countingIn factory: any MetricsFactory,
        clock: @escaping @Sendable () -> Int64
    ) {
        self.storage = storage
        self.clock = clock
        written = ByKind(.storedObjects, from: factory)
        writtenBytes = ByKind(.storedObjectBytes, from: factory)
        read = ByKind(.readObjects, from: factory)
        readBytes = ByKind(.readObjectBytes, from: factory)
        deleted = ByKind(.deletedObjects, from: factory)
        barrier = MetricFamily.barrier.timer(from: factory)
        scrubbedBytes = MetricFamily.scrubbedBytes.counter(from: factory)
        scrubbedCopies = MetricFamily.scrubbedCopies.counter(from: factory)
        corrupt = MetricFamily.corruptCopies.counter(from: factory)
        compactions = MetricFamily.compactions.counter(from: factory)
        freed = MetricFamily.freedBytes.counter(from: factory)
    }

    /// When a scrub last read something, in seconds since 1970; `nil` before the first one.
    var lastScrub: Int64? {
        let time = scrubbedAt.load(ordering: .relaxed)
        return time == 0 ? nil : time
    }

    // MARK: What is counted

    func put(_ objects: [VerifiedObject]) async throws(DepotError) {
        try await storage.put(objects)
        for object in objects {
            written.of(object.id.kind).increment()
            writtenBytes.of(object.id.kind).add(object.length)
        }
    }

    func vouch(for ids: [ObjectID]) async throws(DepotError) -> [Vouch] {
        let began = ContinuousClock.now
        defer { barrier.record(began.duration(to: .now)) }
        return try await storage.vouch(for: ids)
    }

    func read(_ ids: [ObjectID]) async throws(DepotError) -> [StoredObject?] {
        let objects = try await storage.read(ids)
        for object in objects {
            guard let object else { continue }
            read.of(object.id.kind).increment()
            readBytes.of(object.id.kind).add(object.length)
        }
        return objects
    }

    func check(_ ids: [ObjectID]) async throws(DepotError) -> [CheckVerdict] {
        let verdicts = try await storage.check(ids)
        corrupt.add(verdicts.count { $0 == .bad })
        return verdicts
    }

    func delete(
        _ ids: [ObjectID], token: CondemnToken
    ) async throws(DepotError) -> [ObjectID] {
        let gone = try await storage.delete(ids, token: token)
        for id in gone { deleted.of(id.kind).increment() }
        return gone
    }

    func scrub(
        _ segment: SegmentID, from offset: UInt64, budget: UInt64
    ) async throws(DepotError) -> ScrubStep {
        let step = try await storage.scrub(segment, from: offset, budget: budget)
        scrubbedBytes.add(step.bytesRead)
        scrubbedCopies.add(step.verdicts.count)
        corrupt.add(step.verdicts.count { $0.verdict == .bad })
        scrubbedAt.store(clock(), ordering: .relaxed)
        return step
    }

    func compact(_ segment: SegmentID) async throws(DepotError) -> CompactionReport {
        let report = try await storage.compact(segment)
        compactions.increment()
        freed.add(report.freedBytes)
        return report
    }

    // MARK: What is not

    func standing() async throws(DepotError) -> ReplicaStanding { try await storage.standing() }

    func adopt(_ offer: MembershipOffer) async throws(DepotError) -> ReplicaStanding {
        try await storage.adopt(offer)
    }

    func inventory(after: ObjectID?, limit: Int) async throws(DepotError) -> [InventoryEntry] {
        try await storage.inventory(after: after, limit: limit)
    }

    func condemn(_ ids: [ObjectID]) async throws(DepotError) -> CondemnToken {
        try await storage.condemn(ids)
    }

    func segments(after number: UInt32?, limit: Int) async throws(DepotError) -> [SegmentInfo] {
        try await storage.segments(after: number, limit: limit)
    }
}
