import DepotCore

extension StoreState {
    /// How the parts fit together; each part says by itself what holds in it. Debug builds only.
    /// Its time does not grow with what the store holds: of many entries none is looked at.
    func checkInvariants() {
        log.checkInvariants()
        memtable.checkInvariants()
        segments.checkInvariants(before: log.number)
        deletions.checkInvariants()
        assert(chunks >= 0, "a count went below 0")
        assert(
            identity.sequenceHighest.map { $0 <= highestSequence ?? .first } ?? true,
            "the highest sequence went back")
        assert(
            log.open.map { $0 == identity.segmentNewest } ?? true,
            "the open segment is not the one that the identity names")
        assert(
            identity.segmentNewest?.number ?? 0 <= log.number,
            "the identity names a segment behind the log's end")
        assert(
            quarantine.healing.isEmpty || log.begun != nil, "nothing is open that could heal a copy"
        )
        assert(
            memtable.buries(in: Set(unmergedParts.map(\.number))),
            "a tombstone lies in a segment that is merged")
        assert(
            memtable.count > Memtable.countChecked || memtable.locations.allSatisfy(isUnmerged),
            "an entry of the memtable lies where nothing was appended")
    }

    private func isUnmerged(_ location: Location) -> Bool {
        if let open = log.open, location.segment == open.number {
            return location.nonce == open.nonce && location.end <= log.end
        }
        return segments.unmerged.contains {
            $0.segment.number == location.segment && $0.segment.nonce == location.nonce
                && location.end <= $0.segment.bytes
        }
    }
}
