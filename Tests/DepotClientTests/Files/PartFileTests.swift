import DepotCore
import Foundation
import NIOCore
import Testing

@testable import DepotClient

/// Each retrieve that was killed left a hidden file, and the next one left it there: they added up.
@Suite struct PartFileTests {
    private static let dead = ".depot-0a1b2c3d-4e5f.part"

    @Test(arguments: [false, true])
    func `what a killed process has left goes with the next file`(inTree: Bool) throws {
        let bench = try Workbench()
        try bench.file(Self.dead, noise(10))
        let others = ["\(Self.dead).txt", ".depot-mine.part", ".depot-0a1b2c3d-4e5g.part"]
        for name in others { try bench.file(name, noise(10)) }
        mkfifo(bench.path(".depot-pipe.part"), 0o600)
        let tree = FolderTree(root: bench.folder)
        let sink = try FileSink(inTree ? .entry(tree, path: "file") : .path(bench.path("file")))
        try FileSink.finish([(sink, FileMetadata())])
        #expect(try bench.entries == (others + [".depot-pipe.part", "file"]).sorted())
    }

    @Test func `what a living process writes stays`() throws {
        let bench = try Workbench()
        let first = try FileSink(.path(bench.path("first")))
        try first.write(ByteBuffer(bytes: [1]))
        let second = try FileSink(.path(bench.path("second")))
        try second.write(ByteBuffer(bytes: [2]))
        #expect(try bench.entries.count == 2)
        try FileSink.finish([(first, FileMetadata()), (second, FileMetadata())])
        #expect(bench.content("first") == [1] && bench.content("second") == [2])
        #expect(try bench.entries == ["first", "second"])
    }
}
