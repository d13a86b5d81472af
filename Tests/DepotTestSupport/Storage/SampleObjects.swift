import DepotCore
import NIOCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Objects to put: the same for the same seed.
public enum SampleObjects {
    public static func chunk(_ seed: UInt64, size: Int = 1_000) -> VerifiedObject {
        var generator = SeededGenerator(seed: seed)
        return VerifiedObject(hashing: generator.buffer(size))
    }

    public static func record(
        _ name: String, counter: UInt64, cluster: ClusterID = .random()
    ) throws -> VerifiedObject {
        FileRecord(
            cluster: cluster, name: try FileName(name),
            sequence: CommitSequence(epoch: 1, counter: counter), time: 1_700_000_000,
            content: .deleted(level: .three)
        ).encoded()
    }

    public static func chunks(_ seeds: Range<UInt64>, size: Int = 1_000) -> [VerifiedObject] {
        seeds.map { chunk($0, size: size) }
    }
}

extension StoredObject {
    /// Its bytes, wherever they are. A short read ends it.
    public func collect() throws -> ByteBuffer {
        switch bytes {
        case .memory(let parts):
            return parts.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
        case .file(let extent):
            var buffer = ByteBufferAllocator().buffer(capacity: extent.length)
            while buffer.readableBytes < extent.length {
                let done = buffer.readableBytes
                let count = buffer.writeWithUnsafeMutableBytes(
                    minimumWritableBytes: extent.length - done
                ) { free in
                    max(
                        0,
                        pread(
                            extent.descriptor, free.baseAddress, extent.length - done,
                            off_t(extent.offset) + off_t(done)))
                }
                if count == 0 { break }
            }
            withExtendedLifetime(extent.owner) {}
            return buffer
        }
    }
}

extension ChunkStorage {
    /// The bytes of one object; `nil` where it is not held.
    public func bytes(of id: ObjectID) async throws -> ByteBuffer? {
        try await read([id]).first?.map { try $0.collect() }
    }

    /// Puts objects and has them vouched for.
    public func putDurably(_ objects: [VerifiedObject]) async throws -> [Vouch] {
        try await put(objects)
        return try await vouch(for: objects.map(\.id))
    }

    /// All pages of the inventory.
    public func wholeInventory(pageSize: Int) async throws -> [InventoryEntry] {
        var entries: [InventoryEntry] = []
        while true {
            let page = try await inventory(after: entries.last?.id, limit: pageSize)
            if page.isEmpty { return entries }
            entries += page
        }
    }
}
