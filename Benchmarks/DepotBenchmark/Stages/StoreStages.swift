import DepotCore
import DepotStore
import Foundation
import Glibc
import Logging
import NIOCore

/// A replica's disk, alone: chunks of 1 MiB, and of 8 KiB with a barrier for 64 of them.
struct StoreStages: Sendable {
    let data: Data

    func measure(in folder: String) async throws -> [Measurement] {
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
            found += try await write(groups, size: size, name, to: store)
            found.append(try await read(groups, size: size, name, from: store))
        }
        for segment in try await store.segments(after: nil, limit: 1) {
            found.append(
                try await Stages.timed("stage: scrub, from the disk", bytes: Int(segment.liveBytes))
                {
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

    /// Appends and barriers take turns, as in a deposit; each is timed by itself.
    private func write(
        _ groups: [[VerifiedObject]], size: Int, _ name: String, to store: SegmentStore
    ) async throws -> [Measurement] {
        var (appends, barriers): (Measurement?, Measurement?)
        for group in groups {
            let bytes = group.count * size
            let append = try await Stages.timed(
                "stage: append, \(name)", bytes: bytes, operations: group.count
            ) { try await store.put(group) }
            let barrier = try await Stages.timed(
                "stage: barrier, \(name)", bytes: bytes, operations: group.count
            ) { _ = try await store.vouch(for: group.map(\.id)) }
            appends = appends.map { $0 + append } ?? append
            barriers = barriers.map { $0 + barrier } ?? barrier
        }
        return [appends, barriers].compactMap { $0 }
    }

    /// From the page cache.
    private func read(
        _ groups: [[VerifiedObject]], size: Int, _ name: String, from store: SegmentStore
    ) async throws -> Measurement {
        let count = groups.map(\.count).reduce(0, +)
        var bytes = [UInt8](repeating: 0, count: size)
        return try await Stages.timed(
            "stage: read, \(name)", bytes: count * size, operations: count
        ) {
            for group in groups {
                for case let object? in try await store.read(group.map(\.id)) {
                    guard case .file(let extent) = object.bytes else { continue }
                    let got = pread(extent.descriptor, &bytes, extent.length, off_t(extent.offset))
                    guard got == extent.length else {
                        throw CommandFailed(description: "a chunk could not be read")
                    }
                }
            }
        }
    }
}
