import DepotCore
import DepotSQLiteCatalog
import DepotStore
import FastCDCReference
import Foundation
import Logging
import NIOCore

/// The parts of which a deposit is made, each by itself, in this process, on one thread.
enum Stages {
    static func measure(mebibytes: Int) throws -> [Measurement] {
        var random = SplitMix64(seed: 4)
        let data = random.data(mebibytes << 20)
        var found = [
            cut("stage: cut", data, ContentChunker().cutLength),
            cut("stage: cut, FastCDC", data, FastCDC(.default).cutLength),
            hash("stage: hash, 1 MiB", data, 1 << 20),
            hash("stage: hash, 8 KiB", data, 8 << 10),
        ]
        found += try wait { try await store(data) }
        found += try wait { try await negotiation() }
        return found
    }

    private static func timed(
        _ name: String, bytes: Int, operations: Int = 1, _ body: () throws -> Void
    ) rethrows -> Measurement {
        let cpu = Usage.own(Usage.itself)
        let began = ContinuousClock.now
        try body()
        return Measurement(
            name, bytes: UInt64(bytes), operations: operations,
            seconds: (ContinuousClock.now - began) / .seconds(1),
            cpu: Usage.own(Usage.itself) - cpu)
    }

    private static func timed(
        _ name: String, bytes: Int, operations: Int = 1, _ body: () async throws -> Void
    ) async rethrows -> Measurement {
        let cpu = Usage.own(Usage.itself)
        let began = ContinuousClock.now
        try await body()
        return Measurement(
            name, bytes: UInt64(bytes), operations: operations,
            seconds: (ContinuousClock.now - began) / .seconds(1),
            cpu: Usage.own(Usage.itself) - cpu)
    }

    private static func cut(
        _ name: String, _ data: Data, _ length: (UnsafeRawBufferPointer) -> Int
    ) -> Measurement {
        data.withUnsafeBytes { bytes in
            timed(name, bytes: data.count) {
                var offset = 0
                while offset < bytes.count {
                    offset += length(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
                }
            }
        }
    }

    private static func hash(_ name: String, _ data: Data, _ size: Int) -> Measurement {
        data.withUnsafeBytes { bytes in
            timed(name, bytes: data.count) {
                var digest = SHA256Digest()
                for start in stride(from: 0, to: bytes.count, by: size) {
                    let end = min(start + size, bytes.count)
                    digest.update(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                    _ = digest.finish()
                }
            }
        }
    }

    /// A replica's disk, alone: durable chunks of 1 MiB, and of 8 KiB with a barrier for 64 of them.
    private static func store(_ data: Data) async throws -> [Measurement] {
        let folder = "\(NSTemporaryDirectory())/depot-stage-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let logger = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
        let store = try await SegmentStore.open(at: folder, logger: logger)
        var found: [Measurement] = []
        for (name, size, group) in [("1 MiB", 1 << 20, 16), ("8 KiB", 8 << 10, 64)] {
            let bytes = size == 1 << 20 ? data.count : min(data.count, 64 << 20)
            let objects = stride(from: 0, to: bytes - size + 1, by: size).map {
                VerifiedObject(hashing: ByteBuffer(bytes: data[$0..<$0 + size]))
            }
            let groups = stride(from: 0, to: objects.count, by: group).map {
                Array(objects[$0..<min($0 + group, objects.count)])
            }
            found.append(
                try await timed(
                    "stage: append and sync, \(name)", bytes: objects.count * size,
                    operations: objects.count
                ) {
                    for group in groups {
                        try await store.put(group)
                        _ = try await store.vouch(for: group.map(\.id))
                    }
                })
        }
        for segment in try await store.segments(after: nil, limit: 1) {
            found.append(
                try await timed("stage: scrub, from the disk", bytes: Int(segment.liveBytes)) {
                    var offset: UInt64? = 0
                    while let from = offset {
                        offset = try await store.scrub(segment.id, from: from, budget: 32 << 20)
                            .next
                    }
                })
        }
        await store.close()
        return found
    }

    /// Which of 1,000 chunks are lacking, in a catalog of 100,000.
    private static func negotiation() async throws -> [Measurement] {
        let folder = "\(NSTemporaryDirectory())/depot-stage-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let catalog = try await SQLiteCatalog.open(at: folder)
        let deposit = DepositID.random()
        try await catalog.openDeposit(
            DepositOpening(deposit: deposit, level: ReplicationLevel(1), lease: .seconds(3_600)))
        var random = SplitMix64(seed: 5)
        let chunks = try (0..<100_000).map { _ in
            try ChunkReference(
                id: ChunkID(hashing: ByteBuffer(integer: random.next())), length: 1 << 20)
        }
        let pages = stride(from: 0, to: chunks.count, by: 1_000).map {
            Array(chunks[$0..<$0 + 1_000])
        }
        var found: [Measurement] = []
        for name in ["stage: negotiation, new", "stage: negotiation, known"] {
            found.append(
                try await timed(name, bytes: 0, operations: chunks.count) {
                    for page in pages {
                        _ = try await catalog.negotiate(
                            deposit, chunks: page, live: [], copies: 1)
                    }
                })
        }
        try catalog.close()
        return found
    }

    /// Waits in a program that is not asynchronous for something that is.
    private static func wait<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) throws -> Value {
        let done = DispatchSemaphore(value: 0)
        let result = Slot<Result<Value, any Error>>()
        Task.detached {
            do { result.value = .success(try await body()) } catch {
                result.value = .failure(error)
            }
            done.signal()
        }
        done.wait()
        guard let value = result.value else { throw CommandFailed(description: "no result") }
        return try value.get()
    }

    /// Written before the semaphore is signalled, read after it was waited for.
    private final class Slot<Value>: @unchecked Sendable {
        var value: Value?
    }
}
