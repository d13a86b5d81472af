import DepotClient
import DepotCore
import Foundation
import Testing

import struct SystemPackage.FilePath

/// Between the listing of a folder and the opening of a file in it a link took the file's place, and the secret that it
/// led to was deposited; a pipe held up everything.
@Suite struct ReplacedSourceTests {
    enum Replacement: CaseIterable {
        case link, linkInTheTree, pipe, folder, linkedFolder, nothing

        /// Puts it where `tree/in/b` was.
        func take(placeIn bench: Workbench) {
            let (folder, file) = (bench.path("tree/in"), bench.path("tree/in/b"))
            if self == .linkedFolder {
                rename(folder, bench.path("was"))
                symlink(bench.path("secret"), folder)
                return
            }
            unlink(file)
            switch self {
            case .link: symlink(bench.path("secret/b"), file)
            case .linkInTheTree: symlink("c", file)
            case .pipe: mkfifo(file, 0o600)
            case .folder: mkdir(file, 0o700)
            case .linkedFolder, .nothing: break
            }
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: Replacement.allCases)
    func `what took a file's place is told, and not read`(_ replacement: Replacement) async throws {
        let bench = try Workbench()
        for name in ["tree/in", "secret"] {
            try FileManager.default.createDirectory(
                atPath: bench.path(name), withIntermediateDirectories: true)
        }
        let contents = [
            "tree/a": noise(9 << 20), "tree/in/b": [1], "tree/in/c": [2], "secret/b": [3],
        ]
        for (name, bytes) in contents { try bench.file(name, bytes) }
        let tree = try OpenFolder(named: bench.path("tree"))
        let sources = try ["a", "in/b", "in/c"].map {
            UploadSource(name: try FileName($0), origin: .entry(tree, path: FilePath($0)))
        }
        replacement.take(placeIn: bench)
        let told = try await bench.deposit(sources)
        let isWholeFolder = replacement == .linkedFolder
        #expect(told.names == (isWholeFolder ? ["a"] : ["a", "in/c"]))
        #expect(told.failures.map(\.name) == (isWholeFolder ? ["in/b", "in/c"] : ["in/b"]))
        let code = told.failures.first?.error.code
        #expect(code == (replacement == .nothing ? .notFound : .conflict))
    }

    /// A file there would be deposited without its content.
    @Test(.timeLimit(.minutes(1)), arguments: Replacement.allCases.filter { $0 != .pipe })
    func `what took a pipe's place is told, and is not taken for one`(
        _ replacement: Replacement
    ) async throws {
        let bench = try Workbench()
        for name in ["tree/in", "secret"] {
            try FileManager.default.createDirectory(
                atPath: bench.path(name), withIntermediateDirectories: true)
        }
        mkfifo(bench.path("tree/in/b"), 0o600)
        mkfifo(bench.path("secret/b"), 0o600)
        let tree = try OpenFolder(named: bench.path("tree"))
        let source = UploadSource(
            name: try FileName("in/b"), origin: .special(tree, path: FilePath("in/b")))
        replacement.take(placeIn: bench)
        let told = try await bench.deposit([source])
        #expect(told.names.isEmpty && told.failures.map(\.name) == ["in/b"])
        let code = told.failures.first?.error.code
        #expect(code == (replacement == .nothing ? .notFound : .conflict))
    }

    @Test func `what the user names may be a link or a pipe`() async throws {
        let bench = try Workbench()
        try bench.file("file", noise(1_000))
        symlink("file", bench.path("link"))
        mkfifo(bench.path("pipe"), 0o600)
        let pipe = bench.path("pipe")
        Thread.detachNewThread {
            let writer = FileHandle(forWritingAtPath: pipe)
            writer?.write(Data(noise(2_000)))
            try? writer?.close()
        }
        let told = try await bench.deposit([try bench.source("link"), try bench.source("pipe")])
        #expect(told.receipts.map(\.size) == [1_000, 2_000])
    }
}
