import DepotCore
import DepotWire

/// What the pipelines want of a FileServer. `FileServerClient` asks a real one; tests put faults
/// here.
public protocol FileServerAPI: Sendable {
    func openDeposit(_ body: OpenDepositBody) async throws(DepotError) -> DepositBody
    /// - Returns: those that must be sent.
    func negotiate(
        _ deposit: DepositID, _ chunks: [ChunkReference]
    ) async throws(DepotError) -> [ChunkReference]
    /// Sends one batch: at most `WireLimits.batchBytesMax` of content in
    /// `WireLimits.batchObjectsMax` objects.
    func upload(_ deposit: DepositID, _ objects: [VerifiedObject]) async throws(DepotError)
    /// - Returns: those that too few replicas hold durably.
    func barrier(
        _ deposit: DepositID, _ chunks: [ChunkReference]
    ) async throws(DepotError) -> [ChunkReference]
    /// Files of one chunk need no barrier before.
    func commit(
        _ deposit: DepositID, _ files: [CommitBody.File]
    ) async throws(DepotError) -> [CommitAnswerBody.Result]
    func closeDeposit(_ deposit: DepositID) async throws(DepotError)

    func openRetrieval(_ body: OpenRetrievalBody) async throws(DepotError) -> RetrievalBody
    /// Renews the lease, also where nothing is asked for.
    ///
    /// - Returns: for each request, in order, what came.
    func fetch(
        _ retrieval: RetrievalID, _ requests: [ReadRequest]
    ) async throws(DepotError) -> [FetchedChunk]
    func closeRetrieval(_ retrieval: RetrievalID) async throws(DepotError)

    func files(
        _ moment: ListMoment, prefix: String, after: FileName?
    ) async throws(DepotError) -> FileListBody
}

/// What became of one chunk that was asked for.
public enum FetchedChunk: Sendable {
    /// Not verified. Some replicas were believed to have it, and have it not.
    case found(StoredObject, from: ReplicaID?, missing: [ReplicaID])
    /// No replica gave it.
    ///
    /// - Parameter silent: one that is believed to have it, and did not answer.
    case absent(silent: ReplicaID?)

    var object: StoredObject? {
        if case .found(let object, _, _) = self { object } else { nil }
    }
}
