import DepotCore
import DepotWire
import NIOCore

/// Fetches a batch of chunks, each from as many replicas as it takes.
struct ChunkFetch: Sendable {
    /// What one batch takes of memory.
    static let bytesMax = 4 << 20
    private static let countMax = 256

    let door: any FileServerDoor
    let threads: HashingThreads
    let retrieval: RetrievalID
    let name: FileName

    static func batches(_ chunks: [PlacedChunk]) -> [[PlacedChunk]] {
        chunks.batches(sizeMax: bytesMax, countMax: countMax) { $0.reference.length }
    }

    /// - Parameter chunks: no more than one batch.
    /// - Throws: `noGoodCopy`, naming chunk, file and offset.
    func fetch(
        _ chunks: [PlacedChunk]
    ) async throws(DepotError) -> ([VerifiedObject], [BadCopyReport]) {
        var objects = [VerifiedObject?](repeating: nil, count: chunks.count)
        var avoid = [[BadCopy]](repeating: [], count: chunks.count)
        var wanted = Array(chunks.indices)
        while !wanted.isEmpty {
            let requests = wanted.map { ReadRequest(chunk: chunks[$0].reference, avoid: avoid[$0]) }
            let answers = try await door.fetch(retrieval, requests)
            guard answers.count == requests.count else {
                throw DepotError(
                    .internalError,
                    "\(answers.count) chunks came, \(requests.count) were asked for",
                    object: name.text)
            }
            let verified = try await threads.verify(answers.map { $0?.object })
            var wrong: [Int] = []
            for (place, index) in wanted.enumerated() {
                for replica in answers[place]?.missing ?? []
                where !avoid[index].contains(where: { $0.replica == replica }) {
                    avoid[index].append(BadCopy(replica: replica, reason: .missing))
                }
                if let object = verified[place], ChunkReference(object) == chunks[index].reference {
                    objects[index] = object
                    continue
                }
                avoid[index].append(try blame(answers[place], chunks[index], avoid[index]))
                wrong.append(index)
            }
            wanted = wrong
        }
        let reports = zip(chunks, avoid).flatMap { chunk, bad in
            bad.map {
                BadCopyReport(chunk: chunk.reference.id, replica: $0.replica, reason: $0.reason)
            }
        }
        return (objects.compactMap { $0 }, reports)
    }

    /// Whose copy was wrong.
    ///
    /// - Throws: `noGoodCopy` where there is no other one.
    private func blame(
        _ answer: FetchedChunk?, _ chunk: PlacedChunk, _ tried: [BadCopy]
    ) throws(DepotError) -> BadCopy {
        if let replica = answer?.replica, !tried.contains(where: { $0.replica == replica }) {
            return BadCopy(replica: replica, reason: .corrupt)
        }
        let corrupt = tried.filter { $0.reason == .corrupt }
            .map(\.replica.description).joined(separator: ", ")
        throw DepotError(
            .noGoodCopy,
            "no good copy of chunk \(chunk.reference.id), which begins at byte \(chunk.offset), can be reached"
                + (corrupt.isEmpty ? "" : "; corrupt on \(corrupt)")
                + ". Start the replicas that are down and try again",
            object: name.text)
    }
}
