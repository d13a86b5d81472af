import DepotCore

/// What deposits sent to replicas, as far as it is not known to be settled: a barrier settles what
/// it passed, the catalog the rest when the deposit is over.
package protocol UnsettledDeposits: Sendable {
    /// Deposits of which something is not settled.
    var unsettled: [DepositID] { get }
    /// Notes that a deposit is over.
    func close(_ deposit: DepositID)
    /// Chunks that deposits which are over sent to a replica, and that nobody vouched for.
    func strays(on replica: ReplicaID) -> Set<ChunkID>
    func forget(strays: some Collection<ChunkID>, on replica: ReplicaID)
}
