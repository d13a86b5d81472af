import DepotCore
import DepotWire

// A file is read under a lease on its manifest, so that it stays readable however its name fares
// meanwhile. A client that slept longer than that opens it again. Where the name has the same
// content still, nothing has happened. Where it was given another one, chunks of the old one may be
// gone, and those of the new one must not be mixed with them.

/// Reads chunks of one file, under a lease that is opened again where it ended.
actor RetrievalLease {
    nonisolated let id: RetrievalID
    private let server: any FileServerAPI
    private let file: FileBody?
    /// Where a certain version was asked for.
    private let sequence: CommitSequence?
    /// How often it was opened.
    private var openings = 1
    /// Why the file cannot be read to its end as it was.
    private(set) var replacement: DepotError?

    /// - Parameter file: what is read; `nil` where a lease that ends is not to be opened again.
    init(
        _ id: RetrievalID, of file: FileBody?, at sequence: CommitSequence?,
        server: any FileServerAPI
    ) {
        self.sequence = sequence
        self.id = id
        self.file = file
        self.server = server
    }

    func fetch(_ requests: [ReadRequest]) async throws(DepotError) -> [FetchedChunk] {
        let seen = openings
        do throws(DepotError) {
            return try await server.fetch(id, requests)
        } catch {
            guard error.code == .leaseEnded, let file else { throw error }
            try await open(file, again: seen)
        }
        return try await server.fetch(id, requests)
    }

    /// Several requests find out at the same time; the first of them opens it again.
    private func open(_ file: FileBody, again seen: Int) async throws(DepotError) {
        guard openings == seen else { return }
        let answer = try await server.openRetrieval(
            OpenRetrievalBody(retrieval: id, versions: [VersionName(file.name, sequence)]))
        let found = try? answer.files.first?.get()
        guard let found, found.manifest.id == file.manifest.id else {
            let error = DepotError(
                .conflict,
                "the file was replaced or deleted while it was being retrieved, and its old "
                    + "content is not kept any more; retrieve it again", object: file.name.text)
            replacement = error
            throw error
        }
        openings += 1
    }

    /// Asks for nothing: that renews it.
    func renew() async throws(DepotError) { _ = try await fetch([]) }
}
