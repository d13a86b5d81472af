import DepotCore
import FoundationEssentials
import NIOCore

extension ObjectFrame {
    /// Appends the 64 bytes.
    public func write(to buffer: inout ByteBuffer) {
        buffer.reserveCapacity(minimumWritableBytes: Self.headerSize)
        buffer.writeMultipleIntegers(
            Self.magic, id.kind.rawValue, status.rawValue, UInt16(0), UInt32(length), UInt32(0))
        buffer.writeUUID(replica?.uuid ?? Self.nobody)
        buffer.writeChunkID(id.hash)
    }

    static let nobody = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    /// Takes 64 bytes off the front; `nil` where fewer are there.
    ///
    /// - Throws: `invalidArgument` for anything that is no frame, or one with a length that no
    ///   object has.
    static func read(from buffer: inout ByteBuffer) throws(DepotError) -> ObjectFrame? {
        guard buffer.readableBytes >= headerSize,
            let (magic, kind, status, zero, length, zero2) = buffer.readMultipleIntegers(
                as: (UInt32, UInt8, UInt8, UInt16, UInt32, UInt32).self),
            let uuid = buffer.readUUID(), let hash = buffer.readChunkID()
        else { return nil }
        guard magic == Self.magic, zero == 0, zero2 == 0,
            let kind = ObjectID.Kind(rawValue: kind), let status = Status(rawValue: status)
        else {
            throw DepotError(
                .invalidArgument, "not a batch of objects: a frame begins with other bytes")
        }
        let allowed = status == .present ? 1...Limits.chunkSizeMax : 0...0
        guard allowed.contains(Int(length)) else {
            throw DepotError(
                .invalidArgument,
                "an object has 1 to \(Limits.chunkSizeMax) bytes, \(length) were declared",
                object: hash.hex)
        }
        return ObjectFrame(
            id: ObjectID(kind: kind, hash: hash), status: status, length: Int(length),
            replica: uuid == nobody ? nil : ReplicaID(uuid: uuid))
    }
}

extension ByteBuffer {
    mutating func readUUID() -> UUID? {
        guard readableBytes >= MemoryLayout<uuid_t>.size else { return nil }
        let uuid = withUnsafeReadableBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
        moveReaderIndex(forwardBy: MemoryLayout<uuid_t>.size)
        return uuid
    }

    mutating func writeUUID(_ uuid: UUID) {
        withUnsafeBytes(of: uuid.uuid) { _ = writeBytes($0) }
    }
}
