import DepotCore

extension FakeReplica {
    private static let segment = SegmentID(number: 1, nonce: 1)

    func segments(after number: UInt32?, limit: Int) async throws(DepotError) -> [SegmentInfo] {
        try await enter()
        guard number ?? 0 < 1 else { return [] }
        return state.withLock { state in
            state.objects.isEmpty
                ? []
                : [
                    SegmentInfo(
                        id: Self.segment, bytes: state.appended, liveBytes: state.appended,
                        liveCopies: state.objects.count, isSealed: false)
                ]
        }
    }

    func scrub(
        _ segment: SegmentID, from offset: UInt64, budget: UInt64
    ) async throws(DepotError) -> ScrubStep {
        try await enter()
        return state.withLock { state in
            let verdicts = state.objects.sorted { $0.key < $1.key }.map { id, entry in
                ScrubVerdict(
                    id: id, verdict: ChunkID(hashing: entry.bytes) == id.hash ? .good : .bad)
            }
            return ScrubStep(
                next: nil, bytesRead: state.appended, verdicts: verdicts, problems: [])
        }
    }

    func compact(_ segment: SegmentID) async throws(DepotError) -> CompactionReport {
        try await enter()
        throw DepotError(.conflict, "this segment is being written to")
    }
}
