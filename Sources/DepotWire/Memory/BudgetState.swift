// Who gets memory next. First come, first served let one client with many requests keep everybody
// waiting, and requests that each held a part and waited for more waited for each other for ever.
// So there are three rules. Each borrower has a share at the most, and of those who wait the one
// that holds the least is next. A loan that grows says beforehand how far at the most, and is given
// more only while all that have something could still be given all they claimed, one after the
// other: Dijkstra's banker's algorithm (EWD 623), which knows no deadlock. And who holds something
// goes before who holds nothing: it gives back the sooner.

/// What is lent of a fixed number of bytes, and who waits. Pure: `ByteBudget` does what it says.
struct BudgetState {
    private struct Loan {
        let borrower: Borrower
        /// It needs no more than this to come to its end.
        let claim: Int
        var held = 0

        var need: Int { max(0, claim - held) }
    }

    private struct Waiter {
        let ticket: UInt64
        let bytes: Int
        let borrower: Borrower
        let loan: UInt64?
    }

    let size: Int
    /// Of one borrower.
    let shareMax: Int
    private(set) var free: Int
    private var lent: [Borrower: Int] = [:]
    /// Those that may grow.
    private var loans: [UInt64: Loan] = [:]
    /// In the order in which they came.
    private var waiters: [Waiter] = []

    init(size: Int, shareMax: Int) {
        self.size = size
        self.shareMax = min(size, max(1, shareMax))
        free = size
    }

    var waiting: Int { waiters.count }

    /// Whether somebody waits for what a borrower could give back. Who has its share already waits
    /// for its own.
    func isWanted(from borrower: Borrower) -> Bool {
        waiters.contains { $0.borrower == borrower || hasShareLeft($0) }
    }

    private func hasShareLeft(_ waiter: Waiter) -> Bool {
        lent[waiter.borrower, default: 0] + waiter.bytes <= shareMax
    }

    // MARK: Loans that grow

    mutating func open(_ loan: UInt64, claim: Int, for borrower: Borrower) {
        loans[loan] = Loan(borrower: borrower, claim: min(claim, shareMax))
    }

    /// - Returns: who got what it waited for.
    mutating func close(_ loan: UInt64) -> [UInt64] {
        guard let closed = loans.removeValue(forKey: loan) else { return [] }
        waiters.removeAll { $0.loan == loan }
        return giveBack(closed.held, from: closed.borrower)
    }

    mutating func shrink(_ loan: UInt64, by bytes: Int) -> [UInt64] {
        guard let shrinking = loans[loan] else { return [] }
        let bytes = min(bytes, shrinking.held)
        loans[loan]?.held -= bytes
        return giveBack(bytes, from: shrinking.borrower)
    }

    // MARK: Taking and giving back

    /// Takes bytes that are there, unless others wait who could have them.
    ///
    /// - Parameter loan: that they are to belong to. What it claimed it may take before others who
    ///   wait.
    mutating func take(_ bytes: Int, for borrower: Borrower, loan: UInt64? = nil) -> Bool {
        guard isGrowing(loan, by: bytes) || !isWanted(from: borrower),
            fits(bytes, for: borrower, loan: loan)
        else { return false }
        lend(bytes, to: borrower, loan: loan)
        return true
    }

    /// - Returns: who got what it waited for, this one maybe.
    mutating func wait(
        _ ticket: UInt64, bytes: Int, for borrower: Borrower, loan: UInt64? = nil
    ) -> [UInt64] {
        waiters.append(Waiter(ticket: ticket, bytes: bytes, borrower: borrower, loan: loan))
        return grant()
    }

    /// - Returns: whether it was still waiting, and who got what it waited for now that it does
    ///   not.
    mutating func giveUp(_ ticket: UInt64) -> (wasWaiting: Bool, granted: [UInt64]) {
        guard let index = waiters.firstIndex(where: { $0.ticket == ticket }) else {
            return (false, [])
        }
        waiters.remove(at: index)
        return (true, grant())
    }

