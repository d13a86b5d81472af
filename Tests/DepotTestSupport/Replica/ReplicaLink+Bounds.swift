import DepotCore

/// A replica within the process gives what it has: there is no answer to bound.
extension ReplicaLink {
    public func read(
        _ ids: [ObjectID], upTo bytes: Int
    ) async throws(DepotError) -> [StoredObject?] { try await read(ids) }
}
