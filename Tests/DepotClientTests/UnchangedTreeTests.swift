import DepotCore
import DepotWire
import Foundation
import Testing

@testable import DepotClient

/// What of a tree is not deposited again, because it is in the depot as it is.
@Suite struct UnchangedTreeTests {
    /// A tree that was deposited once.
    fileprivate struct Tree {
        let bench: Workbench
        let root: OpenFolder
        let cache: String

        init(names: [String] = ["t/a", "t/b"]) async throws {
            bench = try Workbench()
            cache = bench.path("cache")
            try FileManager.default.createDirectory(
                atPath: bench.path("t"), withIntermediateDirectories: true)
            for name in names { _ = try bench.file(name, Array(name.utf8)) }
            root = try OpenFolder(named: bench.folder)
            wait()
            let told = try await deposit()
            try #require(told.failures.isEmpty && told.cacheProblems.isEmpty)
        }

        /// Until each later change has another time. A change may be stamped by the finer clock, whose time the other one
        /// reaches a tick later, and more on a busy host.
        func wait() {
            var start = timespec()
            clock_gettime(CLOCK_REALTIME, &start)
            while true {
                let now = FileState.now
                if (now.tv_sec, now.tv_nsec) > (start.tv_sec, start.tv_nsec) { return }
                usleep(1_000)
            }
        }

        func terms(
            isReread: Bool = false, recheckShare: Double = 0, ageMin: Int = 0, prefix: String = "t"
        ) throws -> TreeTerms {
            TreeTerms(
                prefix: try FileName(prefix),
                cache: CachePlace(folder: cache, root: bench.folder, prefix: try FileName("t")),
                isReread: isReread, recheckShare: recheckShare, ageMin: ageMin)
        }

        func deposit(
            _ names: [String]? = nil, level: ReplicationLevel = .three, _ terms: TreeTerms? = nil
        ) async throws -> Workbench.Told {
            try await bench.deposit(
                sources(names ?? found()), level: level, tree: terms ?? self.terms())
        }

        /// In the order of the bytes of their names.
        private func found() throws -> [String] {
            let below = try FileManager.default.subpathsOfDirectory(atPath: bench.path("t"))
            return ["t"]
                + below.map { "t/\($0)" }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        }

        private func sources(_ names: [String]) throws -> [UploadSource] {
            try names.map { name in
                let origin: UploadSource.Origin =
                    switch root.kind(of: .init(name)) {
                    case .folder: .folder(root, path: .init(name))
                    case .link: .link(root, path: .init(name))
                    case .pipe, .socket, .device: .special(root, path: .init(name))
                    default: .entry(root, path: .init(name))
                    }
                return UploadSource(name: try FileName(name), origin: origin)
            }
        }

        /// Lets the depot and the cache say that a file has other content than it has.
        func plant(_ name: String) throws {
            let name = try FileName(name)
            let other = ManifestReference(
                inline: try ChunkReference(id: ChunkID(hashing: "other"), length: 3))
            let file = try CacheFile.open(path()) { _ in }
            let found = try #require(try file.page(after: nil).first { $0.name == name })
            try file.write([name: .init(state: found.entry.state, manifest: other.id)])
            bench.server.set { state in
                guard let known = state.files[name] else { return }
                state.files[name] = known.with(manifest: other)
            }
        }

        func path() throws -> String {
            let names = try FileManager.default.contentsOfDirectory(atPath: cache)
            return "\(cache)/\(try #require(names.first { $0.hasSuffix(".sqlite") }))"
        }
    }

    @Test func `nothing is deposited that is as it was`() async throws {
        let tree = try await Tree()
        #expect(Set(tree.bench.lastTold.names) == ["t", "t/a", "t/b"])
        let again = try await tree.deposit()
        #expect(again.names.isEmpty)
        #expect(again.unchanged == ["folder": 1, "file": 2])
        #expect(again.bytes == 6)
        #expect(again.cacheProblems.isEmpty)
        let all = try await tree.deposit(nil, tree.terms(isReread: true))
        #expect(Set(all.names) == ["t", "t/a", "t/b"])
        #expect(all.unchanged.isEmpty)
    }

