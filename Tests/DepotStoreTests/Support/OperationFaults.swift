import Synchronization

@testable import DepotStore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Makes one change of a folder fail, or all from one on.
final class OperationFaults: Sendable {
    enum Kind: CaseIterable, Sendable {
        case inputOutputError, fullDisk
        /// Half of a write; other changes are not counted.
        case shortWrite
    }

    struct Plan: Sendable {
        let kind: Kind
        /// Counted from 1.
        let first: Int
        let isLasting: Bool
    }

    private struct State {
        var plan: Plan?
        var count = 0
        var hits = 0
        var hasSyncFailed = false
        var syncsAfterFailure = 0
    }

    private let state = Mutex(State())

    func arm(_ plan: Plan) {
        state.withLock { $0 = State(plan: plan) }
    }

    /// - Returns: how many changes failed.
    func disarm() -> Int {
        state.withLock { state in
            state.plan = nil
            return state.hits
        }
    }

    /// Changes since it was armed that the plan counts.
    var count: Int { state.withLock { $0.count } }

    /// Files that were synced although a sync had failed.
    var syncsAfterFailure: Int { state.withLock { $0.syncsAfterFailure } }

    var operations: FileOperations {
        FileOperations { operation in
            guard let kind = self.next(operation) else {
                return FileOperations.system.perform(operation)
            }
            switch (kind, operation) {
            case (.inputOutputError, _): return (-1, EIO)
            case (.shortWrite, .write(let descriptor, let parts, let offset)):
                var left = parts.reduce(0) { $0 + Int($1.iov_len) } / 2
                let half = parts.map { part in
                    let count = min(left, Int(part.iov_len))
                    left -= count
                    return iovec(iov_base: part.iov_base, iov_len: count)
                }
                return FileOperations.system.perform(
                    .write(descriptor: descriptor, parts: half, offset: offset))
            default: return (-1, ENOSPC)
            }
        }
    }

    /// What is to happen in place of an operation.
    private func next(_ operation: FileOperation) -> Kind? {
        state.withLock { state in
            var isSync = false
            if case .sync = operation { isSync = true }
            if isSync, state.hasSyncFailed { state.syncsAfterFailure += 1 }
            guard let plan = state.plan else { return nil }
            if plan.kind == .shortWrite {
                guard case .write = operation else { return nil }
            }
            state.count += 1
            guard state.count == plan.first || plan.isLasting && state.count > plan.first else {
                return nil
            }
            state.hits += 1
            if isSync { state.hasSyncFailed = true }
            return plan.kind
        }
    }
}
