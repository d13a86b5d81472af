import DepotCore
import FoundationEssentials
import Glibc
import Logging
import NIOCore

@testable import DepotStore

extension FuzzTarget {
    /// A segment as a replica's disk gives it back when the replica starts, see `DamagedSegment`.
    static let segment = FuzzTarget(name: "segment") { bytes in
        guard let segment = DamagedSegment(bytes), !segment.bytes.isEmpty else { return }
        wait {
            do throws(DepotError) {
                try await SegmentFolder.shared.use(segment)
            } catch {
                require(error.code != .internalError, "\(error)")
            }
        }
    }
}

/// The folder of a replica, in memory where the system has such a place.
private struct SegmentFolder: Sendable {
    static let shared = SegmentFolder()

    private static let replica = ReplicaID.random()
    private let path = FuzzFolder.make("replica")
    private let logger = Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }

    private var segment: String { "\(path)/segments/\(SegmentFile.name(1))" }

    private func identity(_ found: DamagedSegment) -> ReplicaIdentity {
        ReplicaIdentity(
            format: ReplicaIdentity.formatKnown, replica: Self.replica, membership: nil,
            opens: 1, segmentNewest: found.newest, sequenceHighest: nil)
    }

    /// Puts the segment into a folder with nothing else in it.
    private func put(_ found: DamagedSegment) throws(DepotError) {
        for name in ["index.sqlite", "index.sqlite-wal", "index.sqlite-shm", "segments", "torn"] {
            try? FileManager.default.removeItem(atPath: "\(path)/\(name)")
        }
        let folder = try ReplicaFolder(existing: path)
        try folder.makeFolders()
        try folder.writeIdentity(identity(found))
        let file = try folder.operations.create(segment, mode: 0o600, replacing: false)
        defer { close(file) }
        try folder.operations.write(found.bytes, at: 0, to: file, segment)
    }

    func use(_ found: DamagedSegment) async throws(DepotError) {
        try put(found)
        let report = try StoreCheck(folder: path, logger: logger).run()
        if found.isForStore {
            try await useStore(whole: report.members - report.badMembers.count)
        } else {
            try recover(found)
        }
    }

    // MARK: Without a store

    private func recover(_ found: DamagedSegment) throws(DepotError) {
        let folder = try ReplicaFolder(existing: path)
        let known = identity(found).knows(1, of: [1])
        var file = try SegmentFile.open(in: folder.segments, number: 1, flags: O_RDONLY)
        var sealed = try SegmentRecovery.readSealed(file, known)
        var promised: Set<UInt64> = []
        if sealed == nil {
            let recovery = SegmentRecovery(folder: folder, logger: logger)
            guard let recovered = try recovery.recover(1, known) else { return }
            file = try SegmentFile.open(in: folder.segments, number: 1, flags: O_RDONLY)
            let again = try SegmentRecovery.readSealed(
                file, SegmentKnowledge(nonce: recovered.segment.nonce, wasSealed: true))
            require(
                again?.segment == recovered.segment && again?.members == recovered.members,
                "what was recovered is not read back: \(recovered), then \(again as Any)")
            promised = Set(recovered.members.map(\.offset))
                .subtracting(recovered.damaged.map(\.offset))
            sealed = recovered
        }
        guard let sealed else { return }
        try scrub(sealed, file, promised)
    }

    /// - Parameter promised: where members lie that a recovery has found whole.
    private func scrub(
        _ sealed: SealedSegment, _ file: SegmentFile, _ promised: Set<UInt64>
    ) throws(DepotError) {
        let nonce = sealed.segment.nonce
        let copies = sealed.members.compactMap { member in
            member.path.objectID.map {
                (
                    $0,
                    Location(
                        segment: 1, nonce: nonce, offset: member.offset, length: member.length)
                )
            }
        }.sorted { $0.1.offset < $1.1.offset }
        var scrub = SegmentScrub(try ColdReader(file), nonce: nonce, logger)
        scrub.read(copies)
        for (verdict, copy) in zip(scrub.verdicts, copies) where promised.contains(copy.1.offset) {
            require(verdict.verdict == .good, "a copy was recovered that is not whole")
        }
        scrub.readStructure(sound: [])
    }

    // MARK: With a store

    private func useStore(whole count: Int) async throws(DepotError) {
        let held = try await open { store throws(DepotError) in try await whole(in: store) }
        require(
            held.count <= count, "more copies are whole than the folder's check has found")
        let recovered = FileManager.default.contents(atPath: segment)
        try await open { store throws(DepotError) in
            require(
                FileManager.default.contents(atPath: segment) == recovered,
                "a second recovery changes something")
            require(try await whole(in: store) == held, "a second recovery finds something else")
            try await upkeep(store)
            require(try await whole(in: store) == held, "a compaction loses something")
        }
    }

    private func open<Result>(
        _ body: (SegmentStore) async throws(DepotError) -> Result
    ) async throws(DepotError) -> Result {
        var configuration = SegmentStoreConfiguration()
        configuration.segmentSize = 64 << 10
        configuration.reserve = ByteCount(0)
        let store = try await SegmentStore.open(
            at: path, configuration: configuration, logger: logger)
        do throws(DepotError) {
            let result = try await body(store)
            await store.close()
            return result
        } catch {
            await store.close()
            throw error
        }
    }

    /// What the store holds whole. It has to hash to its name.
    private func whole(in store: SegmentStore) async throws(DepotError) -> Set<ObjectID> {
        var whole: Set<ObjectID> = []
        let listed = try await store.inventory(after: nil, limit: 100).map(\.id)
        let verdicts = try await store.check(listed)
        let objects = try await store.read(listed)
        for ((id, verdict), object) in zip(zip(listed, verdicts), objects) where verdict == .good {
            whole.insert(id)
            guard let object, case .file(let extent) = object.bytes else {
                fatalError("a copy is good and is none")
            }
            var bytes = [UInt8](repeating: 0, count: extent.length)
            let count = pread(extent.descriptor, &bytes, bytes.count, off_t(extent.offset))
            withExtendedLifetime(extent.owner) {}
            require(count == bytes.count, "a copy is good and too short")
            require(
                bytes.withUnsafeBytes { ChunkID(hashing: $0) } == id.hash,
                "a copy is good and another one")
        }
        return whole
    }

    /// What a FileServer has a replica do.
    private func upkeep(_ store: SegmentStore) async throws(DepotError) {
        for segment in try await store.segments(after: nil, limit: 10) {
            var offset: UInt64? = 0
            while let from = offset {
                let step = try await store.scrub(segment.id, from: from, budget: 700)
                require(step.next ?? .max > from, "a scrub does not go on")
                offset = step.next
            }
            if segment.isSealed { _ = try await store.compact(segment.id) }
        }
        _ = try await store.standing()
    }
}
