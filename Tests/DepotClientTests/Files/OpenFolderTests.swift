import DepotCore
import Foundation
import Testing

import struct SystemPackage.FilePath

@testable import DepotClient

/// A path below a folder is found without following links, by one call of the kernel's or, where it has none, part by
/// part.
@Suite struct OpenFolderTests {
    private struct Scene {
        let bench: Workbench
        let folder: OpenFolder

        /// `tree/in/file`, and beside `tree` what nobody may reach from it.
        init(_ way: OpenFolder.Way) throws {
            bench = try Workbench()
            let files = FileManager.default
            for name in ["tree/in", "secret"] {
                try files.createDirectory(
                    atPath: bench.path(name), withIntermediateDirectories: true)
            }
            for name in ["tree/in/file", "secret/file"] { try bench.file(name, Array(name.utf8)) }
            let links = [
                ("out", "../secret"), ("absolute", bench.path("secret")), ("inside", "in"),
                ("to-file", "in/file"), ("nowhere", "nothing"),
            ]
            for (name, target) in links {
                try files.createSymbolicLink(
                    atPath: bench.path("tree/\(name)"), withDestinationPath: target)
            }
            folder = try OpenFolder(named: bench.path("tree"), way: way)
        }

        func open(_ path: String, _ flags: Int32 = O_RDONLY) -> Int32 {
            let found = folder.open(FilePath(path), flags, mode: 0o600)
            if found >= 0 { close(found) }
            return found < 0 ? errno : 0
        }
    }

    private static let ways = [OpenFolder.Way.atOnce, .partByPart]

    @Test(arguments: ways)
    func `what is below is opened`(_ way: OpenFolder.Way) throws {
        let scene = try Scene(way)
        for path in ["", "in", "in/file"] { #expect(scene.open(path) == 0, "\(path)") }
        #expect(scene.open("in/missing") == ENOENT)
        #expect(scene.open("in/new", O_WRONLY | O_CREAT | O_EXCL) == 0)
        #expect(scene.bench.content("tree/in/new") == [])
    }

    @Test(arguments: ways)
    func `links are never followed, and nothing leads out`(_ way: OpenFolder.Way) throws {
        let scene = try Scene(way)
        let paths = [
            "out", "out/file", "absolute", "absolute/file", "inside", "inside/file", "to-file",
            "nowhere", "..", "../secret", "../secret/file", "in/../../secret/file",
            scene.bench.path("secret/file"),
        ]
        for path in paths {
            let code = scene.open(path)
            #expect([ELOOP, ENOTDIR, EXDEV].contains(code), "\(path): \(code)")
            let creating = scene.open(path, O_WRONLY | O_CREAT)
            #expect([ELOOP, ENOTDIR, EXDEV, EISDIR].contains(creating), "\(path): \(creating)")
        }
        #expect(scene.bench.content("secret/file") == Array("secret/file".utf8))
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: scene.bench.path("secret")) == [
                "file"
            ])
    }
}
