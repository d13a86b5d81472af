import DepotCore
import DepotWire

extension DepositService {
    /// References of one `stage` call, that of a manifest to itself among them: so long other changes of the catalog wait.
    private static let stageReferencesMax = 8_192

    /// Says what manifests use: those of one page many at a time, longer ones a page after the other.
    ///
    /// - Returns: for each file, in order, what is to be committed, or why not.
    func stage(
        _ files: [CommitBody.File], _ read: [ChunkID: Result<ManifestOutline, DepotError>],
        _ deposit: DepositID
    ) async throws(DepotError) -> [Result<FileCommit, DepotError>] {
        let outlines = files.map { file in
            Result { () throws(DepotError) in
                try Self.outline(of: file, read[file.manifest.id])
            }
        }
        let sound = outlines.compactMap { try? $0.get() }
        let staged = try await catalog.staged(among: sound.map(\.reference.id))
        let failures = await stageShort(
            sound.filter { Self.isShort($0) && !staged.contains($0.reference.id) }, deposit)
        var results: [Result<FileCommit, DepotError>] = []
        for (file, outline) in zip(files, outlines) {
            do throws(DepotError) {
                let outline = try outline.get()
                if let failure = failures[outline.reference.id] { throw failure }
                let isStaged = Self.isShort(outline) || staged.contains(outline.reference.id)
                let chunks = try await count(outline, isStaged: isStaged, deposit)
                results.append(.success(FileCommit(file, chunks: chunks)))
            } catch {
                results.append(.failure(error))
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
    ) async -> [ChunkID: DepotError] {
        let pages = outlines.map {
            ManifestPage(of: $0.reference, chunks: $0.manifest.entries, isLast: true)
        }
        let calls = pages.batches(sizeMax: Self.stageReferencesMax) { $0.chunks.count + 1 }
        var failures: [ChunkID: DepotError] = [:]
        for call in calls {
            do throws(DepotError) {
                try await catalog.stage(call, deposit: deposit)
            } catch  where error.code == .manifestInvalid && call.count > 1 {
                // One of them is refused, the others are not.
                for page in call {
                    do throws(DepotError) {
                        try await catalog.stage([page], deposit: deposit)
                    } catch {
                        failures[page.manifest.id] = error
                    }
                }
            } catch {
                for page in call { failures[page.manifest.id] = error }
            }
        }
        return failures
    }

    /// Counts a file's chunks, and stages them on the way where that is still to be done. The last page, which makes the
    /// manifest complete, goes only when all before it were taken.
    private func count(
        _ outline: ManifestOutline, isStaged: Bool, _ deposit: DepositID
    ) async throws(DepotError) -> Int {
        if isStaged, outline.pieces.isEmpty { return outline.manifest.entries.count }
        return try await manifests.walk(outline) { chunks, isLast async throws(DepotError) in
            guard !isStaged else { return }
            for part in chunks.pages(of: Self.stageReferencesMax - 1) {
                try await catalog.stage(
                    [ManifestPage(of: outline.reference, chunks: Array(part), isLast: false)],
                    deposit: deposit)
            }
            guard isLast else { return }
            try await catalog.stage(
                [
                    ManifestPage(
                        of: outline.reference, chunks: [], pieces: outline.pieces, isLast: true)
                ], deposit: deposit)
        }
    }
}

extension FileCommit {
    fileprivate init(_ file: CommitBody.File, chunks: Int) {
        self.init(
            name: file.name, manifest: file.manifest, size: file.size, metadata: file.metadata,
            chunks: chunks)
    }
}
