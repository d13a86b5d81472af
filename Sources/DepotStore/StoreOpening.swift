import DepotCore
import FoundationEssentials
import Glibc
import Logging

/// Everything that opening a folder does, on the thread that may block.
struct StoreOpening {
    let folder: ReplicaFolder
    let configuration: SegmentStoreConfiguration
    let logger: Logger
    let segmentSize: UInt64
    let reserve: UInt64
    let index: SegmentIndex
    let state: StoreState<SegmentFile>

    init(
        at path: String, _ configuration: SegmentStoreConfiguration, logger: Logger
    ) throws(DepotError) {
        self.configuration = configuration
        self.logger = logger
        folder = try ReplicaFolder(path, configuration.operations)
        let known = try folder.readIdentity()
        try Self.check(known, configuration.identity, path)
        try folder.makeFolders()
        let numbers = try folder.segmentNumbers()
        let newest = max(numbers.last ?? 0, known?.segmentNewest?.number ?? 0)
        guard newest < SegmentID.numberMax else {
            throw folder.isAtItsEnd("there is no number behind segment \(newest)")
        }
        if known == nil, !numbers.isEmpty {
            throw DepotError(
                .formatUnsupported,
                "there are segments here but no identity; put depot-replica.json back from a "
                    + "backup, or move the segments away",
                object: folder.path)
        }
        var identity =
            known
            ?? ReplicaIdentity(
                format: ReplicaIdentity.formatKnown, replica: configuration.identity ?? .random(),
                membership: nil, opens: 0)
        guard identity.opens < LogPosition.opensMax else {
            throw folder.isAtItsEnd("it says that the folder was opened \(identity.opens) times")
        }
        identity.opens += 1
        try folder.writeIdentity(identity)
        let total = try folder.space().total
        segmentSize = configuration.segmentSize(onDiskOf: total)
        reserve = configuration.reserve(onDiskOf: total)
        var survey = try SegmentSurvey(folder, identity)
        index = try survey.openIndex(logger)
        let summary = try index.summary()
        let highest = max(newest, survey.newest, summary.segments.last?.number ?? 0)
        guard highest < SegmentID.numberMax else {
            throw folder.isAtItsEnd("there is no number behind segment \(highest)")
        }
        state = StoreState(identity: identity, index: summary, newest: highest)
    }

    /// - Throws: `conflict` for the folder of another replica, which is not touched.
    private static func check(
        _ known: ReplicaIdentity?, _ wanted: ReplicaID?, _ path: String
    ) throws(DepotError) {
        guard let known, let wanted, known.replica != wanted else { return }
        throw DepotError(
            .conflict,
            "this folder is of replica \(known.replica), and the certificate is of replica "
                + "\(wanted); give the certificate that belongs to it, as "
                + "`depot tls init --replica NAME=\(known.replica)` makes one",
            object: path)
    }
}

/// Which segments there are, and which of them are sealed.
private struct SegmentSurvey {
    let newest: UInt32
    private var numbers: [UInt32]
    private let folder: ReplicaFolder
    private let identity: ReplicaIdentity
    private let sealed: [UInt32: SegmentIndex.Segment]

    init(_ folder: ReplicaFolder, _ identity: ReplicaIdentity) throws(DepotError) {
        self.folder = folder
        self.identity = identity
        numbers = try folder.segmentNumbers()
        newest = numbers.max() ?? 0
        var sealed: [UInt32: SegmentIndex.Segment] = [:]
        for number in numbers {
            let file = try SegmentFile.open(in: folder.segments, number: number, flags: O_RDONLY)
            let known = identity.knows(number, of: numbers)
            sealed[number] = try SegmentRecovery.readSealed(file, known)?.segment
        }
        self.sealed = sealed
    }

