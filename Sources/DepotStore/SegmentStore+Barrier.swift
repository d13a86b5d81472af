import DepotCore

extension SegmentStore {
    public func vouch(for ids: [ObjectID]) async throws(DepotError) -> [Vouch] {
        try checkWritable()
        let needed = state.withLock { state in
            state.spared(ids)
            return state.log.appended
        }
        try await pass(needed)
        return try await onReader { () throws(DepotError) in
            let locations = try self.locate(ids)
            return self.state.withLock { state in
                ids.map { id in
                    guard let location = locations[id], !state.quarantine.contains(id) else {
                        return .absent
                    }
                    let end = location.endMark
                    return end <= state.log.durable ? .durable : .absent
                }
            }
        }
    }

    /// Makes the log durable up to a place. Where the open segment has lost its file, the store
    /// goes on without that segment: a sync of a file without a name keeps nothing.
    func pass(_ needed: LogMark) async throws(DepotError) {
        let lost = try await onSyncer { () throws(DepotError) in
            try self.sync(upTo: needed)
            return try self.vanishedSegment()
        }
        guard let lost else { return }
        try await onLog { () throws(DepotError) in try self.abandon(lost) }
    }

    /// The open segment's number, if its file is gone or shorter than what was written.
    private func vanishedSegment() throws(DepotError) -> UInt32? {
        assertOnSyncer()
        let (file, end) = state.withLock { ($0.log.file, $0.log.end) }
        guard let file else { return nil }
        return try isThere(file, bytes: end) ? nil : file.number
    }

    func isThere(_ file: SegmentFile, bytes end: UInt64) throws(DepotError) -> Bool {
        switch try file.presence() {
        case .there(let bytes): return bytes >= end
        case .gone: return false
        case .unreadable:
            let error = DepotError(
                .storeFailed,
                "the disk does not answer; nothing more is written until the replica is started "
                    + "again",
                object: file.path)
            fail(error)
            throw error
        }
    }

    /// Makes the log durable up to a place. On the syncer's thread: a caller that queued behind
    /// another one finds it done.
    func sync(upTo needed: LogMark) throws(DepotError) {
        assertOnSyncer()
        let outcome = syncing.withLock { _ -> Result<Void, DepotError> in
            let (file, end, isDone, failure) = state.withLock {
                ($0.log.file, $0.log.appended, $0.log.durable >= needed, $0.failure)
            }
            if let failure { return .failure(failure) }
            guard !isDone, let file else { return .success(()) }
            do throws(DepotError) {
                try configuration.operations.sync(file.descriptor, file.path)
            } catch {
                // A sync is never tried again: the second one can succeed though the data is gone.
                fail(error)
                return .failure(error)
            }
            state.withLock { $0.synced(upTo: end) }
            return .success(())
        }
        try outcome.get()
    }
}
