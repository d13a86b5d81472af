import DepotCore

extension SQLiteCatalog {
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
