import DepotCore
import DepotStore
import Foundation
import Logging
import NIOCore

/// How a replica starts that has a thousand to a million chunks. They are small, and as many to a segment as there are
/// where chunks have a MiB: that makes as many segments as a replica with so many chunks has.
struct StoreScale {
    private static let segmentChunks = 256
    private static let group = 1_000

    let cases: Cases

    func run(chunksMax: Int, starts: inout Panel, _ report: (Measurement) -> Void) throws {
        var chunks = 1_000
        while chunks <= chunksMax {
            let folder = try cases.place.fresh("store")
            defer { try? FileManager.default.removeItem(atPath: folder) }
            let (data, count) = ("\(folder)/r", chunks)
            try Stages.wait { try await Self.fill(data, chunks: count) }
            for (what, isIndexed) in [("with its index", true), ("without its index", false)] {
                if !isIndexed { try removeIndex(in: data) }
                try cases.settle()
                let start = try Daemon.start(
                    "start of a replica \(what), \(chunks)",
                    Command(
                        executable: cases.executable, arguments: Cluster.replica(in: data),
                        environment: try Cluster.tokens(cases.executable, in: folder)))
                starts.add("replica \(what)", x: Double(chunks), y: start.seconds)
                report(start)
            }
            chunks *= 10
        }
    }

    private static func fill(_ folder: String, chunks: Int) async throws {
        var configuration = SegmentStoreConfiguration()
        configuration.segmentMembersMax = segmentChunks
        configuration.segmentSize = 1 << 20
        let store = try await SegmentStore.open(
            at: folder, configuration: configuration,
            logger: Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() })
        for first in stride(from: 0, to: chunks, by: group) {
            try await store.put(
                (first..<min(first + group, chunks)).map {
                    VerifiedObject(hashing: ByteBuffer(integer: $0))
                })
        }
        _ = try await store.vouch(for: [])
        await store.close()
    }

    private func removeIndex(in folder: String) throws {
        for name in try FileManager.default.contentsOfDirectory(atPath: folder)
        where name.hasPrefix("index.sqlite") {
            try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
        }
    }
}
