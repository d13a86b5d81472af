import DepotCore
import Logging

/// The on-disk `ChunkStorage`.
public final class SegmentStore: Sendable {
    /// Opens the replica folder, or makes it where it is missing or empty, and recovers what a crash left.
    ///
    /// - Throws: `conflict` where another process has it open, `formatUnsupported` where a newer depot made it,
    ///   `storeFailed` where it cannot be read.
    public static func open(
        at folder: String, configuration: SegmentStoreConfiguration = .init(), logger: Logger
    ) async throws(DepotError) -> SegmentStore {
        throw DepotError(.internalError, "not built yet")
    }

    /// Seals the open segment and gives the folder free. What comes after it is refused.
    public func close() async {}
}

extension SegmentStore: ChunkStorage {
    private static let missing = DepotError(.internalError, "not built yet")

    public func standing() async throws(DepotError) -> ReplicaStanding { throw Self.missing }
    public func adopt(_ membership: ClusterMembership) async throws(DepotError) -> ReplicaStanding {
        throw Self.missing
    }
    public func put(_ objects: [VerifiedObject]) async throws(DepotError) { throw Self.missing }
    public func vouch(for ids: [ObjectID]) async throws(DepotError) -> [Vouch] {
        throw Self.missing
    }
    public func read(_ ids: [ObjectID]) async throws(DepotError) -> [StoredObject?] {
        throw Self.missing
    }
    public func check(_ ids: [ObjectID]) async throws(DepotError) -> [CheckVerdict] {
        throw Self.missing
    }
    public func inventory(
        after: ObjectID?, limit: Int
    ) async throws(DepotError) -> [InventoryEntry] { throw Self.missing }
    public func condemn(_ ids: [ObjectID]) async throws(DepotError) -> CondemnToken {
        throw Self.missing
    }
    public func delete(
        _ ids: [ObjectID], token: CondemnToken
    ) async throws(DepotError) -> [ObjectID] { throw Self.missing }
}
