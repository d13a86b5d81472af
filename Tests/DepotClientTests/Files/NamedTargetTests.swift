import DepotCore
import Foundation
import NIOCore
import Testing

@testable import DepotClient

/// What the user names himself: devices, pipes and links such as `/dev/stdout` are written to, and stay what they are.
@Suite struct NamedTargetTests {
    private static func kind(_ path: String) -> FileKind? {
        var status = stat()
        return lstat(path, &status) == 0 ? FileKind(mode: status.st_mode) : nil
    }

    @Test func `links into the folder of descriptors stand for descriptors`() throws {
        let bench = try Workbench()
        symlink("/proc/self/fd/7", bench.path("seven"))
        symlink("seven", bench.path("again"))
        symlink("/dev/fd", bench.path("all"))
        symlink("loop", bench.path("loop"))
        try bench.file("file", [1])
        symlink("file", bench.path("link"))
        let paths: [(String, Int32?)] = [
            ("/dev/fd/5", 5), ("/proc/self/fd/1", 1), (bench.path("seven"), 7),
            (bench.path("again"), 7), (bench.path("file"), nil), (bench.path("link"), nil),
            (bench.path("loop"), nil), (bench.path("none"), nil), ("/", nil), ("", nil),
        ]
        // Only what is open is there.
        let null = open("/dev/null", O_RDWR)
        defer { close(null) }
        for number in [Int32(5), 7] where fcntl(number, F_GETFD) < 0 { dup2(null, number) }
        for (path, number) in paths { #expect(OwnDescriptor.number(of: path) == number, "\(path)") }
    }

    /// A regular file behind `/dev/stdout` was replaced under the feet of whoever had it open.
    @Test func `a file behind a descriptor is written where it stands`() throws {
        let bench = try Workbench()
        let out = open(bench.path("out"), O_RDWR | O_CREAT, 0o600)
        defer { close(out) }
        #expect(write(out, "head ", 5) == 5)
        symlink("/proc/self/fd/\(out)", bench.path("link"))
        let sink = try FileSink(.path(bench.path("link")))
        try sink.write(ByteBuffer(string: "body "))
        try FileSink.finish([(sink, FileMetadata(mode: 0o644))])
        #expect(try WholeFile.write(ByteBuffer(string: "tail"), to: bench.path("link")) == [])
        #expect(Self.kind(bench.path("link")) == .link)
        #expect(bench.content("out") == Array("head body tail".utf8))
    }

    @Test func `a receipt goes where its path leads, and replaces no link and no device`() throws {
        let bench = try Workbench()
        let text = ByteBuffer(string: "receipt")
        try bench.file("file", noise(1_000))
        symlink("file", bench.path("link"))
        symlink("later", bench.path("to-later"))
        mkfifo(bench.path("pipe"), 0o600)
        let pipe = open(bench.path("pipe"), O_RDWR | O_NONBLOCK)
        defer { close(pipe) }
        let isRoot = mknod(bench.path("null"), S_IFCHR | 0o600, 259) == 0
        let names = ["link", "to-later", "pipe", "fresh"] + (isRoot ? ["null"] : [])
        for name in names { #expect(try WholeFile.write(text, to: bench.path(name)) == []) }
        for name in ["file", "later", "fresh"] {
            #expect(bench.content(name) == Array("receipt".utf8), "\(name)")
        }
        #expect(
            Self.kind(bench.path("link")) == .link && Self.kind(bench.path("to-later")) == .link)
        #expect(Self.kind(bench.path("pipe")) == .pipe)
        if isRoot { #expect(Self.kind(bench.path("null")) == .device) }
        var bytes = [UInt8](repeating: 0, count: 100)
        #expect(read(pipe, &bytes, 100) == 7)
    }
}
