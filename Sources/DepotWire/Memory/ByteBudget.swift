import DepotCore
import Synchronization

// What clients declare is reserved before it is read: however many connect and whatever they claim,
// memory stays within one number. Whoever does not fit waits in line, not for ever, and not in a
// line without end.

/// A fixed number of bytes of memory, lent out in fair shares: see `BudgetState`.
public final class ByteBudget: Sendable {
    /// More than this many waiting are turned away: each holds a connection.
    public static let waitersMax = 1_024

    private struct Guarded {
        var state: BudgetState
        var next: UInt64 = 0
        var waiting: [UInt64: CheckedContinuation<Bool, Never>] = [:]

        mutating func number() -> UInt64 {
            next += 1
            return next
        }

        mutating func continuations(
            of tickets: [UInt64]
        ) -> [CheckedContinuation<Bool, Never>] {
            tickets.compactMap { waiting.removeValue(forKey: $0) }
        }
    }

    public let size: Int
    /// One borrower gets no more than this.
    public let shareMax: Int
    private let guarded: Mutex<Guarded>

    /// - Parameter shareMax: all of it unless given.
    public init(size: Int, shareMax: Int? = nil) {
        self.size = size
        let state = BudgetState(size: size, shareMax: shareMax ?? size)
        self.shareMax = state.shareMax
        guarded = Mutex(Guarded(state: state))
    }

    /// What is not lent out.
    public var free: Int { guarded.withLock { $0.state.free } }

    /// How many wait for some of it.
    public var waiting: Int { guarded.withLock { $0.state.waiting } }

    /// Whether somebody waits for what this borrower could give back.
    public func isWanted(from borrower: Borrower) -> Bool {
        guarded.withLock { $0.state.isWanted(from: borrower) }
    }

    /// Takes the bytes if nobody waits and they are there.
    public func tryReserve(_ bytes: Int, for borrower: Borrower = .own) -> Bool {
        guarded.withLock { $0.state.take(bytes, for: borrower) }
    }

    /// Waits until the bytes are there and takes them. Give them back with `release`.
    ///
    /// - Throws: `tooLarge` for more than there ever are; `busy` where they are not there in time,
    ///   too many wait, or the task is cancelled.
    public func reserve(
        _ bytes: Int, for borrower: Borrower = .own, within patience: Duration
    ) async throws(DepotError) {
        guard bytes <= shareMax else {
            throw DepotError(
                .tooLarge, "\(bytes) bytes of memory are wanted, \(shareMax) are allowed")
        }
        if tryReserve(bytes, for: borrower) { return }
        try await wait(for: bytes, borrower, loan: nil, within: patience)
    }

    public func release(_ bytes: Int, from borrower: Borrower = .own) {
        resume { $0.giveBack(bytes, from: borrower) }
    }

    // MARK: Loans that grow

    /// Begins a loan that has nothing yet and grows as it is needed.
    ///
    /// - Parameter claim: as much as it needs at the most to come to its end: so much it gets in
    ///   the end, whoever else waits. More than one borrower's share counts as the share.
    public func openLoan(upTo claim: Int, for borrower: Borrower) -> UInt64 {
        guarded.withLock { guarded in
            let loan = guarded.number()
            guarded.state.open(loan, claim: claim, for: borrower)
            return loan
        }
    }

    public func tryGrow(_ loan: UInt64, by bytes: Int, for borrower: Borrower) -> Bool {
        guarded.withLock { $0.state.take(bytes, for: borrower, loan: loan) }
    }

    /// Waits until the bytes are there. For no more than was claimed.
    ///
    /// - Throws: `busy` where they are not there in time, too many wait, or the task is cancelled.
    public func grow(
        _ loan: UInt64, by bytes: Int, for borrower: Borrower, within patience: Duration
    ) async throws(DepotError) {
        if tryGrow(loan, by: bytes, for: borrower) { return }
        try await wait(for: bytes, borrower, loan: loan, within: patience)
    }

    public func shrink(_ loan: UInt64, by bytes: Int) {
        resume { $0.shrink(loan, by: bytes) }
    }

    /// Gives everything back.
    public func closeLoan(_ loan: UInt64) { resume { $0.close(loan) } }

    // MARK: Waiting

    private func wait(
        for bytes: Int, _ borrower: Borrower, loan: UInt64?, within patience: Duration
    ) async throws(DepotError) {
        let ticket = guarded.withLock { $0.number() }
        // Begins when the waiter stands in line: an end that came before would find nobody to turn
        // away.
        var timer: Task<Void, any Error>?
        defer { timer?.cancel() }
        let isGranted = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let granted: [CheckedContinuation<Bool, Never>]? = guarded.withLock { guarded in
                    guard guarded.state.waiting < Self.waitersMax, !Task.isCancelled else {
                        return nil
                    }
                    guarded.waiting[ticket] = continuation
                    let tickets = guarded.state.wait(
                        ticket, bytes: bytes, for: borrower, loan: loan)
                    return guarded.continuations(of: tickets)
                }
                if granted == nil { continuation.resume(returning: false) }
                for waiter in granted ?? [] { waiter.resume(returning: true) }
                timer = Task {
                    try await Task.sleep(for: patience)
                    giveUp(ticket)
                }
            }
        } onCancel: {
            giveUp(ticket)
        }
        guard isGranted else {
            throw DepotError(.busy, "all memory for transfers is in use; try again in a moment")
        }
    }

    private func giveUp(_ ticket: UInt64) {
        typealias Waiter = CheckedContinuation<Bool, Never>
        let (waiter, granted) = guarded.withLock { guarded -> (Waiter?, [Waiter]) in
            let (wasWaiting, granted) = guarded.state.giveUp(ticket)
            let waiter = wasWaiting ? guarded.waiting.removeValue(forKey: ticket) : nil
            return (waiter, guarded.continuations(of: granted))
        }
        waiter?.resume(returning: false)
        for waiter in granted { waiter.resume(returning: true) }
    }

    private func resume(_ change: (inout BudgetState) -> [UInt64]) {
        let granted = guarded.withLock { guarded -> [CheckedContinuation<Bool, Never>] in
            let tickets = change(&guarded.state)
            return guarded.continuations(of: tickets)
        }
        for waiter in granted { waiter.resume(returning: true) }
    }
}
