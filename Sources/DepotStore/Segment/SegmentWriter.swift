import DepotCore
import Glibc
import NIOCore

// One write for header, bytes and padding of a whole batch, at the end of the file. What did not reach the disk whole
// is cut off again at once, so that a segment always ends with a whole member.

/// The segment that is being appended to. For the log's thread only, but for `file`.
struct SegmentWriter {
    /// Parts of one system call: the kernel takes 1,024, and each is a frame on the stack here.
    private static let partsMax = 240
    private static let zeros = [UInt8](repeating: 0, count: 2 * MemberHeader.size)

    let file: SegmentFile
    let nonce: UInt64
    private let operations: FileOperations
    /// Bytes that are set aside for it on the disk.
    let room: UInt64
    private(set) var end: UInt64
    private(set) var members: [SegmentMember]

    /// - Parameter members: those that are there already, up to `end`.
    init(
        file: SegmentFile, nonce: UInt64, room: UInt64, end: UInt64 = 0,
        members: [SegmentMember] = [], operations: FileOperations
    ) {
        self.file = file
        self.nonce = nonce
        self.room = room
        self.end = end
        self.members = members
        self.operations = operations
    }

    /// Whether a batch fits and leaves room for the ending.
    func fits(bytes: Int, members count: Int) -> Bool {
        let ending = SegmentEnding.sizeMax(members: members.count + count)
        return end + UInt64(bytes) + UInt64(ending) <= room
    }

    /// What members with these lengths take on the disk.
    static func space(_ objects: [VerifiedObject]) -> Int {
        objects.reduce(0) { $0 + MemberHeader.size + MemberHeader.padded($1.length) }
    }

    /// Appends objects; all of them or none.
    ///
    /// - Returns: where they lie.
    mutating func append(
        _ objects: [(path: MemberPath, object: VerifiedObject)], durable: UInt64
    ) throws(DepotError) -> [SegmentMember] {
        var added: [SegmentMember] = []
        var blocks: [Part] = []
        var offset = end
        for (path, object) in objects {
            let header = MemberHeader(
                path: path, length: object.length, nonce: nonce, durable: durable, offset: offset)
            blocks.append(.bytes(header.encoded()))
            blocks += object.parts.map(Part.buffer)
            let padding = MemberHeader.padded(object.length) - object.length
            if padding > 0 { blocks.append(.zeros(padding)) }
            added.append(SegmentMember(path: path, offset: offset, length: object.length))
            offset = header.end
        }
        try write(blocks)
        members += added
        return added
    }

    /// Appends the ending and makes the whole file durable. After this it is sealed, and nobody writes to it.
    mutating func seal(durable: UInt64) throws(DepotError) {
        let content = members
        try append(.sums, SegmentEnding.sums(content), durable)
        // INDEX makes a segment sealed, and what is sealed counts as durable: it must not reach the disk before
        // what it lists.
        try operations.sync(file.descriptor, file.path)
        try append(.index, SegmentEnding.index(content, at: end), durable)
        try write([.zeros(2 * MemberHeader.size)])
        // Gives back what was set aside and not used.
        try operations.run(
            .truncate(descriptor: file.descriptor, size: Int64(end)), "cannot seal", file.path)
        try operations.sync(file.descriptor, file.path)
    }

    private mutating func append(
        _ path: MemberPath, _ text: String, _ durable: UInt64
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

    private enum Part {
        case bytes([UInt8])
        case buffer(ByteBuffer)
        case zeros(Int)
    }

    private mutating func write(_ parts: [Part]) throws(DepotError) {
        let start = end
        do throws(DepotError) {
            var rest = parts[...]
            while !rest.isEmpty {
                let batch = rest.prefix(Self.partsMax)
                rest = rest.dropFirst(batch.count)
                try write(batch)
            }
        } catch {
            end = start
            // What was written of it is no member. Should this fail, too, recovery cuts it off.
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

    /// Lends the bytes of all parts at once; their addresses hold only inside the innermost closure.
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
            return Self.zeros.withUnsafeBytes {
                add(UnsafeRawBufferPointer(rebasing: $0[..<count]))
            }
        }
    }
}
