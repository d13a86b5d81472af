import DepotCore

extension SQLiteCatalog {
    /// Chunks that one step reads.
    private static let learntAtOnce = 20_000

    public func learn() async throws(DepotError) -> Bool {
        // Of a damaged catalog it would be told each time that this cannot be done.
        guard queue.damage.found == nil else { return false }
        let absent = queue.absent
        if absent.isToBegin {
            let count = try await queue.view { session in
                try session.statement("SELECT count(*) FROM chunk").first {
                    try $0.get(0, as: Int64.self)
                }
            }
            // As a change, so that no chunk is half there: what is entered later is noted then.
            try await queue.change(isDurable: false) { _ in absent.begin(for: count ?? 0) }
            return true
        }
        guard let start = absent.unread else { return false }
        let piece = try await queue.view { session in
            try session.statement("SELECT id, hash FROM chunk WHERE id > ? ORDER BY id LIMIT ?")
                .all(start, Self.learntAtOnce) {
                    try (number: $0.get(0, as: Int64.self), id: $0.get(1, as: ChunkID.self))
                }
        }
        let isAll = piece.count < Self.learntAtOnce
        absent.enter(piece.map(\.id), upTo: isAll ? nil : piece.last?.number)
        return !isAll
    }

    public func catchUp() async throws(DepotError) -> Bool {
        let isDue = try await queue.view { session in
            try session.isCarrying || FormerNumbers(session).isDue()
                || FormerBits(session).isDue()
        }
        guard isDue else { return false }
        // A power cut may take a step back: it is done again.
        try await queue.change(isDurable: false) { session in
            // The old table says what it says by numbers that were bits, so both are cleared
            // afterwards.
            if try CarryOver(session).step() { return }
            if try FormerNumbers(session).step() { return }
            try FormerBits(session).step()
        }
        return true
    }
}
