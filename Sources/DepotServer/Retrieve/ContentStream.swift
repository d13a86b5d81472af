import DepotCore
import DepotWire
import NIOCore
import Synchronization

/// The bytes of a range of a file, from its first chunks on.
final class ContentStream: Sendable {
    private struct State {
        var reader: ContentReader
        /// Taken out when it is written, so that nothing holds on to it longer.
        var first: ContentParcel?
        var isStarted = false
    }

    private let service: ContentService
    private let retrieval: RetrievalID
    private let borrower: Borrower
    private let state: Mutex<State>

    init(
        service: ContentService, retrieval: RetrievalID, borrower: Borrower,
        reader: ContentReader, first: ContentParcel?
    ) {
        self.service = service
        self.retrieval = retrieval
        self.borrower = borrower
        state = Mutex(State(reader: reader, first: first))
    }

    private func start() -> (ContentReader, ContentParcel?) {
        state.withLock { state in
            state.isStarted = true
            defer { state.first = nil }
            return (state.reader, state.first)
        }
    }

    deinit {
        // The client was gone before its answer began.
        guard !state.withLock({ $0.isStarted }) else { return }
        Task { [service, retrieval] in await service.close(retrieval) }
    }

    /// Writes everything, once. The next chunks are fetched while these are written if there is
    /// memory for both; nobody waits for memory while holding some.
    ///
    /// - Throws: in the middle, too, when a chunk has no good copy. What was written so far is
    ///   right.
    func write(
        over transfer: Transfer, to output: ([ByteBuffer]) async throws -> Void
    ) async throws {
        let (service, retrieval) = (service, retrieval)
        let duration = service.context.timing.retrievalLease
        let lease = LeaseRenewal(clock: service.context.clock, lease: duration) {
            () async throws(DepotError) in
            try await service.catalog.renewRetrieval(retrieval, lease: duration)
        }
        do {
            try await lease.whileRunning { try await writeParcels(over: transfer, to: output) }
        } catch {
            await service.close(retrieval)
            throw error
        }
        await service.close(retrieval)
    }

    private func writeParcels(
        over transfer: Transfer, to output: ([ByteBuffer]) async throws -> Void
    ) async throws {
        var (reader, current) = start()
        while let parcel = current {
            let ahead = try await reader.nextParcel(
                upTo: ContentReader.batchBytes, from: service.budget, for: borrower,
                fetcher: service.fetcher)
            transfer.lends {
                parcel.letGo()
                ahead?.letGo()
            }
            async let isAhead: Void? = ahead?.loadIfRoom()
            try await parcel.write { try await output($0) }
            _ = try await isAhead
            current = ahead
        }
        transfer.lends(nil)
    }
}
