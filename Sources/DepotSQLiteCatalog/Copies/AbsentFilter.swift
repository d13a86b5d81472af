import DepotCore
import Synchronization

// Most of the chunks that are named first are new. To find that out takes a page of the index of
// hashes for each, and of ten million chunks no cache has those. So the ids that are there are noted
// in memory, ten bits for each, and most of those that are not are told from them without a page.
// It is a hint: what it takes for new, a client would send though it is there, and nothing else.

/// Tells ids of chunks that a catalog does not have.
///
/// A Bloom filter of which each id has its bits in one line of the processor's cache (Putze, Sanders
/// and Singler, Cache-, hash- and space-efficient Bloom filters, 2007): of those that are absent it
/// tells some 98 in 100. Ids are hashes, so their bits are taken as they are.
final class AbsentFilter: Sendable {
    private static let bitsOfEach = 10
    private static let lineBits = 512
    private static let wordsOfLine = lineBits / 64
    private static let bitsSet = 7
    /// It takes 80 MiB then. Beyond, fewer of those that are absent are told.
    private static let idsMax: Int64 = 1 << 26
    private static let idsMin: Int64 = 1 << 16

    private struct State {
        /// Empty before it is begun.
        var words: [UInt64] = []
        /// Ids for which it was made.
        var room: Int64 = 0
        var entered: Int64 = 0
        /// Those up to this number are in it, and those that were entered since it was begun; `nil`
        /// when all are.
        var read: Int64? = 0
    }

    private let state = Mutex(State())

    /// Whether it has to be begun, anew where there are many more ids than it was made for.
    var isToBegin: Bool {
        state.withLock { $0.words.isEmpty || $0.entered > $0.room && $0.room < Self.idsMax }
    }

    /// The number behind which ids are to be entered that were there before it was begun; `nil` where
    /// none are.
    var unread: Int64? { state.withLock { $0.words.isEmpty ? nil : $0.read } }

    /// - Parameter count: ids that there are, or more. None enters the catalog meanwhile.
    func begin(for count: Int64) {
        let room = min(max(2 * min(count, Self.idsMax), Self.idsMin), Self.idsMax)
        let lines = Int(room) * Self.bitsOfEach / Self.lineBits + 1
        state.withLock {
            $0 = State(
                words: Array(repeating: 0, count: lines * Self.wordsOfLine), room: room)
        }
    }

    /// Enters ids that were there before it was begun.
    ///
    /// - Parameter last: the number of the last of them; `nil` where there are no more.
    func enter(_ ids: [ChunkID], upTo last: Int64?) {
        state.withLock { state in
            for id in ids { Self.set(id, &state) }
            state.read = last
        }
    }

    /// Enters one that the catalog has now.
    func enter(_ id: ChunkID) {
        state.withLock { state in
            if !state.words.isEmpty { Self.set(id, &state) }
        }
    }

    private static func set(_ id: ChunkID, _ state: inout State) {
        let (line, bits) = place(id, lines: state.words.count / wordsOfLine)
        for number in 0..<bitsSet {
            let bit = Int(bits >> UInt64(9 * number)) % lineBits
            state.words[line * wordsOfLine + bit / 64] |= 1 << UInt64(bit % 64)
        }
        state.entered += 1
    }

    /// Whether the catalog surely had no chunk with this id when it was asked.
    func isAbsent(_ id: ChunkID) -> Bool {
        state.withLock { state in
            guard !state.words.isEmpty, state.read == nil else { return false }
            let (line, bits) = Self.place(id, lines: state.words.count / Self.wordsOfLine)
            return (0..<Self.bitsSet).contains { number in
                let bit = Int(bits >> UInt64(9 * number)) % Self.lineBits
                return state.words[line * Self.wordsOfLine + bit / 64] >> UInt64(bit % 64) & 1 == 0
            }
        }
    }

    private static func place(_ id: ChunkID, lines: Int) -> (line: Int, bits: UInt64) {
        let (first, second) = id.leadingWords
        return (Int(first % UInt64(lines)), second >> 1)
    }
}
