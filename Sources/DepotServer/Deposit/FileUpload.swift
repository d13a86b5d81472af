import DepotCluster
import DepotCore
import DepotWire
import NIOCore

// A plain HTTP client sends a file as it is; the FileServer cuts and hashes it here. Chunks stay in
// memory until their barrier was passed, so that a replica that loses what it had not yet synced
// costs nobody an upload.

/// Deposits one file from its bytes.
struct FileUpload: Sendable {
    let service: DepositService
    let chunker: ContentChunker
    let budget: MemoryBudget

    /// With so much it comes to its end, however large the file: one chunk, and what came with its
    /// end. With more, batches are larger; that is for when nobody else needs the memory.
    private var bytesNeeded: Int {
        chunker.parameters.sizeMax + 3 * MemoryLoan.partMax + MemoryLoan.step
    }

    /// What `deposit` keeps its content in.
    ///
    /// - Parameter size: what the client declared, if it did.
    func loan(for borrower: Borrower, size: UInt64?) -> MemoryLoan {
        let needed = bytesNeeded
        let whole = size.map { Int(clamping: $0) } ?? needed
        return budget.loan(upTo: min(whole, needed), for: borrower)
    }

    /// - Parameters:
    ///   - size: what the client declared, if it did: fewer bytes publish nothing.
    ///   - conditions: what the name has to be like now, and when the file is published.
    ///   - reach: of whoever deposits it.
    ///   - loan: what the bytes are kept in; `next` grows it, and what was sent is given back to
    ///     it.
    ///   - next: the next bytes, or `nil` at the end.
    func deposit(
        _ name: FileName, level: ReplicationLevel, requireAll: Bool, metadata: FileMetadata,
        size: UInt64?, conditions: RequestConditions, reach: NameReach, loan: MemoryLoan,
        next: () async throws -> ByteBuffer?
    ) async throws -> ReceiptBody {
        let change = ConditionalChange(name: name, conditions: conditions, catalog: service.catalog)
        _ = try await change.expectation()
        let deposit = DepositID.random()
        try await service.open(deposit, level: level, requireAll: requireAll)
        let lease = LeaseRenewal(clock: service.context.clock, lease: service.timing.depositLease) {
            () async throws(DepotError) in try await service.catalog.renewDeposit(deposit)
        }
        do {
            let receipt = try await lease.whileRunning {
                var session = FileUploadSession(
                    service: service, chunker: chunker, deposit: deposit, reach: reach,
                    loan: loan)
                let finished = try await session.take(size: size, of: name, next: next)
                return try await change.make { expected in
                    try await session.commit(
                        finished, as: name, metadata: metadata, expecting: expected)
                }
            }
            try await service.close(deposit)
            return receipt
        } catch {
            // Also where the request was cancelled.
            await Task { [service] in
                do throws(DepotError) {
                    try await service.close(deposit)
                } catch {
                    // The lease ends by itself.
                }
            }.value
            throw error
        }
    }
}
