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
    /// Of those that are sealed.
    private let nonces: [UInt32: UInt64]

    init(_ folder: ReplicaFolder, _ identity: ReplicaIdentity) throws(DepotError) {
        self.folder = folder
        self.identity = identity
        numbers = try folder.segmentNumbers()
        newest = numbers.max() ?? 0
        var nonces: [UInt32: UInt64] = [:]
        for number in numbers {
            let file = try SegmentFile.open(in: folder.segments, number: number, flags: O_RDONLY)
            let known = identity.knows(number, of: numbers)
            nonces[number] = try SegmentRecovery.readSealed(file, known)?.segment.nonce
        }
        self.nonces = nonces
    }

    /// An index that has taken in every segment, and none that is not there. Seals those that were not.
    mutating func openIndex(_ logger: Logger) throws(DepotError) -> SegmentIndex {
        var index = try SegmentIndex.open(at: folder.index)
        try finishRemovals(index)
        let indexed = try index.segments()
        let newest = indexed.last?.number ?? 0
        // The last copy in log order is the live one: segments can only be taken in behind those that are.
        let fits =
            indexed.allSatisfy { nonces[$0.number] == $0.nonce }
            && numbers.allSatisfy { number in
                number > newest || indexed.contains { $0.number == number }
            }
        let noted = Dictionary(uniqueKeysWithValues: indexed.map { ($0.number, $0.nonce) })
        if !fits {
            logger.notice("the index does not fit the segments and is made again")
            index.close()
            SegmentIndex.remove(folder.index)
            index = try SegmentIndex.open(at: folder.index)
        }
        let known = Set(try index.segments().map(\.number))
        for number in numbers where !known.contains(number) {
            try take(number, noted[number], index, SegmentRecovery(folder: folder, logger: logger))
        }
        return index
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
        // A good copy behind a bad one heals it.
        let damaged = Set(sealed.damaged.map(\.offset))
        let bad = try index.bad()
        let healed = sealed.members.filter { !damaged.contains($0.offset) }
            .compactMap(\.path.objectID).filter(bad.contains)
        try index.clearBad(healed)
    }

    /// Compactions that a crash has interrupted: what was live had been moved before.
    private mutating func finishRemovals(_ index: SegmentIndex) throws(DepotError) {
        for gone in try index.removals() {
            if nonces[gone.number] == gone.nonce {
                try folder.operations.unlink(
                    "\(folder.segments)/\(SegmentFile.name(gone.number))")
                try folder.operations.syncFolder(folder.segments)
                numbers.removeAll { $0 == gone.number }
            }
            try index.endRemoval(of: gone.number)
        }
    }
}