    /// What the depot and the cache say of it is wrong, and nobody notices: so it was not read.
    @Test func `a file that is as it was is not read, but for a share`() async throws {
        let tree = try await Tree()
        try tree.plant("t/a")
        #expect(try await tree.deposit().names.isEmpty)
        let told = try await tree.deposit(nil, tree.terms(recheckShare: 1))
        #expect(told.changedUnseen == ["t/a"])
        #expect(told.names == ["t/a"])
        #expect(told.unchanged == ["folder": 1, "file": 1])
        #expect(try await tree.bench.retrieve("t/a") == Array("t/a".utf8))
        // The cache has learned it.
        let after = try await tree.deposit(nil, tree.terms(recheckShare: 1))
        #expect(after.names.isEmpty && after.changedUnseen.isEmpty)
        #expect(after.unchanged == ["folder": 1, "file": 2])
    }

    // MARK: What makes a file be deposited again

    enum Change: CaseIterable {
        case isRewritten, isRewrittenInSecret, isReplaced, hasAnotherMode, hasAnotherName
        case isGoneFromDepot, isOverwrittenInDepot, hasOtherMetadataInDepot, isForgotten

        fileprivate func make(_ tree: Tree) throws {
            let path = tree.bench.path("t/a")
            let name = try FileName("t/a")
            var before = stat()
            stat(path, &before)
            switch self {
            case .isRewritten: _ = try tree.bench.file("t/a", Array("abc".utf8))
            case .isRewrittenInSecret:
                let file = try #require(FileHandle(forUpdatingAtPath: path))
                file.write(Data("abc".utf8))
                try file.close()
                utimensat(AT_FDCWD, path, [before.st_atim, before.st_mtim], 0)
            case .isReplaced:
                _ = try tree.bench.file("new", Array("abc".utf8))
                utimensat(AT_FDCWD, tree.bench.path("new"), [before.st_atim, before.st_mtim], 0)
                rename(tree.bench.path("new"), path)
            case .hasAnotherMode: chmod(path, before.st_mode ^ 0o100)
            case .hasAnotherName: link(path, tree.bench.path("other"))
            case .isGoneFromDepot: tree.bench.server.set { $0.files[name] = nil }
            case .isOverwrittenInDepot:
                tree.bench.server.set { $0.files[name] = $0.files[name]?.with(manifest: .empty) }
            case .hasOtherMetadataInDepot:
                tree.bench.server.set { $0.files[name] = $0.files[name]?.with(FileMetadata()) }
            case .isForgotten:
                try CacheFile.open(tree.path()) { _ in }.write([name: nil])
            }
        }
    }

    @Test(arguments: Change.allCases)
    func `a file is deposited again where anything differs`(_ change: Change) async throws {
        let tree = try await Tree()
        try change.make(tree)
        let told = try await tree.deposit()
        // Replacing a file changes its folder.
        #expect(told.names.filter { $0 != "t" } == ["t/a"])
        #expect(told.changedUnseen.isEmpty)
        #expect(told.unchanged["file"] == 1)
    }

    /// A mark that all names share is made anew in each deposit.
    @Test func `names of one file are deposited together, each time`() async throws {
        let tree = try await Tree()
        link(tree.bench.path("t/a"), tree.bench.path("t/c"))
        for _ in 0..<2 {
            let told = try await tree.deposit()
            #expect(Set(told.names).isSuperset(of: ["t/a", "t/c"]))
            let marks = try ["t/a", "t/c"].map {
                tree.bench.server.files[try FileName($0)]?.metadata.hardLinks
            }
            #expect(marks[0] != nil && marks[0] == marks[1])
        }
    }

    @Test func `another level than a file has is deposited`() async throws {
        let tree = try await Tree()
        let told = try await tree.deposit(level: ReplicationLevel(2))
        #expect(Set(told.names) == ["t", "t/a", "t/b"])
    }

