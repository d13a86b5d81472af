import CLinux
import DepotCore
import DepotTestSupport
import Glibc
import NIOCore
import Synchronization
import Testing

@testable import DepotStore

/// Large appends go past the page cache where the file system lets them, and nobody notices.
@Suite struct DirectWriteTests {
    /// Sizes of writes, by whether their descriptor goes past the cache.
    private final class Writes: Sendable {
        let sizes = Mutex<[Bool: [Int]]>([:])
        /// What a direct write is answered, in place of being done.
        let refusal = Mutex<Int32?>(nil)

        var operations: FileOperations {
            FileOperations { operation in
                if case .write(let descriptor, let parts, _) = operation {
                    let isDirect = fcntl(descriptor, F_GETFL) & Int32(DEPOT_O_DIRECT) != 0
                    let size = parts.reduce(0) { $0 + Int($1.iov_len) }
                    self.sizes.withLock { $0[isDirect, default: []].append(size) }
                    if isDirect, let code = self.refusal.withLock({ $0 }) { return (-1, code) }
                }
                return FileOperations.system.perform(operation)
            }
        }

        func of(_ isDirect: Bool) -> [Int] { sizes.withLock { $0[isDirect] ?? [] } }
    }

    private static func chunk(_ size: Int, seed: UInt8) -> VerifiedObject {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31) ^ seed }
        return VerifiedObject(hashing: ByteBuffer(bytes: bytes))
    }

    private static func put(
        _ objects: [VerifiedObject], into store: SegmentStore
    ) async throws {
        for object in objects { try await store.put([object]) }
        let vouches = try await store.vouch(for: objects.map(\.id))
        #expect(vouches.allSatisfy { $0 == .durable })
        for object in objects {
            let expected = object.parts.flatMap { [UInt8]($0.readableBytesView) }
            let found = try #require(try await store.read([object.id])[0])
            #expect([UInt8](try found.collect().readableBytesView) == expected)
        }
    }

    /// Of sizes around the least one, around a whole number of blocks, and the largest.
    private static let objects = [
        1, 511, 512, 4_096, (256 << 10) - 1_025, (256 << 10) - 512, 256 << 10, (1 << 20) + 1,
        Limits.chunkSizeMax - 1, Limits.chunkSizeMax,
    ].enumerated().map { chunk($1, seed: UInt8($0)) }

    @Test func `large appends go past the page cache, small ones do not`() async throws {
        let writes = Writes()
        var configuration = SegmentStoreConfiguration()
        configuration.operations = writes.operations
        try await withFolder { folder in
            try await withStore(at: folder, configuration) { store in
                try await Self.put(Self.objects, into: store)
            }
            #expect(writes.of(true).count == 5)
            #expect(writes.of(true).allSatisfy { $0 >= 256 << 10 && $0 % 512 == 0 })
            #expect(writes.of(false).allSatisfy { $0 < 256 << 10 })
            let report = try StoreCheck(folder: folder, logger: quiet).run()
            #expect(report.isClean && report.members == Self.objects.count)
        }
    }

    @Test func `a large append of small objects stays in the page cache`() async throws {
        let writes = Writes()
        var configuration = SegmentStoreConfiguration()
        configuration.operations = writes.operations
        try await withFolder { folder in
            try await withStore(at: folder, configuration) { store in
                try await store.put((0..<40).map { Self.chunk(10_000, seed: $0) })
                #expect(writes.of(true).isEmpty)
                try await store.put((0..<4).map { Self.chunk(70_000, seed: $0) })
                #expect(writes.of(true).count == 1)
            }
        }
    }

    /// A disk of larger blocks, or a file system that has no such writes.
    @Test(arguments: [EINVAL, EOPNOTSUPP])
    func `where a direct write is refused, the page cache serves`(code: Int32) async throws {
        let writes = Writes()
        writes.refusal.withLock { $0 = code }
        var configuration = SegmentStoreConfiguration()
        configuration.operations = writes.operations
        try await withFolder { folder in
            try await withStore(at: folder, configuration) { store in
                try await Self.put(Self.objects, into: store)
                #expect(writes.of(true).count == 1, "nobody asks again")
            }
        }
    }

    @Test func `a batch that is longer than the memory for it is written whole`() async throws {
        let writes = Writes()
        var configuration = SegmentStoreConfiguration()
        configuration.operations = writes.operations
        try await withFolder { folder in
            try await withStore(at: folder, configuration) { store in
                let objects = (0..<5).map { Self.chunk(5 << 20, seed: UInt8(100 + $0)) }
                try await store.put(objects)
                #expect(writes.of(true) == [10 << 20, 10 << 20, (5 << 20) + 5 * 512])
                try await Self.put(objects, into: store)
            }
        }
    }
}