    mutating func giveBack(_ bytes: Int, from borrower: Borrower) -> [UInt64] {
        free += bytes
        let left = lent[borrower, default: 0] - bytes
        precondition(free <= size && left >= 0, "more was given back than lent")
        lent[borrower] = left == 0 ? nil : left
        return grant()
    }

    private mutating func lend(_ bytes: Int, to borrower: Borrower, loan: UInt64?) {
        free -= bytes
        lent[borrower, default: 0] += bytes
        if let loan { loans[loan]?.held += bytes }
    }

    // MARK: Choosing

    private mutating func grant() -> [UInt64] {
        var granted: [UInt64] = []
        while let index = next() {
            let waiter = waiters.remove(at: index)
            lend(waiter.bytes, to: waiter.borrower, loan: waiter.loan)
            granted.append(waiter.ticket)
        }
        return granted
    }

    /// Of those that hold something the one that needs the least; else whose borrower holds the
    /// least, and if that one does not fit, nobody: who wants much would never have its turn.
    private func next() -> Int? {
        guard !waiters.isEmpty else { return nil }
        let growing = waiters.indices.filter { isGrowing(waiters[$0].loan, by: waiters[$0].bytes) }
        let need = { (index: Int) in waiters[index].loan.flatMap { loans[$0]?.need } ?? 0 }
        // One a borrower: what it needs less for does not fit either.
        let firsts = Dictionary(grouping: growing) { waiters[$0].borrower }.values
            .compactMap { $0.min { need($0) < need($1) } }
        if let index = firsts.sorted(by: { need($0) < need($1) }).first(where: {
            fits(waiters[$0])
        }) {
            return index
        }
        let held = { (index: Int) in lent[waiters[index].borrower, default: 0] }
        // One a borrower, too: who came later does not overtake who wants more.
        var seen: Set<Borrower> = []
        let others = waiters.indices.filter { index in
            !growing.contains(index) && seen.insert(waiters[index].borrower).inserted
                && hasShareLeft(waiters[index])
        }
        guard let index = others.min(by: { held($0) < held($1) }), fits(waiters[index]) else {
            return nil
        }
        return index
    }

    /// Whether a loan holds something already and asks for what it claimed.
    private func isGrowing(_ loan: UInt64?, by bytes: Int) -> Bool {
        guard let loan, let found = loans[loan] else { return false }
        return found.held > 0 && bytes <= found.need
    }

    private func fits(_ waiter: Waiter) -> Bool {
        fits(waiter.bytes, for: waiter.borrower, loan: waiter.loan)
    }

    private func fits(_ bytes: Int, for borrower: Borrower, loan: UInt64?) -> Bool {
        bytes <= free && lent[borrower, default: 0] + bytes <= shareMax
            && isSafe(lending: bytes, to: loan)
    }

    /// Whether all loans that hold something could still come to their end, one after the other.
    /// What needs no more is given back by itself.
    private func isSafe(lending bytes: Int, to loan: UInt64?) -> Bool {
        guard let loan else { return true }
        var open: [Loan] = []
        for (id, found) in loans {
            var found = found
            if id == loan { found.held += bytes }
            if found.held > 0, found.need > 0 { open.append(found) }
        }
        return canAllEnd(open)
    }

    private func canAllEnd(_ open: [Loan]) -> Bool {
        var available = size
        var shares: [Borrower: Int] = [:]
        for loan in open {
            available -= loan.held
            shares[loan.borrower, default: shareMax] -= loan.held
        }
        var rest = open.sorted { $0.need < $1.need }
        while !rest.isEmpty {
            let before = rest.count
            rest.removeAll { loan in
                let share = shares[loan.borrower, default: 0]
                guard loan.need <= min(available, share) else { return false }
                available += loan.held
                shares[loan.borrower] = share + loan.held
                return true
            }
            if rest.count == before { return false }
        }
        return true
    }
}