    @Test func `folders and links are deposited again where anything differs`() async throws {
        let tree = try await Tree(names: [])
        symlink("a", tree.bench.path("t/link"))
        _ = try await tree.deposit()
        #expect(try await tree.deposit().unchanged == ["folder": 1, "link": 1])
        unlink(tree.bench.path("t/link"))
        symlink("b", tree.bench.path("t/link"))
        #expect(try await tree.deposit().names == ["t", "t/link"])
        let name = try FileName("t")
        tree.bench.server.set { $0.files[name] = $0.files[name]?.with(FileMetadata()) }
        #expect(try await tree.deposit().names == ["t"])
    }

    @Test func `special files are compared as what they are, and never opened`() async throws {
        let tree = try await Tree(names: [])
        mkfifo(tree.bench.path("t/pipe"), 0o600)
        #expect(Set(try await tree.deposit().names) == ["t", "t/pipe"])
        #expect(try await tree.deposit().unchanged == ["folder": 1, "special": 1])
        chmod(tree.bench.path("t/pipe"), 0o640)
        #expect(try await tree.deposit().names == ["t/pipe"])
        let name = try FileName("t/pipe")
        tree.bench.server.set { state in
            state.files[name] = state.files[name].map { file in
                var metadata = file.metadata
                metadata.kind = .special(.socket)
                return file.with(metadata)
            }
        }
        #expect(try await tree.deposit().names == ["t/pipe"])
    }

    /// A file may change again within a tick of its file system's clock, and look as before.
    @Test func `a file that was young when it was read is read again`() async throws {
        let tree = try await Tree(names: [])
        _ = try tree.bench.file("t/young", [1])
        _ = try await tree.deposit(nil, tree.terms(ageMin: TreeTerms.ageUsual))
        #expect(try await tree.deposit().names == ["t/young"])
        #expect(try await tree.deposit().names.isEmpty)
    }

    @Test func `a file with too few copies is read again`() async throws {
        let tree = try await Tree(names: [])
        _ = try tree.bench.file("t/few", [1])
        tree.wait()
        tree.bench.server.set { $0.copies = 2 }
        #expect(try await tree.deposit().names == ["t", "t/few"])
        tree.bench.server.set { $0.copies = 3 }
        #expect(try await tree.deposit().names == ["t/few"])
        #expect(try await tree.deposit().names.isEmpty)
    }

    @Test func `names that come in another order are deposited`() async throws {
        let tree = try await Tree()
        let told = try await tree.deposit(["t/b", "t/a", "t"])
        #expect(Set(told.names) == ["t", "t/a"])
        #expect(told.failures.isEmpty)
    }

    /// What others have between these names is jumped over.
    @Test(arguments: [1, 2, 5, 100])
    func `a tree is compared with a list of many pages`(_ pageMax: Int) async throws {
        let names = (10..<40).map { "t/\($0)" }
        let tree = try await Tree(names: names)
        let others = try (0..<500).map { try FileName("t/2\($0 % 10)/other/\($0)") }
        tree.bench.server.set { state in
            guard let any = state.files.first?.value else { return }
            for name in others { state.files[name] = any }
            state.files = state.files.reduce(into: [:]) { $0[$1.key] = $1.value.named($1.key) }
            state.pageMax = pageMax
        }
        let before = tree.bench.server.calls(.files)
        #expect(try await tree.deposit().unchanged == ["folder": 1, "file": 30])
        #expect(tree.bench.server.calls(.files) - before <= 32)
        for name in ["t/10", "t/23", "t/39"] { _ = try tree.bench.file(name, [7]) }
        tree.wait()
        #expect(try await Set(tree.deposit().names).subtracting(["t"]) == ["t/10", "t/23", "t/39"])
        #expect(try await tree.deposit().names.isEmpty)
    }

    @Test func `a depot that lists nothing ends the deposit, and what was deposited is remembered`()
        async throws
    {
        let tree = try await Tree(names: [])
        let names = (1..<4).map { "t/\($0)" }
        for name in names { _ = try tree.bench.file(name, [1]) }
        tree.wait()
        let before = tree.bench.server.calls(.files)
        tree.bench.server.set { $0.faults[.files] = [before + 1: .internalError] }
        await #expect(throws: DepotError.self) { try await tree.deposit() }
        #expect(try await Set(tree.deposit().names) == Set(["t"] + names))
        #expect(try await tree.deposit().names.isEmpty)
    }

