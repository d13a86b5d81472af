import DepotCore

/// Its segments only look as if much of them were dead: a compaction is noted, and changes nothing.
extension FakeReplica {
    private static func id(_ number: UInt32) -> SegmentID {
        SegmentID(number: number, nonce: UInt64(number))
    }

    func segments(after number: UInt32?, limit: Int) async throws(DepotError) -> [SegmentInfo] {
        try await enter()
        return state.withLock { state in
            let found = Dictionary(grouping: state.objects.values, by: \.segment)
            return found.keys.filter { $0 > number ?? 0 }.sorted().prefix(limit).map { number in
                let entries = found[number] ?? []
                let bytes = entries.reduce(0) { $0 + UInt64($1.bytes.readableBytes) }
                let live = Double(bytes) * (1 - state.deadShare) / Double(number)
                return SegmentInfo(
                    id: Self.id(number), bytes: bytes,
                    liveBytes: state.deadShare == 0 ? bytes : UInt64(live),
                    liveCopies: entries.count, isSealed: number < state.segment)
            }
        }
    }

    func scrub(
        _ segment: SegmentID, from offset: UInt64, budget: UInt64
    ) async throws(DepotError) -> ScrubStep {
        try await enter()
        return state.withLock { state in
            state.scrubbed.append(segment.number)
            let found = state.objects.filter { $0.value.segment == segment.number }
            let verdicts = found.sorted { $0.key < $1.key }.map { id, entry in
                ScrubVerdict(
                    id: id, verdict: ChunkID(hashing: entry.bytes) == id.hash ? .good : .bad)
            }
            return ScrubStep(
                next: nil,
                bytesRead: found.values.reduce(0) { $0 + UInt64($1.bytes.readableBytes) },
                verdicts: verdicts, problems: [])
        }
    }

    func compact(_ segment: SegmentID) async throws(DepotError) -> CompactionReport {
        try await enter()
        return state.withLock { state in
            if segment.number == state.segment { state.segment += 1 }
            state.compacted.append(segment.number)
            return CompactionReport(movedCopies: 0, movedBytes: 0, freedBytes: 1, pinnedBy: [])
        }
    }
}
