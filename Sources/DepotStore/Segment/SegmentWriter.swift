import DepotCore
import Glibc
import NIOCore

// One write takes headers, bytes and padding of a whole batch to the end of the file. A write that
// did not reach the disk whole is cut off again at once, so that a segment always ends with a whole
// member.

/// The segment that is being appended to. For the log's thread alone; `file` may be read by any.
struct SegmentWriter {
    /// Parts of one system call: the kernel takes 1,024, and each is a frame on the stack here.
    private static let partsMax = 240
    private static let zeros = [UInt8](repeating: 0, count: 2 * MemberHeader.size)

    let file: SegmentFile
    let nonce: UInt64
    private let operations: FileOperations
    /// For large appends; `nil` where there is none, or no more.
    private var direct: DirectWriter?
    /// Bytes that are set aside for it on the disk.
    let room: UInt64
    /// The purpose that it was opened for. A segment that uses nothing of the reserve takes objects
    /// of every kind.
    let purpose: SegmentPurpose
    private(set) var end: UInt64
    private(set) var members: [SegmentMember]

    /// - Parameter members: the members that are there already, up to `end`.
    init(
        file: SegmentFile, nonce: UInt64, room: UInt64,
        purpose: SegmentPurpose = .content, end: UInt64 = 0,
        members: [SegmentMember] = [], direct: DirectWriter? = nil,
        operations: FileOperations
    ) {
        assert(end % UInt64(MemberHeader.size) == 0, "a member begins within a block")
        assert(end <= room, "a segment holds more than it has room for")
        self.file = file
        self.nonce = nonce
        self.room = room
        self.purpose = purpose
        self.end = end
        self.members = members
        self.direct = direct
        self.operations = operations
    }

    /// Whether a batch fits and leaves room for the ending.
    func fits(bytes: Int, members count: Int, for wanted: SegmentPurpose) -> Bool {
        assert(bytes > 0 && count > 0, "nothing is to be appended")
        guard wanted.fits(into: purpose) else { return false }
        let ending = SegmentEnding.sizeMax(members: members.count + count)
        return end + UInt64(bytes) + UInt64(ending) <= room
    }

    /// Bytes that the objects take on the disk, headers and padding included.
    static func space(_ objects: [VerifiedObject]) -> Int {
        objects.reduce(0) { $0 + MemberHeader.size + MemberHeader.padded($1.length) }
    }

    /// Appends objects; all of them or none.
    ///
    /// - Returns: where they lie.
    mutating func append(
        _ objects: [(path: MemberPath, object: VerifiedObject)], durable: UInt64
    ) throws(DepotError) -> [SegmentMember] {
        assert(durable <= end, "more is durable than was appended")
        var added: [SegmentMember] = []
        var blocks: [Part] = []
        var offset = end
        for (path, object) in objects {
            assert(path.lengths.contains(object.length), "no member of this kind has this length")
            let header = MemberHeader(
                path: path, length: object.length, nonce: nonce, durable: durable, offset: offset)
            blocks.append(.bytes(header.encoded()))
            blocks += object.parts.map(Part.buffer)
            let padding = MemberHeader.padded(object.length) - object.length
            if padding > 0 { blocks.append(.zeros(padding)) }
            added.append(SegmentMember(path: path, offset: offset, length: object.length))
            offset = header.end
        }
        if try !writeDirect(blocks, objects: objects.count) { try write(blocks) }
        assert(end == offset, "what was written is not as long as its headers say")
        members += added
        assert(
            end + UInt64(SegmentEnding.sizeMax(members: members.count)) <= room,
            "no room is left for the ending")
        return added
    }

    /// Appends the ending and makes the whole file durable. After this it is sealed, and nobody
    /// writes to it.
    mutating func seal(durable: UInt64) throws(DepotError) {
        assert(durable <= end, "more is durable than was appended")
        let content = members
        try append(.sums, SegmentEnding.sums(content), durable: durable)
        // INDEX makes a segment sealed, and a sealed segment counts as durable: so INDEX must not
        // reach the disk before the members that it lists.
        try operations.sync(file.descriptor, file.path)
        try append(.index, SegmentEnding.index(content, at: end), durable: durable)
        try write([.zeros(2 * MemberHeader.size)])
        // Gives the unused rest of the disk space back.
        try operations.run(
            .truncate(descriptor: file.descriptor, size: Int64(end)), else: "cannot seal", file.path
        )
        try operations.sync(file.descriptor, file.path)
        assert(end % UInt64(MemberHeader.size) == 0, "an archive ends within a block")
    }

