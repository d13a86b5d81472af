import DepotCore

extension SegmentStore {
    public func check(_ ids: [ObjectID]) async throws(DepotError) -> [CheckVerdict] {
        let (verdicts, locations) = try await onReader {
            () throws(DepotError) -> ([CheckVerdict], [ObjectID: Location]) in
            let locations = try self.locate(ids)
            var verdicts: [CheckVerdict] = []
            for id in ids {
                guard let location = locations[id] else {
                    verdicts.append(.absent)
                    continue
                }
                // What looks bad is read a second time before it is called so.
                var isGood = try self.isWhole(id, location)
                if !isGood { isGood = try self.isWhole(id, location) }
                verdicts.append(isGood ? .good : .bad)
            }
            return (verdicts, locations)
        }
        let bad = zip(ids, verdicts).filter { $0.1 == .bad }.map(\.0)
        let good = zip(ids, verdicts).filter { $0.1 == .good }.map(\.0)
        try await onLog { () throws(DepotError) in try self.note(bad, good, locations) }
        return verdicts
    }

    /// Reads a copy from the disk and hashes it. A range that cannot be read is as bad as a wrong one.
    private func isWhole(_ id: ObjectID, _ location: Location) throws(DepotError) -> Bool {
        let file = try files.file(location.segment)
        do throws(DepotError) {
            return try ColdReader(file).withBytes(
                at: location.offset, count: MemberHeader.size + location.length
            ) { bytes in
                guard bytes.count == MemberHeader.size + location.length,
                    let header = MemberHeader(bytes, at: location.offset, nonce: location.nonce),
                    header.path.objectID == id
                else { return false }
                let content = UnsafeRawBufferPointer(rebasing: bytes[MemberHeader.size...])
                return ChunkID(hashing: content) == id.hash
            }
        } catch {
            logger.warning(
                "a copy cannot be read", metadata: ["object": "\(id.hash)", "why": "\(error)"])
            return false
        }
    }

    /// Remembers verdicts on copies that are still the live ones.
    private func note(
        _ bad: [ObjectID], _ good: [ObjectID], _ locations: [ObjectID: Location]
    ) throws(DepotError) {
        let now = try locate(bad)
        let confirmed = bad.filter { now[$0] == locations[$0] }
        let healed = state.withLock { state in
            state.bad.formUnion(confirmed)
            let healed = state.bad.intersection(good)
            state.bad.subtract(healed)
            return Array(healed)
        }
        try index.markBad(confirmed)
        try index.clearBad(healed)
    }
}
