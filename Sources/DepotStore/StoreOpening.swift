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
        let recovery = SegmentRecovery(folder: folder, logger: logger)
        var survey = try SegmentSurvey(folder)
        index = try survey.openIndex(logger)
        try take(survey, recovery)
    }

    private mutating func take(
        _ survey: SegmentSurvey, _ recovery: SegmentRecovery
    ) throws(DepotError) {
        for number in survey.unsealed {
            guard let sealed = try recovery.recover(number) else { continue }
            try index.merge(sealed.segment, sealed.members, dead: [])
            try index.markBad(sealed.damaged.compactMap(\.path.objectID))
        }
        for segment in try index.segments() {
            state.segments[segment.number] = segment
            state.sealedBytes += segment.bytes
            state.note(segment.highestSequence)
        }
        state.bad = try index.bad()
        state.chunks = try index.chunkCount()
        state.segment = max(survey.numbers.max() ?? 0, state.identity.segmentGone ?? 0) + 1
    }
}

/// Which segments there are, and which of them are sealed.
private struct SegmentSurvey {
    private(set) var numbers: [UInt32]
    let unsealed: [UInt32]
    private let folder: ReplicaFolder
    private let nonces: [UInt32: UInt64]

    init(_ folder: ReplicaFolder) throws(DepotError) {
        self.folder = folder
        numbers = try folder.segmentNumbers()
        var nonces: [UInt32: UInt64] = [:]
        for number in numbers {
            let file = try SegmentFile.open(in: folder.segments, number: number, flags: O_RDONLY)
            nonces[number] = try SegmentRecovery.sealedNonce(file)
        }
        self.nonces = nonces
        unsealed = numbers.filter { nonces[$0] == nil }
    }

    /// An index that has taken in every sealed segment, and none that is not there.
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
        if !fits {
            logger.notice("the index does not fit the segments and is made again")
            index.close()
            SegmentIndex.remove(folder.index)
            index = try SegmentIndex.open(at: folder.index)
        }
        let known = Set(try index.segments().map(\.number))
        for number in numbers where nonces[number] != nil && !known.contains(number) {
            let file = try SegmentFile.open(in: folder.segments, number: number, flags: O_RDONLY)
            guard let sealed = try SegmentRecovery.readSealed(file) else { continue }
            try index.merge(sealed.segment, sealed.members, dead: [])
        }
        return index
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
