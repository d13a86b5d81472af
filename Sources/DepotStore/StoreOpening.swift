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
    private(set) var state: StoreState

    init(
        _ path: String, _ configuration: SegmentStoreConfiguration, _ logger: Logger
    ) throws(DepotError) {
        self.configuration = configuration
        self.logger = logger
        folder = try ReplicaFolder(path, configuration.operations)
        let known = try folder.readIdentity()
        try folder.makeFolders()
        if known == nil, try !folder.segmentNumbers().isEmpty {
            throw DepotError(
                .formatUnsupported,
                "there are segments here but no identity; put depot-replica.json back from a backup, or "
                    + "move the segments away",
                object: folder.path)
        }
        var identity =
            known
            ?? ReplicaIdentity(
                format: ReplicaIdentity.formatKnown, replica: .random(), membership: nil, opens: 0)
        identity.opens += 1
        try folder.writeIdentity(identity)
        let total = try folder.space().total
        segmentSize = configuration.segmentSize(onDiskOf: total)
        reserve = configuration.reserve(onDiskOf: total)
        state = StoreState(identity: identity, segment: 1)
        var survey = try SegmentSurvey(folder, identity)
        index = try survey.openIndex(logger)
        try take(survey)
    }

    private mutating func take(_ survey: SegmentSurvey) throws(DepotError) {
        for segment in try index.segments() {
            state.segments[segment.number] = segment
            state.sealedBytes += segment.bytes
            state.note(segment.highestSequence)
        }
        state.bad = try index.bad()
        state.chunks = try index.chunkCount()
        let newest = max(survey.newest, state.identity.segmentNewest?.number ?? 0)
        state.segment = newest + 1
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

    /// An index that has taken in every segment, and none that is not there. Seals those that were not.
    mutating func openIndex(_ logger: Logger) throws(DepotError) -> SegmentIndex {
        let index = try SegmentIndex.open(at: folder.index)
        try finishRemovals(index)
        let indexed = try index.segments()
        let newest = indexed.last?.number ?? 0
        // The last copy in log order is the live one: segments can only be taken in behind those that are.
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
            try takeAll(noted, index, logger)
            try index.endRemaking()
            return index
        } catch {
            guard !fits else { throw error }
            // It is damaged, or there is no room for two. What a scrub has found bad, it finds again.
            logger.warning("nothing is kept of the index", metadata: ["why": "\(error)"])
            index.close()
            SegmentIndex.remove(folder.index)
            let fresh = try SegmentIndex.open(at: folder.index)
            try takeAll(noted, fresh, logger)
            return fresh
        }
    }

    private func takeAll(
        _ noted: [UInt32: UInt64], _ index: SegmentIndex, _ logger: Logger
    ) throws(DepotError) {
        let known = Set(try index.segments().map(\.number))
        for number in numbers where !known.contains(number) {
            try take(number, noted[number], index, SegmentRecovery(folder: folder, logger: logger))
        }
    }

    private func take(
        _ number: UInt32, _ nonce: UInt64?, _ index: SegmentIndex, _ recovery: SegmentRecovery
    ) throws(DepotError) {
        let file = try SegmentFile.open(in: folder.segments, number: number, flags: O_RDONLY)
        var known = identity.knows(number, of: numbers)
        known.nonce = known.nonce ?? nonce
        let sealed: SegmentRecovery.Sealed
        if let found = try SegmentRecovery.readSealed(file, known) {
            sealed = found
        } else {
            guard let recovered = try recovery.recover(number, known) else { return }
            sealed = recovered
        }
        try index.merge(sealed.segment, sealed.members, dead: [])
        try index.markBad(sealed.damaged.compactMap(\.path.objectID))
        try index.clearBad(healed(by: sealed, of: index.bad(), file, recovery.logger))
    }

    /// A whole copy behind a bad one heals it. Only what is read says that it is whole: it may be the bad one.
    private func healed(
        by sealed: SegmentRecovery.Sealed, of bad: Set<ObjectID>, _ file: SegmentFile,
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

    /// Compactions that a crash has interrupted: what was live had been moved before.
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
