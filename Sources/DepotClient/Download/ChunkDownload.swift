import DepotCore
import DepotWire
import NIOCore

/// Fetches a batch of chunks, each from as many replicas as it takes.
struct ChunkDownload: Sendable {
    /// What came: the chunks that were asked for, in order, and the copies that could not be used.
    struct Batch: Sendable {
        let objects: [VerifiedObject]
        let badCopies: [BadCopyReport]
    }

    /// What one batch takes of memory.
    static let bytesMax = 4 << 20
    private static let countMax = 256

    let threads: BlockingThreads
    let lease: RetrievalLease
    let name: FileName

    static func batches(_ chunks: [PlacedChunk]) -> [[PlacedChunk]] {
        chunks.batches(sizeMax: bytesMax, countMax: countMax) { $0.reference.length }
    }

    /// - Parameter chunks: no more than one batch.
    /// - Throws: `noGoodCopy`, naming chunk, file and offset; `unreachable` where a holder did not
    ///   answer, and none was seen to be bad.
    func fetch(_ chunks: [PlacedChunk]) async throws(DepotError) -> Batch {
        var objects = [VerifiedObject?](repeating: nil, count: chunks.count)
        var avoid = [[BadCopy]](repeating: [], count: chunks.count)
        var wanted = Array(chunks.indices)
        while !wanted.isEmpty {
            let requests = wanted.map { ReadRequest(chunk: chunks[$0].reference, avoid: avoid[$0]) }
            let answers = try await lease.fetch(requests)
            guard answers.count == requests.count else {
                throw DepotError(
                    .internalError,
                    "\(answers.count) chunks came, \(requests.count) were asked for",
                    object: name.text)
            }
            let verified = try await threads.verify(answers.map(\.object))
            var wrong: [Int] = []
            for (place, index) in wanted.enumerated() {
                for replica in answers[place].missing
                where !avoid[index].contains(where: { $0.replica == replica }) {
                    avoid[index].append(BadCopy(replica: replica, reason: .missing))
                }
                if let object = verified[place], ChunkReference(object) == chunks[index].reference {
                    objects[index] = object
                    continue
                }
                avoid[index].append(
                    try blame(answers[place], for: chunks[index], tried: avoid[index]))
                wrong.append(index)
            }
            wanted = wrong
        }
        let reports = zip(chunks, avoid).flatMap { chunk, bad in
            bad.map {
                BadCopyReport(chunk: chunk.reference.id, replica: $0.replica, reason: $0.reason)
            }
        }
        return Batch(objects: objects.compactMap { $0 }, badCopies: reports)
    }

    /// Whose copy was wrong.
    ///
    /// - Throws: where there is no other one.
    private func blame(
        _ answer: FetchedChunk, for chunk: PlacedChunk, tried: [BadCopy]
    ) throws(DepotError) -> BadCopy {
        let absent =
            "no good copy of chunk \(chunk.reference.id), which begins at byte \(chunk.offset), "
            + "can be reached"
        switch answer {
        case .found(_, let replica?, _) where !tried.contains { $0.replica == replica }:
            return BadCopy(replica: replica, reason: .corrupt)
        case .absent(let silent?) where tried.isEmpty:
            // Nobody has seen any damage: a restart, a cable.
            throw DepotError(
                .unreachable,
                "\(absent): replica \(silent), which has one, does not answer. See depot status, "
                    + "start the replicas that are down and try again", object: name.text)
        case .found, .absent:
            let corrupt = tried.filter { $0.reason == .corrupt }
                .map(\.replica.description).joined(separator: ", ")
            throw DepotError(
                .noGoodCopy,
                absent + (corrupt.isEmpty ? "" : "; corrupt on \(corrupt)")
                    + ". Start the replicas that are down and try again", object: name.text)
        }
    }
}

extension FetchedChunk {
    fileprivate var missing: [ReplicaID] {
        if case .found(_, _, let missing) = self { missing } else { [] }
    }
}
