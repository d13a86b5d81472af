import DepotCore
import Foundation
import NIOCore
import Testing

import struct SystemPackage.FilePath

@testable import DepotClient

/// What somebody has put where a tree is retrieved to: nothing outside is written to, and nothing is opened but files.
@Suite struct PlantedTargetTests {
    private struct Scene {
        let bench: Workbench
        let tree: FolderTree
        static let secret: [UInt8] = [9, 9, 9]

        init() throws {
            bench = try Workbench()
            for name in ["target", "outside"] { mkdir(bench.path(name), 0o755) }
            try bench.file("outside/victim", Self.secret)
            tree = FolderTree(root: bench.path("target"))
        }

        func write(_ path: String) throws(DepotError) {
            let sink = try FileSink(.entry(tree, path: FilePath(path)))
            try sink.write(ByteBuffer(bytes: [1, 2, 3]))
            try FileSink.finish([(sink, FileMetadata(mode: 0o644))])
        }
    }

    @Test(arguments: [
        "../outside/victim", "/outside/victim", "x/../../outside/victim", "..", "", ".",
    ])
    func `a path that leads out is refused`(_ path: String) throws {
        let scene = try Scene()
        #expect(throws: DepotError.self) { try scene.write(path) }
        #expect(scene.bench.content("outside/victim") == Scene.secret)
        #expect(
            try FileManager.default.subpathsOfDirectory(atPath: scene.bench.folder).sorted()
                == ["outside", "outside/victim", "target"])
    }

    @Test func `a link is replaced and not followed`() throws {
        let scene = try Scene()
        mkfifo(scene.bench.path("outside/pipe"), 0o600)
        for (name, target) in [("file", "../outside/victim"), ("pipe", "../outside/pipe")] {
            symlink(target, scene.bench.path("target/\(name)"))
            try scene.write(name)
            #expect(scene.bench.content("target/\(name)") == [1, 2, 3])
        }
        #expect(scene.bench.content("outside/victim") == Scene.secret)
    }

    @Test func `a link in place of a folder is refused`() throws {
        let scene = try Scene()
        symlink("../outside", scene.bench.path("target/folder"))
        try FileManager.default.createDirectory(
            atPath: scene.bench.path("target/deep"), withIntermediateDirectories: true)
        symlink("../../outside", scene.bench.path("target/deep/folder"))
        for path in ["folder/victim", "folder/new", "deep/folder/victim", "deep/folder/more/new"] {
            let error = #expect(throws: DepotError.self) { try scene.write(path) }
            #expect(error?.code == .invalidArgument, "\(path)")
        }
        #expect(
            try FileManager.default.subpathsOfDirectory(atPath: scene.bench.path("outside"))
                == ["victim"])
        #expect(scene.bench.content("outside/victim") == Scene.secret)
    }

    @Test(.timeLimit(.minutes(1)))
    func `a pipe, a device or a folder of a file's name is left alone`() throws {
        let scene = try Scene()
        var names = ["pipe", "folder"]
        mkfifo(scene.bench.path("target/pipe"), 0o600)
        mkdir(scene.bench.path("target/folder"), 0o700)
        // For root alone.
        if mknod(scene.bench.path("target/null"), S_IFCHR | 0o600, 259) == 0 {
            names.append("null")
        }
        for name in names {
            let before = scene.tree.kind(of: name)
            let error = #expect(throws: DepotError.self) { try scene.write(name) }
            #expect(error?.code == .invalidArgument)
            #expect(scene.tree.kind(of: name) == before)
        }
        try scene.write("file")
        #expect(scene.bench.content("target/file") == [1, 2, 3])
    }

    /// Their modes are not deposited: a folder of 0700 came back as 0755, with readable files in it.
    @Test func `folders that are made are for their owner alone`() throws {
        let scene = try Scene()
        let tree = FolderTree(root: scene.bench.path("new"))
        let sink = try FileSink(.entry(tree, path: "a/b/file"))
        try FileSink.finish([(sink, FileMetadata(mode: 0o644))])
        for name in ["new", "new/a", "new/a/b"] {
            var status = stat()
            #expect(stat(scene.bench.path(name), &status) == 0 && status.st_mode & 0o777 == 0o700)
        }
        #expect(tree.madeCount == 3)
    }
}

extension FolderTree {
    fileprivate func kind(of name: String) -> FileKind? {
        let found = try? folder(of: FilePath(name))
        return found?.0.status(FilePath(name)).map { FileKind(mode: $0.st_mode) }
    }
}