    private mutating func append(
        _ path: MemberPath, _ text: String, durable: UInt64
    ) throws(DepotError) {
        let bytes = Array(text.utf8)
        let header = MemberHeader(
            path: path, length: bytes.count, nonce: nonce, durable: durable, offset: end)
        try write([
            .bytes(header.encoded() + bytes),
            .zeros(MemberHeader.padded(bytes.count) - bytes.count),
        ])
    }

    // MARK: Writing

    /// A part of what is written.
    enum Part {
        case bytes([UInt8])
        case buffer(ByteBuffer)
        case zeros(Int)

        var count: Int {
            switch self {
            case .bytes(let bytes): bytes.count
            case .buffer(let buffer): buffer.readableBytes
            case .zeros(let count): count
            }
        }
    }

    private mutating func write(_ parts: [Part]) throws(DepotError) {
        try cuttingOff { writer throws(DepotError) in
            var rest = parts[...]
            while !rest.isEmpty {
                let batch = rest.prefix(Self.partsMax)
                rest = rest.dropFirst(batch.count)
                try writer.write(batch)
            }
        }
    }

    /// Cuts off what `body` has written where it fails.
    private mutating func cuttingOff<Value>(
        _ body: (inout SegmentWriter) throws(DepotError) -> Value
    ) throws(DepotError) -> Value {
        let start = end
        do throws(DepotError) {
            return try body(&self)
        } catch {
            end = start
            // The part that was written is no member. If it cannot be cut off here, recovery cuts
            // it off.
            let cut = operations.perform(
                .truncate(descriptor: file.descriptor, size: Int64(start)))
            if cut.result != 0, error.code == .storageFull {
                throw DepotError(
                    .storeFailed, "cannot cut off a write that did not fit", object: file.path,
                    cause: error)
            }
            throw error
        }
    }

    /// - Returns: whether it was written.
    private mutating func writeDirect(
        _ parts: [Part], objects count: Int
    ) throws(DepotError) -> Bool {
        let total = parts.reduce(0) { $0 + $1.count }
        guard let direct, direct.isFor(total, objects: count) else { return false }
        return try cuttingOff { writer throws(DepotError) in
            guard try direct.write(parts, total: total, at: writer.end) else {
                writer.direct = nil
                return false
            }
            writer.end += UInt64(total)
            return true
        }
    }

    private mutating func write(_ parts: ArraySlice<Part>) throws(DepotError) {
        var vectors: [iovec] = []
        let total = lend(parts, to: &vectors) {
            [operations, file] vectors, total -> Result<Int, DepotError> in
            do throws(DepotError) {
                try operations.write(vectors, at: Int64(end), to: file.descriptor, file.path)
                return .success(total)
            } catch {
                return .failure(error)
            }
        }
        end += UInt64(try total.get())
    }

    /// Lends the bytes of all parts at once; their addresses hold only inside the innermost
    /// closure.
    private func lend<R>(
        _ parts: ArraySlice<Part>, to vectors: inout [iovec], _ body: ([iovec], Int) -> R
    ) -> R {
        guard let first = parts.first else {
            return body(vectors, vectors.reduce(0) { $0 + $1.iov_len })
        }
        func add(_ bytes: UnsafeRawBufferPointer) -> R {
            vectors.append(
                iovec(
                    iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress),
                    iov_len: bytes.count))
            return lend(parts.dropFirst(), to: &vectors, body)
        }
        switch first {
        case .bytes(let bytes): return bytes.withUnsafeBytes(add)
        case .buffer(let buffer): return buffer.withUnsafeReadableBytes(add)
        case .zeros(let count):
            assert(count <= Self.zeros.count, "more padding than a block has")
            return Self.zeros.withUnsafeBytes {
                add(UnsafeRawBufferPointer(rebasing: $0[..<count]))
            }
        }
    }
}
