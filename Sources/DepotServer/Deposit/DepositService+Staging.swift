import DepotCluster
import DepotCore
import DepotWire

extension DepositService {
    /// References of one `stage` call, that of a manifest to itself among them: so long other
    /// changes of the catalog wait.
    private static let stageReferencesMax = 8_192

    /// What staging made of one file of a commit.
    enum Staged: Sendable {
        case ready(FileCommit)
        /// Nobody has vouched for these to the deposit; nothing was noted.
        case lacking([ChunkReference])
        case failed(DepotError)
    }

    /// Why a manifest was not staged.
    private enum Refusal {
        case lacking([ChunkReference])
        case failed(DepotError)
    }

    /// Says what manifests use: those of one page many at a time, longer ones a page after the
    /// other.
    ///
    /// - Parameter hidden: manifests that are not looked into, and what has to be sent of each.
    /// - Returns: for each file, in order, what is to be committed, or why not.
    func stage(
        _ files: [CommitBody.File], read: [ChunkID: Result<ManifestOutline, DepotError>],
        hiding hidden: [ChunkID: [ChunkReference]], in deposit: DepositID
    ) async throws(DepotError) -> [Staged] {
        let outlines = files.map { file in
            Result { () throws(DepotError) in
                try Self.outline(
                    of: file, hidden[file.manifest.id] == nil ? read[file.manifest.id] : nil)
            }
        }
        // What is inline is in the commit itself.
        let stored = outlines.compactMap { try? $0.get() }.filter { !$0.reference.isInline }
        let staged = try await catalog.staged(among: stored.map(\.reference.id))
        let refusals = await stageShort(
            stored.filter { Self.isShort($0) && !staged.contains($0.reference.id) }, deposit)
        var results: [Staged] = []
        for (file, outline) in zip(files, outlines) {
            if let lacking = hidden[file.manifest.id] {
                results.append(.lacking(lacking))
                continue
            }
            do throws(DepotError) {
                let outline = try outline.get()
                let isStaged = Self.isShort(outline) || staged.contains(outline.reference.id)
                switch refusals[outline.reference.id] {
                case .lacking(let chunks): results.append(.lacking(chunks))
                case .failed(let error): results.append(.failed(error))
                case nil:
                    results.append(try await finish(file, outline, isStaged: isStaged, in: deposit))
                }
            } catch {
                results.append(.failed(error))
            }
        }
        return results
    }

    private static func isShort(_ outline: ManifestOutline) -> Bool {
        outline.pieces.isEmpty && outline.manifest.entries.count < stageReferencesMax
    }

    private static func outline(
        of file: CommitBody.File, _ read: Result<ManifestOutline, DepotError>?
    ) throws(DepotError) -> ManifestOutline {
        guard let read else {
            throw DepotError(
                .noGoodCopy, "the manifest was not sent", object: file.name.text)
        }
        let outline = try read.get()
        try file.metadata.check(of: file.name, size: file.size)
        guard outline.manifest.size == file.size else {
            throw DepotError(
                .manifestInvalid,
                "the commit says \(file.size) bytes, the manifest \(outline.manifest.size)",
                object: file.name.text)
        }
        return outline
    }

    /// - Returns: why some of them were not staged.
    private func stageShort(
        _ outlines: [ManifestOutline], _ deposit: DepositID
    ) async -> [ChunkID: Refusal] {
        let pages = outlines.map {
            ManifestPage(of: $0.reference.text, chunks: $0.manifest.entries, isLast: true)
        }
        var refusals: [ChunkID: Refusal] = [:]
        for call in pages.batches(sizeMax: Self.stageReferencesMax, size: { $0.chunks.count + 1 }) {
            guard let refusal = await stage(call, deposit) else { continue }
            for page in call {
                // One of them is refused, the others are not.
                refusals[page.manifest.id] =
                    call.count == 1 ? refusal : await stage([page], deposit)
            }
        }
        return refusals
    }

    private func stage(_ pages: [ManifestPage], _ deposit: DepositID) async -> Refusal? {
        do throws(DepotError) {
            let lacking = try await catalog.stage(pages, deposit: deposit)
            return lacking.isEmpty ? nil : .lacking(lacking)
        } catch {
            return .failed(error)
        }
    }

    /// Counts a file's chunks, and stages them on the way where that is still to be done. The last
    /// page, which makes the manifest complete, goes only when all before it were taken.
    private func finish(
        _ file: CommitBody.File, _ outline: ManifestOutline, isStaged: Bool, in deposit: DepositID
    ) async throws(DepotError) -> Staged {
        if isStaged, outline.pieces.isEmpty {
            return .ready(FileCommit(file, chunks: outline.manifest.entries.count))
        }
        var lacking: [ChunkReference] = []
        let count = try await manifests.walk(outline) { chunks, isLast async throws(DepotError) in
            guard !isStaged, lacking.isEmpty else { return }
            var pages = chunks.batches(of: Self.stageReferencesMax - 1).map {
                ManifestPage(of: outline.reference.text, chunks: Array($0), isLast: false)
            }
            if isLast {
                pages.append(
                    ManifestPage(
                        of: outline.reference.text, chunks: [], pieces: outline.pieces, isLast: true
                    ))
            }
            for page in pages where lacking.isEmpty {
                lacking = try await catalog.stage([page], deposit: deposit)
            }
        }
        return lacking.isEmpty ? .ready(FileCommit(file, chunks: count)) : .lacking(lacking)
    }
}

extension FileCommit {
    fileprivate init(_ file: CommitBody.File, chunks: Int) {
        self.init(
            name: file.name, manifest: file.manifest, size: file.size, metadata: file.metadata,
            chunks: chunks)
        expected = file.expected
    }
}
