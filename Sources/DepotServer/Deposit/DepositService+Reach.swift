import DepotCluster
import DepotCore
import DepotWire

// A chunk's id is known to whoever has its content, and may be learnt by others: from a manifest, a
// listing, a log. For a client that reaches some names only, an id is no key. It is told "need not
// send" of chunks alone that files within its reach use; all others it sends, and only what it has
// sent, or what such files use, can it commit. So it neither gets content by naming it, nor learns
// whether somebody else has it (Harnik, Pinkas and Shulman-Peleg, Side channels in cloud services:
// deduplication in cloud storage, 2010).

extension DepositService {
    /// Answers about ids come at the ends of such spans: how long a look took says nothing.
    static let evenSpan = Duration.milliseconds(50)

    /// The chunks that a client of limited reach has to send, as `negotiate`.
    func lacking(
        among chunks: [ChunkReference], _ deposit: DepositID, under terms: DepositSessions.Terms,
        within reach: NameReach
    ) async throws(DepotError) -> [ChunkReference] {
        let visible = try await catalog.visible(among: chunks.map(\.id), within: reach)
        let known = chunks.filter { visible.contains($0.id) }
        let lacking = Set(try await lacking(among: known, deposit, under: terms).map(\.id))
        var named: Set<ChunkID> = []
        let answer = chunks.filter { chunk in
            named.insert(chunk.id).inserted
                && (lacking.contains(chunk.id) || !visible.contains(chunk.id))
        }
        let hidden = answer.filter { !visible.contains($0.id) }
        sessions.note(
            holders: Dictionary(hidden.map { ($0.id, .unknown) }) { first, _ in first },
            of: deposit)
        return answer
    }

    /// Waits with an answer, or an error, until the span is over in which it came.
    func evenly<Answer: Sendable>(
        _ body: () async throws(DepotError) -> Answer
    ) async throws(DepotError) -> Answer {
        let began = context.clock.elapsed()
        let result: Result<Answer, DepotError>
        do throws(DepotError) {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        let taken = context.clock.elapsed() - began
        let spans = (taken / Self.evenSpan).rounded(.down) + 1
        _ = await context.clock.pause(Self.evenSpan * spans - taken)
        return try result.get()
    }

    /// Manifests that a client of limited reach names and neither has sent nor may see: what they
    /// list is not told.
    ///
    /// - Returns: for each such manifest, what has to be sent.
    func hidden(
        _ manifests: [ManifestReference], of deposit: DepositID, from reach: NameReach
    ) async throws(DepotError) -> [ChunkID: [ChunkReference]] {
        let stored = manifests.filter { !$0.isInline && $0 != .empty }
        guard reach != .everything, !stored.isEmpty else { return [:] }
        let vouched = try await catalog.vouched(among: stored.map(\.text.id), to: deposit)
        let hidden = stored.filter { !vouched.contains($0.text.id) }
        return Dictionary(hidden.map { ($0.id, [$0.text]) }) { first, _ in first }
    }

    /// The same of manifests that were read, for the pieces of which they consist.
    func hiddenPieces(
        of read: [ChunkID: Result<ManifestOutline, DepotError>], deposit: DepositID,
        from reach: NameReach
    ) async throws(DepotError) -> [ChunkID: [ChunkReference]] {
        guard reach != .everything else { return [:] }
        var hidden: [ChunkID: [ChunkReference]] = [:]
        for (manifest, outline) in read {
            guard case .success(let outline) = outline, !outline.pieces.isEmpty else { continue }
            let vouched = try await catalog.vouched(
                among: outline.pieces.map(\.id), to: deposit)
            let lacking = outline.pieces.filter { !vouched.contains($0.id) }
            if !lacking.isEmpty { hidden[manifest] = lacking }
        }
        return hidden
    }
}
