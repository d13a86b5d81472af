import DepotCore
import DepotWire
import Foundation
import NIOCore
import Synchronization
import Testing

@testable import DepotClient

@Suite struct FileSinkTests {
    /// What was there at each sync: which of the names, and how long the files were.
    private struct Seen: Equatable {
        var names: [String]
        var lengths: [Int64]
    }

    @Test(arguments: [1, 20])
    func `content is durable before any of it has its name, and then the names are`(
        count: Int
    ) throws {
        let bench = try Workbench()
        let seen = Mutex<[Seen]>([])
        let syncing = DiskSync { opened throws(DepotError) in
            let lengths = opened.map { file in
                var status = stat()
                return fstat(file.descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
                    ? Int64(status.st_size) : -1
            }
            let names = (try? bench.entries)?.filter { !$0.hasPrefix(".") } ?? ["?"]
            seen.withLock { $0.append(Seen(names: names, lengths: lengths)) }
        }
        let content = VerifiedObject(hashing: ByteBuffer(repeating: 7, count: 1_000))
        var sinks: [(sink: FileSink, metadata: FileMetadata)] = []
        let names = (0..<count).map { "file\(100 + $0)" }
        for name in names {
            let sink = try FileSink(.path(bench.path(name)), mode: 0o600)
            try sink.write(content)
            sinks.append((sink, FileMetadata(mode: 0o600)))
        }
        try FileSink.finish(sinks, syncing: syncing)
        #expect(
            seen.withLock { $0 } == [
                Seen(names: [], lengths: names.map { _ in 1_000 }),
                Seen(names: names, lengths: [-1]),
            ])
        #expect(try bench.entries == names)
    }

    @Test func `what could not be made durable gets no name, and leaves nothing`() throws {
        let bench = try Workbench()
        let sink = try FileSink(.path(bench.path("file")), mode: nil)
        #expect(throws: DepotError.self) {
            try FileSink.finish(
                [(sink, FileMetadata())],
                syncing: DiskSync { _ throws(DepotError) in
                    throw DepotError(.storageFull, "no room")
                })
        }
        sink.abandon()
        #expect(try bench.entries.isEmpty)
    }
}
