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
            return true
        }
        let content = VerifiedObject(hashing: ByteBuffer(repeating: 7, count: 1_000))
        var sinks: [(sink: FileSink, metadata: FileMetadata)] = []
        let names = (0..<count).map { "file\(100 + $0)" }
        for name in names {
            let sink = try FileSink(.path(bench.path(name)))
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

    /// Shares, FAT and file systems of programs refuse modes, times and syncs: nothing at all came back from depot then.
    @Test(arguments: [EPERM, ENOTSUP, EINVAL, ENOSYS, EROFS])
    func `bytes come back where modes, times and syncs are refused`(code: Int32) throws {
        let bench = try Workbench()
        let sink = try FileSink(.path(bench.path("file")))
        try sink.write(VerifiedObject(hashing: ByteBuffer(bytes: [1, 2])))
        try FileSink.finish(
            [(sink, FileMetadata(mode: 0o640, modified: FileTime(nanoseconds: 5)))],
            syncing: DiskSync { _ throws(DepotError) in false },
            attributes: FileAttributes(
                setOwner: { _, _, _ in code }, setMode: { _, _ in code },
                setAttribute: { _, _, _ in code }, setTime: { _, _ in code }))
        #expect(bench.content("file") == [1, 2])
        #expect(sink.warnings == [.mode(code), .time(code), .notDurable])
        #expect(DiskSync.isRefusal(code))
        #expect(!DiskSync.isRefusal(EIO) && !DiskSync.isRefusal(ENOSPC))
    }

    /// A program that an ordinary user had put in came back with root's rights.
    @Test(arguments: [0o4755, 0o2755, 0o6711, 0o1644, 0o7777, 0o755])
    func `a file gets no rights of whoever retrieves it`(mode: UInt16) throws {
        let bench = try Workbench()
        let sink = try FileSink(.path(bench.path("file")))
        try FileSink.finish([(sink, FileMetadata(mode: mode))])
        var status = stat()
        #expect(stat(bench.path("file"), &status) == 0)
        #expect(UInt16(truncatingIfNeeded: status.st_mode & 0o7777) == mode & 0o1777)
        #expect(sink.warnings == (mode & 0o6000 != 0 ? [.privileges] : []))
    }

    @Test func `nobody else can read a file that is not finished`() throws {
        let bench = try Workbench()
        let sink = try FileSink(.path(bench.path("file")))
        var status = stat()
        let part = try #require(try bench.entries.first)
        #expect(stat(bench.path(part), &status) == 0 && status.st_mode & 0o777 == 0o600)
        try FileSink.finish([(sink, FileMetadata())])
        // As the user's programs make them.
        let other = open(bench.path("other"), O_WRONLY | O_CREAT, 0o666)
        var wanted = stat()
        #expect(fstat(other, &wanted) == 0 && stat(bench.path("file"), &status) == 0)
        close(other)
        #expect(status.st_mode == wanted.st_mode)
    }

    @Test func `what could not be made durable gets no name, and leaves nothing`() throws {
        let bench = try Workbench()
        let sink = try FileSink(.path(bench.path("file")))
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
