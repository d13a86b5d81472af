import DepotCore
import Foundation
import Testing

@testable import DepotClient

/// Files that are there are read, rather than believed.
@Suite struct ContentComparisonTests {
    /// A small file and one of several chunks, which have come back once.
    private static func scene() async throws -> TreeScene {
        let scene = try TreeScene()
        try scene.bench.file("tree/large", noise(5 << 20))
        try scene.bench.file("tree/none", [])
        try scene.bench.file("tree/small", [1, 2, 3])
        _ = try await scene.deposit(["large", "none", "small"])
        let large = try #require(scene.server.files[FileName("t/large")])
        try #require(!large.manifest.isInline)
        _ = try await scene.retrieve()
        return scene
    }

    /// Changes one byte, and nothing that shows it but the time of change.
    private static func flip(_ scene: TreeScene, _ name: String, at offset: off_t) throws {
        let before = try scene.status(name)
        let file = open(scene.bench.path(name), O_RDWR)
        defer { close(file) }
        var byte: UInt8 = 0
        try #require(pread(file, &byte, 1, offset) == 1)
        byte ^= 1
        try #require(pwrite(file, &byte, 1, offset) == 1)
        futimens(file, [before.st_atim, before.st_mtim])
    }

    @Test(arguments: [("large", (5 << 20) - 1), ("large", 0), ("small", 2)])
    func `a file of the right size and time with other content is mended`(
        name: String, offset: Int
    ) async throws {
        let scene = try await Self.scene()
        try Self.flip(scene, "back/\(name)", at: offset)
        #expect(try await scene.retrieve().unchanged.contains(name))
        let came = try await scene.retrieve(comparingContent: true)
        #expect(came.fetched == [name])
        #expect(scene.bench.content("back/\(name)") == scene.bench.content("tree/\(name)"))
        #expect(try await scene.retrieve(comparingContent: true).fetched.isEmpty)
    }

    @Test func `of a file with the right content nothing is fetched, whatever its time`()
        async throws
    {
        let scene = try await Self.scene()
        let names = ["large", "none", "small"]
        for name in names {
            let path = scene.bench.path("back/\(name)")
            utimensat(AT_FDCWD, path, [timespec(), timespec(tv_sec: 9, tv_nsec: 5)], 0)
            chmod(path, 0o640)
        }
        let inodes = try names.map { try scene.status("back/\($0)").st_ino }
        let fetches = scene.server.calls(.fetch)
        let came = try await scene.retrieve(comparingContent: true)
        #expect(came.unchanged.sorted() == names && came.fetched.isEmpty)
        #expect(scene.server.calls(.fetch) == fetches + 1, "the manifest of several chunks")
        #expect(try names.map { try scene.status("back/\($0)").st_ino } == inodes)
        for name in names {
            let (back, tree) = (try scene.status("back/\(name)"), try scene.status("tree/\(name)"))
            #expect(FileTime(back.st_mtim) == FileTime(tree.st_mtim))
            #expect(back.st_mode == tree.st_mode)
        }
    }

    @Test func `what is longer or shorter is not read, and is fetched`() async throws {
        let scene = try await Self.scene()
        truncate(scene.bench.path("back/large"), 3 << 20)
        try scene.bench.file("back/none", [1])
        let came = try await scene.retrieve(comparingContent: true)
        #expect(came.fetched.sorted() == ["large", "none"] && came.unchanged == ["small"])
        #expect(scene.bench.content("back/large") == scene.bench.content("tree/large"))
    }

    /// Nobody writes to the pipe: whoever opens it waits for ever.
    @Test func `no link is followed and no pipe is opened`() async throws {
        let scene = try await Self.scene()
        for name in ["large", "small"] { unlink(scene.bench.path("back/\(name)")) }
        symlink(scene.path("small"), scene.bench.path("back/small"))
        mkfifo(scene.bench.path("back/large"), 0o600)
        let came = try await scene.retrieve(comparingContent: true)
        #expect(came.unchanged == ["none"] && came.failed.keys.sorted() == ["large"])
        #expect(came.fetched.sorted() == ["large", "small"])
        #expect(FileKind(mode: try scene.status("back/small").st_mode) == .file)
    }

    /// It may lie anywhere, and be somebody else's.
    @Test func `a file with other names keeps what it has, and another one takes its place`()
        async throws
    {
        let scene = try await Self.scene()
        link(scene.bench.path("back/small"), scene.bench.path("outside/small"))
        #expect(try await scene.retrieve(comparingContent: true).fetched.isEmpty)
        chmod(scene.bench.path("outside/small"), 0o604)
        #expect(try await scene.retrieve(comparingContent: true).fetched == ["small"])
        #expect(try scene.status("outside/small").st_mode & 0o777 == 0o604)
    }

    @Test func `a program of its owner's gets its time, and nothing else by way of its content`()
        async throws
    {
        let scene = try TreeScene()
        try scene.bench.file("tree/program", [1])
        chmod(scene.path("program"), 0o4755)
        _ = try await scene.deposit(["program"])
        _ = try await scene.retrieve()
        let path = scene.bench.path("back/program")
        utimensat(AT_FDCWD, path, [timespec(), timespec(tv_sec: 9, tv_nsec: 5)], 0)
        #expect(try await scene.retrieve(comparingContent: true).unchanged == ["program"])
        #expect(try scene.status("back/program").st_mtim.tv_sec != 9)
        chmod(path, 0o755)
        #expect(try await scene.retrieve(comparingContent: true).fetched == ["program"])
    }

    @Test func `names of one file are compared once`() async throws {
        let scene = try TreeScene()
        try scene.bench.file("tree/a", [1, 2, 3])
        link(scene.path("a"), scene.path("b"))
        _ = try await scene.deposit(["a", "b"])
        _ = try await scene.retrieve()
        let same = try await scene.retrieve(comparingContent: true)
        #expect(same.unchanged.sorted() == ["a", "b"] && same.fetched.isEmpty)
        try Self.flip(scene, "back/a", at: 1)
        let came = try await scene.retrieve(comparingContent: true)
        #expect(came.fetched == ["a"] && came.restored.keys.sorted() == ["b"])
        #expect(scene.bench.content("back/b") == [1, 2, 3])
    }
}
