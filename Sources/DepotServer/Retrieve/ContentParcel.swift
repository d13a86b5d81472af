import DepotCluster
import DepotCore
import DepotWire
import NIOCore
import Synchronization

// Content waits in memory for a client to take it, and a client may take its time. Twenty that
// stood still kept all memory for retrievals, and nobody else could read. So the memory is lent
// until it is wanted: what a client does not take is let go while others wait, and loaded again,
// from where the client has got to, when it takes bytes again. A client that is slow costs reading
// twice, and nobody else anything.

/// A part of an answer: content of some chunks, and what goes before each.
final class ContentParcel: Sendable {
    struct Item: Sendable {
        let chunk: ChunkReference
        /// Of the chunk's bytes.
        let range: Range<Int>
        let header: ByteBuffer
    }

    /// Gets the chunks of some items, hashed, whole, in order.
    typealias Fetch = @Sendable (ArraySlice<Item>) async throws(DepotError) -> [[ByteBuffer]]

    enum Part {
        case bytes([ByteBuffer])
        /// What comes next is not in memory.
        case absent
        case end
    }

    private struct State {
        /// How far it was taken: so many items, and so many bytes of the next one's range.
        var index = 0
        var offset = 0
        /// What is in memory of the items from `index` on, some or all, cut to what is still to be
        /// taken.
        var content: [[ByteBuffer]]?
        var reservation: MemoryReservation?
    }

    /// So much is loaded where memory is waited for, or was wanted: the client may be slow.
    private static let stepBytes = 512 << 10
    /// Bytes that are handed on at once.
    private static let partBytes = 256 << 10
    /// One that has begun waits so long for memory before it is cut off.
    private static let patience = Duration.seconds(300)

    private let items: [Item]
    private let budget: MemoryBudget
    private let borrower: Borrower
    private let fetch: Fetch
    private let state = Mutex(State())

    /// One of which nothing is in memory.
    init(
        _ items: [Item], from budget: MemoryBudget, for borrower: Borrower, fetch: @escaping Fetch
    ) {
        self.items = items
        self.budget = budget
        self.borrower = borrower
        self.fetch = fetch
    }

    /// Puts what was loaded already into it.
    func fill(_ content: [[ByteBuffer]], _ reservation: MemoryReservation) {
        state.withLock { state in
            state.content = content
            state.reservation = reservation
        }
    }

    // MARK: Loading

    /// Loads all of it if there is memory for it now.
    func loadIfRoom() async throws(DepotError) {
        let items = left(upTo: .max).items
        guard let reservation = budget.tryReserve(Self.bytes(of: items), for: borrower) else {
            return
        }
        try await load(upTo: .max, into: reservation)
    }

    /// Waits for memory, and loads what is to be taken next.
    func load(within patience: Duration = MemoryBudget.patience) async throws(DepotError) {
        let items = left(upTo: Self.stepBytes).items
        let reservation = try await budget.reserve(
            Self.bytes(of: items), for: borrower, within: patience)
        try await load(upTo: Self.stepBytes, into: reservation)
    }

    private func load(
        upTo limit: Int, into reservation: MemoryReservation
    ) async throws(DepotError) {
        let (items, offset) = left(upTo: limit)
        let chunks = try await fetch(items)
        var content = zip(items, chunks).map { item, bytes in Self.cut(bytes, to: item.range) }
        if let first = content.first {
            content[0] = Self.cut(first, to: offset..<(items.first?.range.count ?? 0))
        }
        fill(content, reservation)
    }

    /// What is still to be taken, one item at least, and no more than fits.
    private func left(upTo limit: Int) -> (items: ArraySlice<Item>, offset: Int) {
        let (index, offset) = state.withLock { ($0.index, $0.offset) }
        var end = index
        var bytes = 0
        while end < items.count, end == index || bytes + items[end].chunk.length <= limit {
            bytes += items[end].chunk.length
            end += 1
        }
        return (items[index..<end], offset)
    }

    private static func bytes(of items: ArraySlice<Item>) -> Int {
        items.reduce(0) { $0 + $1.chunk.length }
    }

    static func cut(_ parts: [ByteBuffer], to range: Range<Int>) -> [ByteBuffer] {
        var position = 0
        return parts.compactMap { part in
            defer { position += part.readableBytes }
            let low = max(position, range.lowerBound)
            let high = min(position + part.readableBytes, range.upperBound)
            guard low < high else { return nil }
            return part.getSlice(at: part.readerIndex + low - position, length: high - low)
        }
    }

    /// Lets go what is in memory, where others wait for it.
    func letGo() {
        guard budget.isWanted(from: borrower) else { return }
        state.withLock { state in
            state.content = nil
            state.reservation = nil
        }
    }

    // MARK: Taking

    /// Hands everything on, part by part, loading it again where it had to be let go.
    func write(to output: ([ByteBuffer]) async throws -> Void) async throws {
        while true {
            switch next() {
            case .bytes(let parts): try await output(parts)
            case .absent: try await load(within: Self.patience)
            case .end: return
            }
        }
    }

    /// Takes what comes next.
    func next() -> Part {
        state.withLock { state in
            guard state.index < items.count else { return .end }
            guard var content = state.content.take() else { return .absent }
            var taken: [ByteBuffer] = []
            var bytes = 0
            var first = 0
            while first < content.count, bytes < Self.partBytes {
                let item = items[state.index]
                if state.offset == 0, item.header.readableBytes > 0 {
                    taken.append(item.header)
                    bytes += item.header.readableBytes
                }
                // A header never goes without the bytes behind it: by the offset alone it is known
                // to have gone.
                while bytes < Self.partBytes || state.offset == 0, !content[first].isEmpty {
                    let part = Self.takeFirst(of: &content[first])
                    taken.append(part)
                    bytes += part.readableBytes
                    state.offset += part.readableBytes
                }
                guard content[first].isEmpty else { break }
                state.index += 1
                state.offset = 0
                first += 1
            }
            content.removeFirst(first)
            if content.isEmpty {
                // It goes before anybody waits for the memory of what follows.
                state.reservation = nil
            } else {
                state.content = content
            }
            return .bytes(taken)
        }
    }

    private static func takeFirst(of parts: inout [ByteBuffer]) -> ByteBuffer {
        guard parts[0].readableBytes > partBytes,
            let beginning = parts[0].readSlice(length: partBytes)
        else { return parts.removeFirst() }
        return beginning
    }
}
