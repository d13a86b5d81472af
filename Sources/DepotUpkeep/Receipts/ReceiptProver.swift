import DepotCluster
import DepotCore
import DepotWire

// A receipt says: these bytes were durable on so many replicas. What the catalog believes is no
// proof of it, so the file's list of chunks is read from the replicas, and each replica reads its
// copies from its disk and hashes them.

/// Proves a receipt again: its chunks are whole now, on as many replicas as it says.
package struct ReceiptProver: Sendable {
    /// Chunks of one round: their copies are read from disk within `checkLimit`.
    static let batchBytes = 64 << 20

    let pool: ReplicaPool
    let catalog: any FileCatalog & CopyCatalog
    let manifests: ManifestReader
    let inspector: CopyInspector

    private struct Counts {
        var copiesLeast = Int.max
        var chunks = 0
        var bytesRead: UInt64 = 0
        var short = 0
        var shortListed: [ReceiptProofBody.Short] = []

        mutating func count(_ chunk: ChunkReference, copies: Int, asked: Int, promised: Int) {
            chunks += 1
            copiesLeast = min(copiesLeast, copies)
            bytesRead += UInt64(chunk.length) * UInt64(asked)
            guard copies < promised else { return }
            short += 1
            if shortListed.count < ReceiptProofBody.shortListedMax {
                shortListed.append(.init(chunk: chunk.id, copies: copies))
            }
        }
    }

    /// - Throws: only where nothing could be found out; a receipt that does not hold is an answer.
    package func prove(_ receipt: ReceiptBody) async throws(DepotError) -> ReceiptProofBody {
        await pool.ready()
        let (state, newest) = try await nameState(of: receipt)
        var counts = Counts()
        var problem = try await contradiction(receipt)
        do throws(DepotError) {
            if problem == nil { problem = try await look(at: receipt, &counts) }
        } catch  where [.noGoodCopy, .manifestInvalid, .notFound].contains(error.code) {
            problem = error.description
        }
        let copies = problem == nil ? counts.copiesLeast : 0
        if problem == nil, counts.short > 0 {
            problem =
                "\(counts.short) of \(counts.chunks) chunks have fewer than \(receipt.copies) "
                + "whole copies; "
                + pool.absentees
        }
        return ReceiptProofBody(
            receipt: receipt, isProved: problem == nil, copiesNow: copies, chunks: counts.chunks,
            bytesRead: counts.bytesRead, short: counts.short, shortListed: counts.shortListed,
            nameState: state, newestSequence: newest, problem: problem)
    }

    private func nameState(
        of receipt: ReceiptBody
    ) async throws(DepotError) -> (ReceiptProofBody.NameState, CommitSequence?) {
        do throws(DepotError) {
            let file = try await catalog.file(receipt.name)
            if file.sequence == receipt.sequence { return (.current, file.sequence) }
            return (file.manifest.id == receipt.manifest ? .sameContent : .replaced, file.sequence)
        } catch  where error.code == .notFound {
            return (.deleted, nil)
        }
    }

    /// A receipt that was not given so proves nothing. One that the catalog does not know (any
    /// more) may be true.
    private func contradiction(_ receipt: ReceiptBody) async throws(DepotError) -> String? {
        guard let given = try await catalog.receipt(of: receipt.name, deposit: receipt.deposit)
        else { return nil }
        return ReceiptBody(given) == receipt
            ? nil : "this deposit was given another receipt for the name: this one was changed"
    }

    /// - Returns: what contradicts the receipt, other than missing copies.
    private func look(
        at receipt: ReceiptBody, _ counts: inout Counts
    ) async throws(DepotError) -> String? {
        let reference = try await manifest(of: receipt)
        guard reference.id == receipt.manifest else {
            return "the receipt's chunk has another manifest than the receipt says"
        }
        guard let found = try await manifests.read([reference])[receipt.manifest] else {
            throw DepotError(.notFound, "it could not be read", object: receipt.manifest.hex)
        }
        let outline = try found.get()
        guard outline.manifest.size == receipt.size else {
            return "the receipt says \(receipt.size) bytes, its manifest \(outline.manifest.size)"
        }
        let promised = receipt.copies
        var counted = counts
        let text = reference.isInline ? [] : [reference.text]
        counted = try await check(text + outline.pieces, counted, promised: promised)
        let count = try await manifests.walk(outline) { chunks, _ async throws(DepotError) in
            counted = try await check(chunks, counted, promised: promised)
        }
        counts = counted
        guard count == receipt.chunks else {
            return "the receipt says \(receipt.chunks) chunks, its manifest lists \(count)"
        }
        return reference == .empty ? try await lookAtRecord(of: receipt, &counts) : nil
    }

    /// An empty file is its record and nothing else.
    private func lookAtRecord(
        of receipt: ReceiptBody, _ counts: inout Counts
    ) async throws(DepotError) -> String? {
        guard let kept = try await catalog.record(of: receipt.name),
            case .file(_, .empty, _, _) = kept.record.content
        else { return "the file was empty, and its record was replaced since" }
        let object = kept.batch.object.id
        var copies = 0
        let answers = await gather(pool.countedForStatus) { replica async throws(DepotError) in
            try await pool.ask(replica, within: .check) { link async throws(DepotError) in
                try await link.check([object])
            }
        }
        for case .success(let verdicts) in answers.values where verdicts == [.good] { copies += 1 }
        counts.copiesLeast = copies
        return copies >= receipt.copies
            ? nil
            : "the record of this empty file has \(copies) whole copies, fewer than "
                + "\(receipt.copies); \(pool.absentees)"
    }

    /// The receipt of a file of one chunk names that chunk. Any other manifest is a chunk itself,
    /// unless the file is empty, or the same content was deposited again since, as one chunk.
    ///
    /// - Throws: `notFound` where nobody knows it; `invalidArgument` for a size that no chunk has.
    private func manifest(of receipt: ReceiptBody) async throws(DepotError) -> ManifestReference {
        if let chunk = receipt.chunk {
            return ManifestReference(
                inline: try ChunkReference(id: chunk, length: Int(clamping: receipt.size)))
        }
        do throws(DepotError) {
            let file = try await catalog.file(receipt.name)
            if file.manifest.id == receipt.manifest { return file.manifest }
        } catch  where error.code == .notFound {}
        if let copies = try await catalog.copies(of: [receipt.manifest]).first ?? nil {
            return ManifestReference(stored: copies.reference)
        }
        if receipt.manifest == ManifestReference.empty.id { return .empty }
        throw DepotError(
            .notFound, "no replica is known to hold this manifest (any more)",
            object: receipt.manifest.hex)
    }

    private func check(
        _ chunks: [ChunkReference], _ counts: Counts, promised: Int
    ) async throws(DepotError) -> Counts {
        var counts = counts
        var seen: Set<ChunkID> = []
        let distinct = chunks.filter { seen.insert($0.id).inserted }
        for batch in ChunkBatch.cut(distinct, bytesMax: Self.batchBytes) {
            let verdicts = try await ask(batch)
            for chunk in batch {
                let found = verdicts[chunk.id] ?? []
                counts.count(
                    chunk, copies: found.count { $0 == .good },
                    asked: found.count { $0 != .absent }, promised: promised)
            }
        }
        return counts
    }

    /// Has everybody who is believed to hold one of these read it from the disk. Who does not
    /// answer has none.
    private func ask(
        _ batch: [ChunkReference]
    ) async throws(DepotError) -> [ChunkID: [CheckVerdict]] {
        var asking: [ReplicaID: [ChunkID]] = [:]
        for copies in try await catalog.copies(of: batch.map(\.id)) {
            for holding in copies?.holdings ?? []
            where holding.state == .good || holding.state == .unproved {
                guard let id = copies?.reference.id else { continue }
                asking[holding.replica, default: []].append(id)
            }
        }
        let work = asking
        let answers = await gather(work.keys) { replica async throws(DepotError) in
            try await inspector.check(work[replica] ?? [], on: replica)
        }
        var verdicts: [ChunkID: [CheckVerdict]] = [:]
        for case .success(let found) in answers.values {
            for (chunk, verdict) in found { verdicts[chunk, default: []].append(verdict) }
        }
        return verdicts
    }
}
