import DepotCore
import NIOCore
import Synchronization

/// Any replica, with faults where a test asks for them.
public final class FaultyReplica: Sendable {
    public enum Operation: Sendable, Hashable, CaseIterable {
        case standing, adopt, put, vouch, read, check, inventory, condemn, delete
        case segments, scrub, compact
        case openUpload, uploadBegin, uploadWrite, uploadFinish
    }

    public enum Fault: Sendable {
        /// Nothing is done.
        case refuse(DepotError)
        /// It is done, but the caller learns nothing of it.
        case loseAnswer(DepotError)
        /// Waits until `release()`, or until the caller is cancelled, and then does what was asked.
        case hang
        /// One bit of each object that is read differs. For `read` only.
        case flipBit
        /// Says that nothing is there. For `read`, `vouch`, `check` and `inventory`.
        case reportAbsent
    }

    /// Which calls of an operation a fault hits, counted from the moment of the injection.
    public enum Calls: Sendable {
        /// The one with this number, counted from 1; those before and after it are well.
        case nth(Int)
        /// That one and all that follow.
        case from(Int)

        public static let next = Calls.nth(1)
        public static let all = Calls.from(1)

        fileprivate func hit(_ number: Int) -> Bool {
            switch self {
            case .nth(let wanted): number == wanted
            case .from(let first): number >= first
            }
        }
    }

    private struct Rule {
        let operation: Operation
        let calls: Calls
        let fault: Fault
        /// Calls of the operation before the rule.
        let base: Int
    }

    private struct State {
        var rules: [Rule] = []
        var counts: [Operation: Int] = [:]
        var isDown = false
        var hanging: [Int: CheckedContinuation<Void, Never>] = [:]
        var hangs = 0
    }

    public let base: any ReplicaLink
    private let state = Mutex(State())

    public init(_ base: any ReplicaLink) { self.base = base }

    // MARK: What tests ask for

    public func inject(_ fault: Fault, into operation: Operation, calls: Calls = .next) {
        state.withLock { state in
            let rule = Rule(
                operation: operation, calls: calls, fault: fault,
                base: state.counts[operation, default: 0])
            state.rules.append(rule)
        }
    }

    /// Takes back all faults, and lets go of what hangs.
    public func heal() {
        state.withLock { state in
            state.rules = []
            state.isDown = false
        }
        release()
    }

    /// While it is down every operation throws `unreachable`, those of open uploads included.
    public var isDown: Bool {
        get { state.withLock { $0.isDown } }
        set { state.withLock { $0.isDown = newValue } }
    }

    /// Lets go of all calls that hang.
    public func release() {
        let waiting = state.withLock { state in
            defer { state.hanging = [:] }
            return Array(state.hanging.values)
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Calls that hang now.
    public var hangingCount: Int { state.withLock { $0.hanging.count } }

    /// Calls so far, those that failed included.
    public func count(of operation: Operation) -> Int {
        state.withLock { $0.counts[operation, default: 0] }
    }

    // MARK: Faults

    /// Counts the call and does what a fault asks for before it.
    func enter(_ operation: Operation) async throws(DepotError) -> Fault? {
        let fault = try state.withLock { state throws(DepotError) -> Fault? in
            let number = state.counts[operation, default: 0] + 1
            state.counts[operation] = number
            guard !state.isDown else { throw Self.unreachable }
            return state.rules.first {
                $0.operation == operation && $0.calls.hit(number - $0.base)
            }?.fault
        }
        switch fault {
        case .refuse(let error): throw error
        case .hang:
            await hang()
            if Task.isCancelled { throw Self.unreachable }
            return nil
        default: return fault
        }
    }

    /// Throws where the answer is to be lost.
    static func leave(_ fault: Fault?) throws(DepotError) {
        if case .loseAnswer(let error) = fault { throw error }
    }

    private func hang() async {
        let number = state.withLock { state in
            state.hangs += 1
            return state.hangs
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isCancelled = state.withLock { state in
                    // A cancellation that came before this finds nothing to let go.
                    if Task.isCancelled { return true }
                    state.hanging[number] = continuation
                    return false
                }
                if isCancelled { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.hanging.removeValue(forKey: number) }?.resume()
        }
    }

    static let unreachable = DepotError(.unreachable, "the replica is down, says the test")
}
