import DepotCore
import DepotSQLite

extension SQLiteCatalog {
    public func lock(
        _ version: VersionName, _ change: LockChange, time: Int64, request: RequestID?
    ) async throws(DepotError) -> LockedContent {
        try await queue.change { session in
            let name = version.name
            try Self.refuseReserved(name)
            if let request, let made = try RecordTable(session).find(name, madeBy: request) {
                // The name may be something else since.
                let content =
                    try version.sequence == nil
                    ? made.record.contentID
                    : FileTable(session).find(version).entry.manifest.id
                return LockedContent(
                    lock: content.flatMap { made.record.locks[$0] }, record: made.record)
            }
            let content = try FileTable(session).find(version).entry.manifest.id
            let before = try LockTable(session).active(name)
            let lock = try change.applied(to: before[content], of: name)
            guard lock != before[content] else { return LockedContent(lock: lock, record: nil) }
            if let until = change.until, until <= session.calendar {
                throw DepotError(
                    .conflict, "that is not in the future, by the FileServer's clock",
                    object: name.text)
            }
            var locks = before.locks
            locks[content] = lock
            let record = try Publication(session).repeatWord(
                on: name, time: time, request: request, locks: ContentLocks(locks))
            // Of what was held an earlier time may be over.
            return LockedContent(
                lock: try LockTable(session).active(name)[content], record: record)
        }
    }

    public func setPolicy(
        _ policy: VersionPolicy?, of scope: PolicyScope, time: Int64, request: RequestID?
    ) async throws(DepotError) -> FileRecord? {
        try await queue.change { session in
            let name = try scope.recordName
            if let request, let made = try RecordTable(session).find(name, madeBy: request) {
                return made.record
            }
            let table = PolicyTable(session)
            let before = try table.policy(of: scope)
            guard policy != before else { return nil }
            let publication = Publication(session)
            guard let policy else {
                let (record, number) = try publication.enter(
                    name: name, time: time, content: .deleted(level: .one), request: request)
                try publication.bury(record, level: .one, number: number)
                return record
            }
            guard try before != nil || table.count() < PolicyScope.countMax else {
                throw DepotError(
                    .tooLarge,
                    "there are \(PolicyScope.countMax) policies, and there can be no more",
                    object: scope.root?.text)
            }
            var metadata = FileMetadata()
            metadata.annotations = try policy.annotations
            let (record, number) = try publication.enter(
                name: name, time: time,
                content: .file(level: .one, manifest: .empty, size: 0, metadata: metadata),
                request: request)
            try publication.put(record, manifest: ManifestTable.empty, number: number)
            return record
        }
    }

    public func policies() async throws(DepotError) -> PolicyList {
        try await queue.view { session in
            PolicyList(usual: session.versions, entries: try PolicyTable(session).all())
        }
    }
}
