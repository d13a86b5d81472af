/// Files by name, with their manifests, levels and receipts.
public protocol FileCatalog: Sendable {
    /// The live file of a name.
    ///
    /// - Throws: `notFound`.
    func file(_ name: FileName) async throws(DepotError) -> FileEntry

    /// Names that begin with `prefix`, in byte order, after `after`: at most `limit`, and fewer where
    /// their records are long; see `FilePage`.
    func files(
        prefix: String, after: FileName?, limit: Int
    ) async throws(DepotError) -> FilePage

    /// Live files that use a chunk: in their content, as their manifest or a piece of it; in order
    /// of name.
    func files(using chunk: ChunkID, limit: Int) async throws(DepotError) -> [FileName]

    /// Those of the chunks that live files within reach use, as far as that is found out soon: one
    /// that very many files share may be left out.
    func visible(
        among chunks: [ChunkID], within reach: NameReach
    ) async throws(DepotError) -> Set<ChunkID>

    /// The manifests among these that were staged to their end, by any deposit.
    func staged(among manifests: [ChunkID]) async throws(DepotError) -> Set<ChunkID>

    /// The distinct chunks that a manifest uses, the manifest itself, unless it is inline, and its
    /// pieces included, in order of the catalog's own, after `cursor` (`nil`: from the first).
    ///
    /// - Parameter assuming: gives the targets that would hold if a file had another level than it
    ///   has.
    /// - Throws: `notFound` where the manifest was not staged to its end, or the chunk of an inline
    ///   one or the cursor is no known chunk.
    func chunks(
        of manifest: ManifestReference, after cursor: ChunkID?, limit: Int,
        assuming: LevelAssumption?
    ) async throws(DepotError) -> [ChunkStatus]

    /// The receipt that a deposit got for a name; `nil` where it got none, or the receipt is no
    /// longer kept.
    func receipt(of name: FileName, deposit: DepositID) async throws(DepotError) -> Receipt?

    /// Keeps a receipt with fewer copies than it was made with, before anybody was told of it.
    func lower(_ receipt: Receipt, to copies: Int) async throws(DepotError) -> Receipt

    /// The record of the live file of a name; `nil` where there is none.
    func record(of name: FileName) async throws(DepotError) -> KeptRecord?
}

extension FileCatalog {
    /// The live file of a name; `nil` where there is none.
    public func known(_ name: FileName) async throws(DepotError) -> FileEntry? {
        do throws(DepotError) {
            return try await file(name)
        } catch  where error.code == .notFound {
            return nil
        }
    }

    /// With the targets that hold now.
    public func chunks(
        of manifest: ManifestReference, after cursor: ChunkID?, limit: Int
    ) async throws(DepotError) -> [ChunkStatus] {
        try await chunks(of: manifest, after: cursor, limit: limit, assuming: nil)
    }

    /// Whether a manifest was staged to its end.
    public func isStaged(manifest: ChunkID) async throws(DepotError) -> Bool {
        try await staged(among: [manifest]) == [manifest]
    }
}
