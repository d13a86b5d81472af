import DepotCore
import DepotWire

/// What the pipelines want of a FileServer. `FileServerClient` asks a real one; tests put faults here.
public protocol FileServerDoor: Sendable {
    func openDeposit(_ body: OpenDepositBody) async throws(DepotError) -> DepositBody
    /// - Returns: those that must be sent.
    func negotiate(
        _ deposit: DepositID, _ chunks: [ChunkReference]
    ) async throws(DepotError) -> [ChunkReference]
    /// Sends one batch: at most `WireLimits.batchBytesMax` of content in `WireLimits.batchObjectsMax` objects.
    func upload(_ deposit: DepositID, _ objects: [VerifiedObject]) async throws(DepotError)
    /// - Returns: those that too few replicas hold durably.
    func barrier(
        _ deposit: DepositID, _ chunks: [ChunkReference]
    ) async throws(DepotError) -> [ChunkReference]
    func commit(
        _ deposit: DepositID, _ files: [CommitBody.File]
    ) async throws(DepotError) -> [CommitAnswerBody.Result]
    func closeDeposit(_ deposit: DepositID) async throws(DepotError)

    func openRetrieval(_ body: OpenRetrievalBody) async throws(DepotError) -> RetrievalBody
    /// - Returns: for each request, in order, what came: not verified; `nil` where no replica could give it.
    func fetch(
        _ retrieval: RetrievalID, _ requests: [ReadRequest]
    ) async throws(DepotError) -> [FetchedChunk?]
    func closeRetrieval(_ retrieval: RetrievalID) async throws(DepotError)

    func files(prefix: String, after: FileName?) async throws(DepotError) -> FileListBody
}

/// A chunk's bytes as a replica gave them.
public struct FetchedChunk: Sendable {
    public let replica: ReplicaID?
    public let object: StoredObject
    /// Who was believed to have it, and has it not.
    public let missing: [ReplicaID]

    public init(replica: ReplicaID?, object: StoredObject, missing: [ReplicaID] = []) {
        self.replica = replica
        self.object = object
        self.missing = missing
    }
}