    /// Opens the index and makes it fit the folder: it merges every segment that it lacks and
    /// forgets every one that is gone. Seals the segments that were not.
    mutating func openIndex(_ logger: Logger) throws(DepotError) -> SegmentIndex {
        let index = try SegmentIndex.open(at: folder.index, logger: logger)
        try finishRemovals(index)
        let indexed = try index.segments()
        let newest = indexed.last?.number ?? 0
        // The last copy in log order is the live one, so segments are merged in order: one in front
        // of a merged segment comes too late.
        let fits =
            indexed.allSatisfy { sealed[$0.number] == $0 }
            && numbers.allSatisfy { number in
                number > newest || indexed.contains { $0.number == number }
            }
        let noted = Dictionary(uniqueKeysWithValues: indexed.map { ($0.number, $0.nonce) })
        do throws(DepotError) {
            if !fits {
                logger.notice("the index does not fit the segments and is made again")
                try index.beginRemaking()
            }
            try takeAll(into: index, nonces: noted, logger)
            try index.endRemaking()
            try index.forgetDead()
            return index
        } catch {
            guard !fits else { throw error }
            // The index is damaged, or there is no room for two. A scrub finds again which copies
            // are bad.
            logger.warning("nothing is kept of the index", metadata: ["why": "\(error)"])
            index.close()
            SegmentIndex.remove(folder.index)
            let fresh = try SegmentIndex.open(at: folder.index, logger: logger)
            try takeAll(into: fresh, nonces: noted, logger)
            return fresh
        }
    }

    private func takeAll(
        into index: SegmentIndex, nonces noted: [UInt32: UInt64], _ logger: Logger
    ) throws(DepotError) {
        let known = Set(try index.segments().map(\.number))
        for number in numbers where !known.contains(number) {
            try take(
                number, nonce: noted[number], into: index,
                SegmentRecovery(folder: folder, logger: logger))
        }
    }

    private func take(
        _ number: UInt32, nonce: UInt64?, into index: SegmentIndex, _ recovery: SegmentRecovery
    ) throws(DepotError) {
        let file = try SegmentFile.open(in: folder.segments, number: number, flags: O_RDONLY)
        var known = identity.knows(number, of: numbers)
        known.nonce = known.nonce ?? nonce
        let sealed: SealedSegment
        if let found = try SegmentRecovery.readSealed(file, known) {
            sealed = found
        } else {
            guard let recovered = try recovery.recover(number, known) else { return }
            sealed = recovered
        }
        assert(sealed.segment.number == number, "another segment was read than was asked for")
        try index.merge(sealed.segment, sealed.members)
        try index.markBad(sealed.damaged.compactMap(\.path.objectID))
        try index.clearBad(healed(by: sealed, in: file, of: index.bad(), recovery.logger))
    }

    /// A whole copy that lies behind a bad one heals it. Only reading tells that it is whole: it
    /// may be the bad one.
    private func healed(
        by sealed: SealedSegment, in file: SegmentFile, of bad: Set<ObjectID>,
        _ logger: Logger
    ) throws(DepotError) -> [ObjectID] {
        guard !bad.isEmpty else { return [] }
        let segment = sealed.segment
        var copies: [ObjectID: Location] = [:]
        for member in sealed.members {
            guard let id = member.path.objectID, bad.contains(id) else { continue }
            copies[id] = Location(
                segment: segment.number, nonce: segment.nonce, offset: member.offset,
                length: member.length)
        }
        let scrub = SegmentScrub(try ColdReader(file), nonce: segment.nonce, logger)
        return copies.filter { scrub.isWhole($0.key, $0.value) }.map(\.key)
    }

    /// Ends the compactions that a crash has interrupted: their live copies had been moved before.
    private mutating func finishRemovals(_ index: SegmentIndex) throws(DepotError) {
        for gone in try index.removals() {
            if sealed[gone.number]?.nonce == gone.nonce {
                try folder.operations.unlink(
                    "\(folder.segments)/\(SegmentFile.name(gone.number))")
                try folder.operations.syncFolder(folder.segments)
                numbers.removeAll { $0 == gone.number }
            }
            try index.endRemoval(of: gone.number)
        }
    }
}
