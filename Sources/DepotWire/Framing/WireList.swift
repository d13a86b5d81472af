import DepotCore
import NIOCore

/// What stands in a binary list. See `ObjectLists.swift` for the layouts.
public protocol WireListEntry: Sendable {
    func write(to buffer: inout ByteBuffer)
    /// Takes one entry off the front; `nil` where the bytes are none.
    static func read(from buffer: inout ByteBuffer) throws(DepotError) -> Self?
}

/// Lists of ids, as bodies.
public enum WireList {
    public static func encode(_ entries: some Sequence<some WireListEntry>) -> ByteBuffer {
        var buffer = ByteBuffer()
        var isFirst = true
        for entry in entries {
            entry.write(to: &buffer)
            guard isFirst else { continue }
            // Entries are of one size, or nearly.
            buffer.reserveCapacity(buffer.readableBytes * entries.underestimatedCount)
            isFirst = false
        }
        return buffer
    }

    /// - Throws: `invalidArgument` where the bytes are not a whole number of entries, `tooLarge`
    ///   for more than `WireLimits.listEntriesMax`.
    public static func decode<Entry: WireListEntry>(
        _ kind: Entry.Type, from body: ByteBuffer
    ) throws(DepotError) -> [Entry] {
        var buffer = body
        var entries: [Entry] = []
        while buffer.readableBytes > 0 {
            guard entries.count < WireLimits.listEntriesMax else {
                throw DepotError(
                    .tooLarge, "a list has at most \(WireLimits.listEntriesMax) entries")
            }
            guard let entry = try Entry.read(from: &buffer) else {
                throw DepotError(
                    .invalidArgument,
                    "not a list of \(Entry.self): \(body.readableBytes) bytes are no whole number "
                        + "of entries")
            }
            entries.append(entry)
        }
        return entries
    }
}

extension ChunkReference: WireListEntry {
    public func write(to buffer: inout ByteBuffer) {
        buffer.writeChunkID(id)
        buffer.writeInteger(UInt32(length))
    }

    public static func read(from buffer: inout ByteBuffer) throws(DepotError) -> Self? {
        guard let id = buffer.readChunkID(), let length = buffer.readInteger(as: UInt32.self) else {
            return nil
        }
        return try ChunkReference(id: id, length: Int(length))
    }
}

/// A chunk that must be sent, and where to.
public struct LackingChunk: Sendable, Hashable, WireListEntry {
    public enum UploadTarget: UInt32, Sendable {
        /// The FileServer that answered.
        case fileServer = 0
    }

    public let chunk: ChunkReference
    public let target: UploadTarget

    public init(_ chunk: ChunkReference, target: UploadTarget = .fileServer) {
        self.chunk = chunk
        self.target = target
    }

    public func write(to buffer: inout ByteBuffer) {
        chunk.write(to: &buffer)
        buffer.writeInteger(target.rawValue)
    }

    public static func read(from buffer: inout ByteBuffer) throws(DepotError) -> Self? {
        guard let chunk = try ChunkReference.read(from: &buffer),
            let code = buffer.readInteger(as: UInt32.self)
        else { return nil }
        guard let target = UploadTarget(rawValue: code) else {
            throw DepotError(
                .invalidArgument,
                "this program does not know the upload target \(code); use a newer one")
        }
        return LackingChunk(chunk, target: target)
    }
}

extension ObjectID: WireListEntry {
    public func write(to buffer: inout ByteBuffer) {
        buffer.writeInteger(kind.rawValue)
        buffer.writeChunkID(hash)
    }

    public static func read(from buffer: inout ByteBuffer) throws(DepotError) -> Self? {
        guard let code = buffer.readInteger(as: UInt8.self), let kind = Kind(rawValue: code),
            let hash = buffer.readChunkID()
        else { return nil }
        return ObjectID(kind: kind, hash: hash)
    }
}

extension ReadRequest: WireListEntry {
    public func write(to buffer: inout ByteBuffer) {
        chunk.write(to: &buffer)
        // More replicas than levels can have copies do not exist.
        let named = avoid.prefix(Limits.levelMax)
        buffer.writeInteger(UInt8(named.count))
        for copy in named {
            buffer.writeUUID(copy.replica.uuid)
            buffer.writeInteger(copy.reason.rawValue)
        }
    }

    public static func read(from buffer: inout ByteBuffer) throws(DepotError) -> Self? {
        guard let chunk = try ChunkReference.read(from: &buffer),
            let count = buffer.readInteger(as: UInt8.self), count <= Limits.levelMax
        else { return nil }
        var avoid: [BadCopy] = []
        for _ in 0..<count {
            guard let uuid = buffer.readUUID(), let code = buffer.readInteger(as: UInt8.self),
                let reason = BadCopy.Reason(rawValue: code)
            else { return nil }
            avoid.append(BadCopy(replica: ReplicaID(uuid: uuid), reason: reason))
        }
        return ReadRequest(chunk: chunk, avoid: avoid)
    }
}

extension InventoryEntry: WireListEntry {
    /// Kind, hash, length, segment.
    public static let encodedSize = 1 + ChunkID.byteCount + 4 + 4

    public func write(to buffer: inout ByteBuffer) {
        id.write(to: &buffer)
        buffer.writeMultipleIntegers(UInt32(length), segment)
    }

    public static func read(from buffer: inout ByteBuffer) throws(DepotError) -> Self? {
        guard let id = try ObjectID.read(from: &buffer),
            let (length, segment) = buffer.readMultipleIntegers(as: (UInt32, UInt32).self)
        else { return nil }
        // 0 is said of a copy that is there by name alone.
        guard length <= UInt32(Limits.chunkSizeMax), segment <= SegmentID.numberMax else {
            throw DepotError(
                .invalidArgument,
                "an entry of an inventory names at most \(Limits.chunkSizeMax) bytes and segment "
                    + "\(SegmentID.numberMax), found \(length) and \(segment)", object: id.hash.hex)
        }
        return InventoryEntry(id: id, length: Int(length), segment: segment)
    }
}
