import DepotCore
import Foundation
import NIOCore
import Testing

@testable import DepotClient

@Suite struct FileTimesTests {
    private static func setTime(_ seconds: Int, of path: String) -> Int {
        let time = timespec(tv_sec: seconds, tv_nsec: 0)
        utimensat(AT_FDCWD, path, [time, time], 0)
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mtim.tv_sec : 0
    }

    /// ext4 keeps times until 2446: one file of 2445 ended a deposit of its whole tree.
    @Test(arguments: [15_000_000_000, 9_223_372_037, -9_300_000_000, -1, 4_000_000_000])
    func `the time of any year that the kernel takes is deposited`(
        seconds: Int
    ) async throws {
        let bench = try Workbench()
        let sources = try ["a", "b", "c"].map { try bench.file($0, noise(100)) }
        let found = Self.setTime(seconds, of: bench.path("b"))
        let told = try await bench.deposit(sources)
        #expect(told.names == ["a", "b", "c"])
        let kept = try #require(FileTime(seconds: Int64(found), nanoseconds: 0))
        #expect(bench.server.files[try FileName("b")]?.metadata.modified == kept)
        #expect(told.warnings.isEmpty)
    }

    /// Any client may commit a record with any number.
    @Test(arguments: [
        Int64.min, -9_223_372_036_854_775_807, -1, 0, 1, 4_294_967_296, 9_007_199_254_740_992,
        9_223_372_036_854_775_806, Int64.max,
    ])
    func `any time of a record is restored or told`(seconds: Int64) throws {
        let bench = try Workbench()
        let sink = try FileSink(.path(bench.path("file")))
        try sink.write(ByteBuffer(bytes: [1, 2]))
        let time = try #require(FileTime(seconds: seconds, nanoseconds: 999_999_999))
        try FileSink.finish([(sink, FileMetadata(modified: time))])
        #expect(bench.content("file") == [1, 2])
        var status = stat()
        #expect(stat(bench.path("file"), &status) == 0)
        let isRestored = Int64(status.st_mtim.tv_sec) == time.seconds
        #expect(sink.warnings == (isRestored ? [] : [.timeReplaced]))
    }

    /// Of two changes within a tick of the kernel's clock the second one may leave the time as it was.
    @Test(arguments: [
        (-1, 0, false), (0, -1, false), (0, 0, true), (0, 1, true), (0, 20_000_000, true),
        (0, 20_000_001, false), (1, 0, false), (Int.max - 10, 0, false), (Int.min + 10, 0, false),
    ])
    func `reading begins in a later tick than that of the last change`(
        seconds: Int, nanoseconds: Int, mayHide: Bool
    ) {
        let now = timespec(tv_sec: 5, tv_nsec: 500_000_000)
        let last = timespec(tv_sec: 5 + seconds, tv_nsec: 500_000_000 + nanoseconds)
        #expect(FileState.mayHideAChange(since: last, now: now) == mayHide)
    }
}
