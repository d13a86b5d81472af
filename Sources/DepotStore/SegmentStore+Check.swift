import DepotCore

extension SegmentStore {
    public func check(_ ids: [ObjectID]) async throws(DepotError) -> [CheckVerdict] {
        let (verdicts, locations) = try await onReader {
            () throws(DepotError) -> ([CheckVerdict], [ObjectID: Location]) in
            let locations = try self.locate(ids)
            var readers: [UInt32: ColdReader?] = [:]
            var verdicts: [CheckVerdict] = []
            for id in ids {
                guard let location = locations[id] else {
                    verdicts.append(.absent)
                    continue
                }
                let number = location.segment
                if readers[number] == nil {
                    readers[number] = .some(try self.files.reader(number))
                }
                guard let reader = readers[number] ?? nil else {
                    verdicts.append(.absent)
                    continue
                }
                let scrub = SegmentScrub(reader, nonce: location.nonce, self.logger)
                // A copy that looks bad is read a second time before it is called so.
                let isGood = scrub.isWhole(id, location) || scrub.isWhole(id, location)
                verdicts.append(isGood ? .good : .bad)
            }
            return (verdicts, locations)
        }
        let bad = zip(ids, verdicts).filter { $0.1 == .bad }.map(\.0)
        let good = zip(ids, verdicts).filter { $0.1 == .good }.map(\.0)
        try await onLog { () throws(DepotError) in
            try self.remember(bad: bad, good: good, at: locations)
        }
        return verdicts
    }

    /// Remembers verdicts on copies. A verdict on a copy that is not the live one any more is
    /// dropped.
    ///
    /// - Parameter locations: where the copies lay when they were read.
    func remember(
        bad: [ObjectID], good: [ObjectID], at locations: [ObjectID: Location]
    ) throws(DepotError) {
        assertOnLog()
        let now = try locate(bad)
        let confirmed = bad.filter { now[$0] == locations[$0] }
        let healed = state.withLock { state in
            state.quarantined(confirmed)
            return state.healed(good)
        }
        try index.markBad(confirmed)
        try index.clearBad(healed)
    }
}
