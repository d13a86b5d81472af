import DepotCore
import Synchronization

// Of a tree that is deposited again most files are what they were. The cache remembers of each what
// it was like and which manifest it had, so that it need not be read to know that.
//
// The invariant: a file is left unread only where
//
// - this client read it to its end in a former run, and was given a receipt with all copies for
//   that manifest under that name; and it had been left alone for so long then that each later
//   change shows in its size, its times, its inode or its device;
// - its size, its times, its inode and its device are the same now; and
// - the depot's current record of the name has that manifest, the level that is asked for, and all
//   that would be deposited beside the bytes now.
//
// A row of the cache is true for ever: one state of a file has one content. So a row that is lost,
// or old, costs time and nothing else.

/// What is remembered of the files of one tree that were deposited.
final class DepositCache: Sendable {
    /// What a file was like, and what its content was then.
    struct Entry: Sendable, Hashable {
        /// Of `FileState.bytes`.
        let state: [UInt8]
        let manifest: ChunkID
    }

    /// Changes that wait in memory at most, besides those of one settlement.
    private static let waitingMax = 10_000

    private struct State {
        /// `nil` before it is opened, and where it cannot be used.
        var file: CacheFile?
        /// What is to be written; `nil` for a name that is to be forgotten.
        var waiting: [FileName: Entry?] = [:]
        var isFull = false
    }

    private let state = Mutex(State())
    private let bytesMax: Int
    private let onProblem: @Sendable (CacheProblem) -> Void

    /// - Parameter onProblem: is told why it is of no use, or not of full use. Deposits go on.
    init(
        bytesMax: Int = CacheFile.bytesMax, onProblem: @escaping @Sendable (CacheProblem) -> Void
    ) {
        self.bytesMax = bytesMax
        self.onProblem = onProblem
    }

    /// May block.
    func open(_ path: String) {
        attempt { state throws(CacheProblem) in
            state.file = try CacheFile.open(path, bytesMax: bytesMax, onProblem)
        }
    }

    /// Entries in order of name. May block.
    ///
    /// - Returns: none where there are no more, or none can be had.
    func page(after name: FileName?) -> [(name: FileName, entry: Entry)] {
        var page: [(name: FileName, entry: Entry)] = []
        attempt { state throws(CacheProblem) in page = try state.file?.page(after: name) ?? [] }
        return page
    }

    /// To be called when the receipt is there.
    func remember(_ name: FileName, _ entry: Entry) {
        state.withLock { state in
            if state.file != nil, !state.isFull { state.waiting[name] = entry }
        }
    }

    /// May block.
    func forget(_ name: FileName) {
        let isFull = state.withLock { state in
            if state.file != nil { state.waiting.updateValue(nil, forKey: name) }
            return state.waiting.count >= Self.waitingMax
        }
        if isFull { write() }
    }

    /// Writes what waits, as one transaction. May block.
    func write() {
        attempt { state throws(CacheProblem) in
            let waiting = state.waiting
            state.waiting = [:]
            guard !waiting.isEmpty else { return }
            do throws(CacheProblem) {
                try state.file?.write(waiting)
            } catch {
                let isNew = !state.isFull
                guard error.reason == .full, isNew else { throw error }
                // What is in it stays of use, and what goes makes room for the next run.
                state.isFull = true
                do throws(CacheProblem) {
                    try state.file?.write(waiting.filter { $0.value == nil })
                } catch let second {
                    guard second.reason == .full else { throw second }
                }
                throw error
            }
        }
    }

    /// Writes what waits, and lets other deposits have it. May block.
    func close() {
        write()
        state.withLock { $0.file = nil }
    }

    /// Does something with the file. Whatever fails for another reason than want of room, it is not
    /// used any more, and a damaged one goes.
    private func attempt(_ body: (inout State) throws(CacheProblem) -> Void) {
        let problem = state.withLock { state -> CacheProblem? in
            do throws(CacheProblem) {
                try body(&state)
                return nil
            } catch {
                if error.reason != .full {
                    if error.reason == .damaged { state.file?.remove() }
                    (state.file, state.waiting) = (nil, [:])
                }
                return error
            }
        }
        if let problem { onProblem(problem) }
    }
}