    // MARK: The cache

    enum Loss: CaseIterable {
        case isDeleted, isGarbage, isEmpty, isForeign, isNewer, isOpenToOthers, isNoFolder, isInUse
        case isOfNoCluster

        /// What is told; nothing where it is usual.
        var word: String? {
            switch self {
            case .isDeleted, .isEmpty: nil
            case .isGarbage: "was damaged"
            case .isForeign, .isNewer: "one of a newer depot"
            case .isOpenToOthers: "others may write"
            case .isNoFolder: "is not used"
            case .isInUse: "another deposit"
            case .isOfNoCluster: "older than this client"
            }
        }

        /// Whether the next deposit finds it in use again.
        var isRepaired: Bool { [.isDeleted, .isGarbage, .isEmpty, .isInUse].contains(self) }

        fileprivate func make(_ tree: Tree) throws -> CacheFile? {
            let path = try tree.path()
            switch self {
            case .isDeleted: unlink(path)
            case .isGarbage: try Data(noise(20_000)).write(to: URL(fileURLWithPath: path))
            case .isEmpty: truncate(path, 0)
            case .isForeign: try Self.change(path, at: 68)
            case .isNewer: try Self.change(path, at: 60)
            case .isOpenToOthers: chmod(tree.cache, 0o777)
            case .isNoFolder:
                try FileManager.default.removeItem(atPath: tree.cache)
                try Data().write(to: URL(fileURLWithPath: tree.cache))
            case .isInUse: return try CacheFile.open(path) { _ in }
            case .isOfNoCluster: tree.bench.server.set { $0.cluster = nil }
            }
            return nil
        }

        /// Numbers of SQLite's header are big-endian.
        private static func change(_ path: String, at offset: UInt64) throws {
            let file = try #require(FileHandle(forUpdatingAtPath: path))
            file.seek(toFileOffset: offset)
            file.write(Data([0, 0, 0, 9]))
            try file.close()
        }
    }

    @Test(arguments: Loss.allCases)
    func `without its cache a deposit reads everything, and says why once`(
        _ loss: Loss
    ) async throws {
        let tree = try await Tree()
        do {
            let held = try loss.make(tree)
            let told = try await tree.deposit()
            #expect(told.names == ["t/a", "t/b"])
            #expect(told.failures.isEmpty)
            #expect(told.cacheProblems.count == (loss.word == nil ? 0 : 1))
            if let word = loss.word { #expect(told.cacheProblems.first?.contains(word) == true) }
            withExtendedLifetime(held) {}
        }
        #expect(try await tree.deposit().names.isEmpty == loss.isRepaired)
    }

    @Test func `nobody else can read the cache`() async throws {
        let tree = try await Tree()
        var status = stat()
        #expect(stat(tree.cache, &status) == 0 && status.st_mode & 0o777 == 0o700)
        #expect(stat(try tree.path(), &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    @Test func `what a tree has no more is forgotten`() async throws {
        let tree = try await Tree(names: ["t/a", "t/b", "t/c", "t/d"])
        for name in ["t/a", "t/c", "t/d"] { unlink(tree.bench.path(name)) }
        _ = try await tree.deposit()
        let left = try CacheFile.open(tree.path()) { _ in }.page(after: nil)
        #expect(left.map(\.name.text) == ["t/b"])
    }
}

extension FileBody {
    fileprivate func named(_ name: FileName) -> FileBody {
        FileBody(
            FileEntry(
                name: name, sequence: sequence, manifest: manifest, size: size, level: level,
                metadata: metadata, time: time))
    }

    fileprivate func with(
        _ metadata: FileMetadata? = nil, manifest: ManifestReference? = nil
    ) -> FileBody {
        FileBody(
            FileEntry(
                name: name, sequence: sequence, manifest: manifest ?? self.manifest, size: size,
                level: level, metadata: metadata ?? self.metadata, time: time))
    }
}
