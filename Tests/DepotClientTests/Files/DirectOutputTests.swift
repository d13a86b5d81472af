import CLinux
import DepotCore
import Foundation
import NIOCore
import Testing

@testable import DepotClient

/// A large file goes past the page cache, and is to the byte what was written.
@Suite struct DirectOutputTests {
    private static let least = Int(DirectOutput.fileSizeMin)
    private static let pattern = noise(65_521)

    /// Made and compared in bulk: the noise of other tests takes a second for each MiB.
    private static func content(_ count: Int) -> Data {
        var content = Data(capacity: count + pattern.count)
        while content.count < count { content.append(contentsOf: pattern) }
        return content.prefix(count)
    }

    private static func read(_ path: String) throws -> Data {
        try Data(contentsOf: URL(fileURLWithPath: path))
    }

    private static func write(
        _ content: Data, expecting size: Int, in parts: Int, to path: String
    ) throws -> FileSink {
        let sink = try FileSink(.path(path), size: UInt64(size))
        for part in stride(from: 0, to: content.count, by: parts) {
            try sink.write(
                ByteBuffer(bytes: content[part..<min(part + parts, content.count)]))
        }
        try FileSink.finish([(sink, FileMetadata(mode: 0o640))])
        return sink
    }

    @Test(arguments: [
        (0, 65_537), (1, 65_537), (-1, 65_537), (511, 3_000_001), (4_096, 2 << 20),
        ((2 << 20) + 1, 65_537),
    ])
    func `a file of any length, in parts of any length, is written whole`(
        beyond: Int, parts: Int
    ) throws {
        let bench = try Workbench()
        let content = Self.content(Self.least + beyond)
        let sink = try Self.write(
            content, expecting: content.count, in: parts, to: bench.path("file"))
        let isSame = try Self.read(bench.path("file")) == content
        #expect(isSame)
        #expect(sink.warnings.isEmpty)
    }

    /// Sizes are a server's to say.
    @Test(arguments: [0, 1, 100_000])
    func `a file that is shorter than was said is as long as its bytes`(count: Int) throws {
        let bench = try Workbench()
        let content = Self.content(count)
        _ = try Self.write(content, expecting: .max, in: 4_096, to: bench.path("file"))
        let isSame = try Self.read(bench.path("file")) == content
        #expect(isSame)
    }

    @Test func `the descriptor is direct while a large file is written, and not behind it`()
        throws
    {
        let bench = try Workbench()
        let path = bench.path("file")
        #expect(FileManager.default.createFile(atPath: path, contents: nil))
        let file = open(path, O_RDWR)
        defer { close(file) }
        let isDirect = { fcntl(file, F_GETFL) & Int32(DEPOT_O_DIRECT) != 0 }
        let content = Self.content(5 << 20)
        let output = DirectOutput(to: file)
        #expect(isDirect())
        #expect(content.withUnsafeBytes { output.write($0) })
        #expect(isDirect())
        #expect(output.finish())
        #expect(!isDirect())
        let isSame = try Self.read(path) == content
        #expect(isSame)
    }

    @Test func `a disk that is full says so`() throws {
        let file = open("/dev/full", O_WRONLY)
        defer { close(file) }
        let output = DirectOutput(to: file)
        let isWritten = Self.content(3 << 20).withUnsafeBytes { output.write($0) }
        #expect(!isWritten && errno == ENOSPC)
    }
}
