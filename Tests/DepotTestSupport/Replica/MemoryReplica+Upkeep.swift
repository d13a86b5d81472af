import DepotCore

extension MemoryReplica {
    /// Nobody else has a nonce of this kind.
    private static func segmentID(_ number: UInt32) -> SegmentID {
        SegmentID(number: number, nonce: UInt64(number) << 32 | 0x6d65_6d6f)
    }

    public func segments(
        after number: UInt32?, limit: Int
    ) async throws(DepotError) -> [SegmentInfo] {
        state.withLock { state in
            let found = Dictionary(grouping: state.copies.values, by: \.segment)
            return found.keys.filter { $0 > number ?? 0 }.sorted().prefix(limit).map { number in
                let copies = found[number] ?? []
                let bytes = copies.reduce(0) { $0 + UInt64($1.bytes.readableBytes) }
                return SegmentInfo(
                    id: Self.segmentID(number), bytes: bytes, liveBytes: bytes,
                    liveCopies: copies.count, isSealed: number < state.segment)
            }
        }
    }

    public func scrub(
        _ segment: SegmentID, from offset: UInt64, budget: UInt64
    ) async throws(DepotError) -> ScrubStep {
        guard budget > 0 else { throw DepotError(.invalidArgument, "a step reads at least 1 byte") }
        return try state.withLock { state throws(DepotError) -> ScrubStep in
            let all = state.copies.filter { $0.value.segment == segment.number }
                .sorted { $0.value.end < $1.value.end }
            guard segment == Self.segmentID(segment.number), !all.isEmpty else {
                throw DepotError(.notFound, "no such segment")
            }
            var read: UInt64 = 0
            let rest = all.filter { $0.value.end > offset }
            let step = rest.prefix { _, copy in
                defer { read += UInt64(copy.bytes.readableBytes) }
                return read < budget
            }
            let verdicts = step.map { id, copy in
                ScrubVerdict(
                    id: id, verdict: ChunkID(hashing: copy.bytes) == id.hash ? .good : .bad)
            }
            for verdict in verdicts {
                state.copies[verdict.id]?.isKnownBad = verdict.verdict == .bad
            }
            return ScrubStep(
                next: step.count < rest.count ? step.last?.value.end : nil,
                bytesRead: step.reduce(0) { $0 + UInt64($1.value.bytes.readableBytes) },
                verdicts: verdicts, problems: [])
        }
    }

    public func compact(_ segment: SegmentID) async throws(DepotError) -> CompactionReport {
        try state.withLock { state throws(DepotError) -> CompactionReport in
            let live = state.copies.filter { $0.value.segment == segment.number }
            guard segment == Self.segmentID(segment.number), !live.isEmpty else {
                throw DepotError(.notFound, "no such segment")
            }
            if segment.number == state.segment { state.segment += 1 }
            let bad = live.filter { ChunkID(hashing: $0.value.bytes) != $0.key.hash }.keys
            for id in bad { state.copies[id]?.isKnownBad = true }
            let good = live.filter { !bad.contains($0.key) }
            for (id, copy) in good {
                state.appended += UInt64(copy.bytes.readableBytes)
                state.copies[id] = Copy(
                    bytes: copy.bytes, end: state.appended, segment: state.segment)
            }
            state.synced = state.appended
            let bytes = good.values.reduce(0) { $0 + UInt64($1.bytes.readableBytes) }
            return CompactionReport(
                movedCopies: good.count, movedBytes: bytes,
                freedBytes: bad.isEmpty ? bytes : 0, pinnedBy: bad.sorted())
        }
    }
}
