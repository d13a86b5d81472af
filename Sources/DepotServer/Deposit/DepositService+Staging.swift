import DepotCore
import DepotWire

extension DepositService {
    /// References of one `stage` call: so long other changes of the catalog wait.
    private static let stageReferencesMax = 8_192

    /// Says what manifests use, those that fit into memory in few calls, and those in pieces one after the other,
    /// since each piece takes 4 MiB.
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
        let found = Set(outlines.compactMap { try? $0.get().reference })
        let staged = try await catalog.staged(among: found.map(\.id))
        let lacking = outlines.compactMap { outline in
            (try? outline.get()).flatMap { staged.contains($0.reference.id) ? nil : $0 }
        }
        let failures = await stageShort(lacking.filter(\.pieces.isEmpty), deposit)
        var results: [Result<FileCommit, DepotError>] = []
        for (file, outline) in zip(files, outlines) {
            do throws(DepotError) {
                let outline = try outline.get()
                if let failure = failures[outline.reference.id] { throw failure }
                let isStaged = outline.pieces.isEmpty || staged.contains(outline.reference.id)
                let chunks = try await count(outline, isStaged: isStaged, deposit)
                results.append(.success(FileCommit(file, chunks: chunks)))
            } catch {
                results.append(.failure(error))
            }
        }
        return results
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
        var failures: [ChunkID: DepotError] = [:]
        for call in Self.calls(for: outlines) {
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

    private static func calls(for outlines: [ManifestOutline]) -> [[ManifestPage]] {
        var calls: [[ManifestPage]] = []
        var room = 0
        for page in outlines.flatMap(pages(of:)) {
            // Each page refers to its manifest, too.
            let references = page.chunks.count + 1
            if references > room {
                calls.append([])
                room = stageReferencesMax
            }
            calls[calls.count - 1].append(page)
            room -= references
        }
        return calls
    }

    private static func pages(of outline: ManifestOutline) -> [ManifestPage] {
        let parts = outline.manifest.entries.pages(of: stageReferencesMax - 1)
        guard let last = parts.last else {
            return [ManifestPage(of: outline.reference, chunks: [], isLast: true)]
        }
        return parts.dropLast().map {
            ManifestPage(of: outline.reference, chunks: Array($0), isLast: false)
        } + [ManifestPage(of: outline.reference, chunks: Array(last), isLast: true)]
    }

    /// Counts a file's chunks, and stages them on the way where that is still to be done.
    private func count(
        _ outline: ManifestOutline, isStaged: Bool, _ deposit: DepositID
    ) async throws(DepotError) -> Int {
        guard !outline.pieces.isEmpty else { return outline.manifest.entries.count }
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
