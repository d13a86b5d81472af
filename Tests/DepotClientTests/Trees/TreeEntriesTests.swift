import CLinux
import DepotCore
import DepotWire
import Foundation
import Testing

import struct SystemPackage.FilePath

@testable import DepotClient

/// Links, folders, further names, owners, attributes and holes of a tree come back as they were, and nothing outside of
/// the target is touched, whatever is listed or lies there.
@Suite struct TreeEntriesTests {
    @Test func `folders, links and times come back, to the nanosecond`() async throws {
        let scene = try TreeScene()
        try scene.bench.file("tree/file", [1, 2, 3])
        #expect(mkdir(scene.path("empty"), 0o755) == 0 && chmod(scene.path("empty"), 0o2751) == 0)
        #expect(symlink("../outside/there", scene.path("link")) == 0)
        for (name, seconds) in [("file", -631_152_000), ("link", 1), ("empty", 4_000_000_000)] {
            let time = timespec(tv_sec: seconds, tv_nsec: 123_456_789)
            #expect(
                utimensat(AT_FDCWD, scene.path(name), [time, time], AT_SYMLINK_NOFOLLOW) == 0)
        }
        let told = try await scene.deposit(["empty", "file", "link"])
        #expect(told.failures.isEmpty && told.warnings.isEmpty)
        let came = try await scene.retrieve()
        #expect(came.failed.isEmpty && came.fetched == ["file"])
        for name in ["file", "link", "empty"] {
            let (was, is_) = (try scene.status("tree/\(name)"), try scene.status("back/\(name)"))
            #expect(was.st_mode == is_.st_mode, "\(name)")
            #expect(FileTime(was.st_mtim) == FileTime(is_.st_mtim), "\(name)")
        }
        let target = try FileManager.default.destinationOfSymbolicLink(
            atPath: scene.bench.path("back/link"))
        #expect(target == "../outside/there")
    }

    @Test func `names of one file are names of one file again`() async throws {
        let scene = try TreeScene()
        mkdir(scene.path("in"), 0o755)
        try scene.bench.file("tree/b", [1, 2, 3])
        try scene.bench.file("tree/other", [1, 2, 3])
        for name in ["a", "in/c"] { #expect(link(scene.path("b"), scene.path(name)) == 0) }
        _ = try await scene.deposit(["a", "b", "in", "in/c", "other"])
        let came = try await scene.retrieve()
        // Once fetched, linked again.
        #expect(came.failed.isEmpty && came.fetched == ["a", "other"])
        let inodes = try ["a", "b", "in/c"].map { try scene.status("back/\($0)").st_ino }
        #expect(Set(inodes).count == 1)
        #expect(try scene.status("back/other").st_nlink == 1)
        // Run again, nothing is done; one that was made a file of its own is a name again.
        unlink(scene.bench.path("back/in/c"))
        try scene.bench.file("back/in/c", [1, 2, 3])
        let again = try await scene.retrieve()
        #expect(again.fetched.isEmpty && again.restored["in/c"] != nil)
        #expect(try scene.status("back/in/c").st_ino == inodes[0])
    }

    /// Otherwise a stale file of the first name's would be given to the others.
    @Test func `a further name waits for the first, and is fetched where that fails`() async throws
    {
        let scene = try TreeScene()
        try scene.bench.file("tree/a", [1, 2, 3])
        #expect(link(scene.path("a"), scene.path("b")) == 0)
        _ = try await scene.deposit(["a", "b"])
        // Of the same length as the content that does not come.
        mkdir(scene.bench.path("back"), 0o755)
        try scene.bench.file("back/a", [9, 9, 9])
        scene.server.set { $0.absent = { _ in true } }
        let came = try await scene.retrieve()
        #expect(came.failed.keys.sorted() == ["a", "b"] && came.fetched == ["a", "b"])
        #expect(scene.bench.content("back/b") == nil)
        scene.server.set { $0.absent = { _ in false } }
        #expect(try await scene.retrieve().fetched == ["a"])
        #expect(scene.bench.content("back/b") == [1, 2, 3])
    }

    @Test func `holes stay holes, and what is said to be one and is none is written`() async throws
    {
        let scene = try TreeScene()
        let opened = open(scene.path("sparse"), O_RDWR | O_CREAT, 0o644)
        let data = noise(70_000)
        #expect(pwrite(opened, data, data.count, 8 << 20) == data.count)
        #expect(ftruncate(opened, 20 << 20) == 0)
        close(opened)
        guard try scene.status("tree/sparse").st_blocks < 1_000 else { return }
        _ = try await scene.deposit(["sparse"])
        let file = try #require(scene.server.files[FileName("t/sparse")])
        #expect(file.metadata.holes?.ranges.count == 2)
        _ = try await scene.retrieve()
        let came = try scene.status("back/sparse")
        #expect(came.st_size == 20 << 20 && came.st_blocks < 1_000)
        #expect(scene.bench.content("back/sparse") == scene.bench.content("tree/sparse"))

        let target = open(scene.bench.path("lie"), O_RDWR | O_CREAT, 0o644)
        defer { close(target) }
        let output = SparseOutput(to: target, try Holes([0..<100, 150..<300]))
        let bytes = noise(250)
        #expect(bytes.withUnsafeBytes(output.write) && output.finish())
        #expect(scene.bench.content("lie") == bytes)
    }

    @Test func `attributes of users and access lists come back, others where they are asked for`()
        async throws
    {
        let scene = try TreeScene()
        try scene.bench.file("tree/file", [1])
        mkdir(scene.path("folder"), 0o755)
        let value: [UInt8] = [0, 1, 2, 255]
        guard setxattr(scene.path("file"), "user.note", value, value.count, 0) == 0 else { return }
        // Version 2: owner rw-, user 33 rw-, group r--, mask rw-, others r--.
        var list: [UInt8] = [2, 0, 0, 0]
        for (tag, rights, number) in [(1, 6, -1), (2, 6, 33), (4, 4, -1), (16, 6, -1), (32, 4, -1)]
        {
            list += [UInt8(tag), 0, UInt8(rights), 0]
            list += withUnsafeBytes(of: Int32(number)) { Array($0) }
        }
        for (name, attribute) in [("file", "access"), ("folder", "default")] {
            #expect(
                setxattr(
                    scene.path(name), "system.posix_acl_\(attribute)", list, list.count, 0) == 0)
        }
        _ = try await scene.deposit(["file", "folder"])
        mkdir(scene.bench.path("back"), 0o755)
        mkdir(scene.bench.path("back/folder"), 0o755)
        setxattr(scene.bench.path("back/folder"), "user.stale", value, value.count, 0)
        let came = try await scene.retrieve()
        #expect(came.restored == ["folder": []] && came.failed.isEmpty)
        for (name, attributes) in [
            ("file", ["system.posix_acl_access", "user.note"]),
            ("folder", ["system.posix_acl_default"]),
        ] {
            let opened = open(scene.bench.path("back/\(name)"), O_RDONLY)
            defer { close(opened) }
            guard case .found(let names) = AttributeList.names(of: opened) else {
                Issue.record("no list of \(name)")
                continue
            }
            #expect(names.sorted() == attributes)
            if name == "file" {
                #expect(AttributeList.value(of: "user.note", opened) == value)
                #expect(AttributeList.value(of: "system.posix_acl_access", opened) == list)
            }
        }
    }

    /// Its default list would let others in, whatever the file's mode says.
    @Test func `a file gets no access list from the folder it is put into`() async throws {
        let scene = try TreeScene()
        try scene.bench.file("tree/file", [1])
        #expect(chmod(scene.path("file"), 0o640) == 0)
        _ = try await scene.deposit(["file"])
        mkdir(scene.bench.path("back"), 0o755)
        var list: [UInt8] = [2, 0, 0, 0]
        for (tag, number) in [(1, -1), (2, 33), (4, -1), (16, -1), (32, -1)] {
            list += [UInt8(tag), 0, 7, 0] + withUnsafeBytes(of: Int32(number)) { Array($0) }
        }
        guard
            setxattr(
                scene.bench.path("back"), "system.posix_acl_default", list, list.count, 0) == 0
        else { return }
        _ = try await scene.retrieve()
        let opened = open(scene.bench.path("back/file"), O_RDONLY)
        defer { close(opened) }
        #expect(AttributeList.value(of: "system.posix_acl_access", opened) == nil)
        #expect(try scene.status("back/file").st_mode & 0o777 == 0o640)
    }

    // MARK: What is there already

    @Test func `only what differs in size or time is fetched`() async throws {
        let scene = try TreeScene()
        for name in ["a", "b", "c", "d"] { try scene.bench.file("tree/\(name)", Array(name.utf8)) }
        _ = try await scene.deposit(["a", "b", "c", "d"])
        #expect(try await scene.retrieve().fetched.count == 4)
        try scene.bench.file("back/a", [1, 2])
        utimes(scene.bench.path("back/b"), nil)
        chmod(scene.bench.path("back/c"), 0o600)
        let came = try await scene.retrieve()
        #expect(came.fetched == ["a", "b"] && came.unchanged == ["c", "d"])
        #expect(scene.bench.content("back/a") == Array("a".utf8))
        #expect(try scene.status("back/c").st_mode == scene.status("tree/c").st_mode)
        #expect(try await scene.retrieve(overwriting: .always).fetched.count == 4)
    }

    @Test func `what is not to be replaced is kept`() async throws {
        let scene = try TreeScene()
        for name in ["new", "old"] { try scene.bench.file("tree/\(name)", [1]) }
        #expect(symlink("x", scene.path("link")) == 0)
        _ = try await scene.deposit(["link", "new", "old"])
        mkdir(scene.bench.path("back"), 0o755)
        for name in ["new", "old", "link"] { try scene.bench.file("back/\(name)", [9, 9]) }
        let past = timeval(tv_sec: 1_000, tv_usec: 0)
        utimes(scene.bench.path("back/new"), [past, past])
        let newer = try await scene.retrieve(overwriting: .ifNewer)
        #expect(newer.fetched == ["new"] && newer.kept.sorted() == ["link", "old"])
        #expect(scene.bench.content("back/old") == [9, 9])
        let never = try await scene.retrieve(overwriting: .never)
        #expect(never.fetched.isEmpty && never.kept.count == 3)
        let changed = try await scene.retrieve()
        #expect(changed.fetched == ["old"] && changed.restored["link"] != nil)
    }

    @Test func `a folder that its owner may not write to is filled, and closed again`() async throws
    {
        let scene = try TreeScene()
        mkdir(scene.path("closed"), 0o755)
        try scene.bench.file("tree/closed/file", [1])
        #expect(chmod(scene.path("closed"), 0o500) == 0)
        _ = try await scene.deposit(["closed", "closed/file"])
        _ = try await scene.retrieve()
        unlink(scene.bench.path("back/closed/file"))
        let came = try await scene.retrieve()
        #expect(came.failed.isEmpty && came.fetched == ["closed/file"])
        let (was, is_) = (try scene.status("tree/closed"), try scene.status("back/closed"))
        #expect(was.st_mode == is_.st_mode)
        #expect(FileTime(was.st_mtim) == FileTime(is_.st_mtim))
    }

    /// A long tree is finished part by part.
    @Test func `a folder is complete when nothing of it is still to come`() throws {
        let scene = try TreeScene()
        let folders = FolderTree(root: scene.bench.path("back"))
        let entries = TreeEntries(
            folders, overwriting: .ifChanged, attributes: FileAttributes())
        let names = ["a", "a/b", "a/b/c", "a.d", "e"]
        let listed = try names.sorted().map { name in
            TreeEntries.Entry(
                try TreeScene.listed(name, .folder(mode: 0o711)), at: FilePath(name))
        }
        #expect(entries.take(listed).isEmpty)
        func finished(before next: String?) throws -> [String] {
            try entries.finishFolders(before: next.map { try FileName("t/\($0)") }).map { outcome in
                guard case .restored(let file, _) = outcome else { return "?" }
                return String(file.name.text.dropFirst(2))
            }
        }
        #expect(try finished(before: "a") == [])
        #expect(try finished(before: "a.d/x") == [])
        #expect(try finished(before: "a/b/c0") == ["a/b/c", "a.d"])
        #expect(try finished(before: "a/c") == ["a/b"])
        #expect(try finished(before: nil) == ["e", "a"])
    }

    /// Somebody gave one of the names another content since, in the same second.
    @Test func `names with other contents are no names of one file`() async throws {
        let scene = try TreeScene()
        try scene.bench.file("tree/a", [1, 2, 3])
        #expect(link(scene.path("a"), scene.path("b")) == 0)
        _ = try await scene.deposit(["a", "b"])
        try scene.bench.file("tree/c", [4, 5, 6])
        _ = try await scene.deposit(["c"])
        let (a, c) = (
            try #require(scene.server.files[FileName("t/a")]),
            try #require(scene.server.files[FileName("t/c")])
        )
        var metadata = c.metadata
        metadata.hardLinks = a.metadata.hardLinks
        let other = FileBody(
            FileEntry(
                name: c.name, sequence: c.sequence, manifest: c.manifest, size: c.size,
                level: c.level, metadata: metadata, time: c.time))
        let came = try await scene.retrieve(listed: [a, other])
        #expect(came.fetched == ["a", "c"] && scene.bench.content("back/c") == [4, 5, 6])
    }

    /// Nobody has read what lies there: it would become a program with its owner's rights, or a file elsewhere would.
    @Test func `what is taken for the same gets no rights, and nothing through its other names`()
        async throws
    {
        let scene = try TreeScene()
        for name in ["program", "shared"] { try scene.bench.file("tree/\(name)", [1, 2, 3]) }
        #expect(
            chmod(scene.path("program"), 0o4755) == 0 && chmod(scene.path("shared"), 0o600) == 0)
        _ = try await scene.deposit(["program", "shared"])
        mkdir(scene.bench.path("back"), 0o755)
        try scene.bench.file("back/program", [6, 6, 6])
        try scene.bench.file("outside/mine", [6, 6, 6])
        #expect(link(scene.bench.path("outside/mine"), scene.bench.path("back/shared")) == 0)
        for name in ["program", "shared"] {
            let time = try scene.status("tree/\(name)").st_mtim
            utimensat(AT_FDCWD, scene.bench.path("back/\(name)"), [time, time], 0)
        }
        let before = try scene.status("outside/mine")
        let came = try await scene.retrieve()
        #expect(came.fetched == ["program", "shared"] && came.failed.isEmpty)
        #expect(scene.bench.content("back/program") == [1, 2, 3])
        #expect(scene.bench.content("outside/mine") == [6, 6, 6])
        #expect(try scene.status("outside/mine").st_mode == before.st_mode)
    }

    /// The mask of a list stands where the group's rights are.
    @Test func `without its access list a file gives its group nothing more`() async throws {
        let scene = try TreeScene()
        try scene.bench.file("tree/file", [1])
        var list: [UInt8] = [2, 0, 0, 0]
        for (tag, rights, number) in [(1, 6, -1), (2, 6, 33), (4, 0, -1), (16, 6, -1), (32, 0, -1)]
        {
            list += [UInt8(tag), 0, UInt8(rights), 0]
            list += withUnsafeBytes(of: Int32(number)) { Array($0) }
        }
        guard
            setxattr(scene.path("file"), "system.posix_acl_access", list, list.count, 0) == 0
        else { return }
        _ = try await scene.deposit(["file"])
        let refusing = FileAttributes(setAttribute: { _, _, _ in ENOTSUP })
        let opened = open(scene.bench.path("mine"), O_RDWR | O_CREAT, 0o600)
        defer { close(opened) }
        let metadata = try #require(scene.server.files[FileName("t/file")]).metadata
        #expect(refusing.restore(metadata, to: opened) == [.attributes(ENOTSUP)])
        #expect(try scene.status("mine").st_mode & 0o777 == 0o600)
        #expect(AttributeList.groupRights(of: list) == 0)
        #expect(AttributeList.groupRights(of: Array(list.prefix(15))) == 0)
    }

    /// A file of each of the first two names has the mark of the other.
    @Test func `a name is linked to the first one's file, and to no other`() async throws {
        let scene = try TreeScene()
        try scene.bench.file("tree/a", [1, 2, 3])
        #expect(link(scene.path("a"), scene.path("c")) == 0)
        try scene.bench.file("tree/b", [4, 5, 6])
        _ = try await scene.deposit(["a", "b", "c"])
        let files = try ["a", "b", "c"].map { name in
            try #require(scene.server.files[FileName("t/\(name)")])
        }
        var metadata = files[1].metadata
        metadata.hardLinks = files[0].metadata.hardLinks
        let marked = FileBody(
            FileEntry(
                name: files[1].name, sequence: files[1].sequence, manifest: files[1].manifest,
                size: files[1].size, level: .three, metadata: metadata, time: 0))
        mkdir(scene.bench.path("back"), 0o755)
        try scene.bench.file("back/a", [9, 9, 9])
        let chunk = try #require(files[0].manifest.chunk?.id)
        scene.server.set { $0.absent = { $0 == chunk } }
        let came = try await scene.retrieve(listed: [files[0], marked, files[2]])
        #expect(came.failed.keys.sorted() == ["a", "c"])
        #expect(scene.bench.content("back/c") == nil)
        #expect(scene.bench.content("back/b") == [4, 5, 6])
    }

    // MARK: Pipes, sockets and devices

    @Test func `a pipe and a socket come back, and are not opened`() async throws {
        let scene = try TreeScene()
        mkfifo(scene.path("pipe"), 0o640)
        mknod(scene.path("socket"), S_IFSOCK | 0o600, 0)
        utimensat(AT_FDCWD, scene.path("pipe"), [timespec(), timespec(tv_sec: 9, tv_nsec: 5)], 0)
        _ = try await scene.deposit(["pipe", "socket"])
        let listed = scene.server.files.values.map(\.metadata.kind)
        #expect(Set(listed) == [.special(.fifo), .special(.socket)])
        let came = try await scene.retrieve()
        #expect(came.restored == ["pipe": [], "socket": []])
        let pipe = try scene.status("back/pipe")
        #expect(SpecialFile(pipe) == .fifo && pipe.st_mode & 0o7777 == 0o640)
        #expect(pipe.st_mtim.tv_sec == 9 && pipe.st_mtim.tv_nsec == 5)
        #expect(SpecialFile(try scene.status("back/socket")) == .socket)
        // One that is as it was stays, so that who serves it is found.
        #expect(try await scene.retrieve().unchanged.sorted() == ["pipe", "socket"])
        chmod(scene.bench.path("back/pipe"), 0o777)
        #expect(try await scene.retrieve().unchanged.sorted() == ["pipe", "socket"])
        let again = try scene.status("back/pipe")
        #expect(again.st_ino == pipe.st_ino && again.st_mode & 0o7777 == 0o640)
        // Nothing is done to what has other names, which may lie anywhere.
        link(scene.bench.path("back/pipe"), scene.bench.path("outside/pipe"))
        chmod(scene.bench.path("outside/pipe"), 0o604)
        #expect(try await scene.retrieve().restored == ["pipe": []])
        #expect(try scene.status("outside/pipe").st_mode & 0o7777 == 0o604)
        #expect(try scene.status("back/pipe").st_ino != pipe.st_ino)
    }

    @Test func `a special file takes the place of a file or a link, and of nothing else`()
        async throws
    {
        let scene = try TreeScene()
        mkdir(scene.bench.path("back"), 0o755)
        mkdir(scene.bench.path("back/folder"), 0o755)
        try scene.bench.file("back/file", [5])
        symlink(scene.bench.path("outside"), scene.bench.path("back/link"))
        mkfifo(scene.bench.path("back/pipe"), 0o600)
        let listed = try ["file", "folder", "link", "pipe"].map {
            try TreeScene.listed($0, .special(.socket))
        }
        let kept = try await scene.retrieve(overwriting: .never, listed: listed)
        #expect(kept.kept.sorted() == ["file", "folder", "link", "pipe"])
        let came = try await scene.retrieve(listed: listed)
        #expect(came.failed.keys.sorted() == ["folder", "pipe"])
        #expect(came.restored.keys.sorted() == ["file", "link"])
        #expect(SpecialFile(try scene.status("back/link")) == .socket)
        let outside = scene.bench.path("outside")
        #expect(try FileManager.default.contentsOfDirectory(atPath: outside).isEmpty)
    }

    /// An ordinary user may make no devices.
    @Test func `a device comes back for root, and is told to others`() async throws {
        let scene = try TreeScene()
        let number = try #require(DeviceNumber(major: 1, minor: 3))
        let listed = [try TreeScene.listed("null", .special(.character(number)))]
        let came = try await scene.retrieve(listed: listed)
        if came.leftOut.isEmpty {
            #expect(came.restored.keys.sorted() == ["null"])
            #expect(SpecialFile(try scene.status("back/null")) == .character(number))
            #expect(try await scene.retrieve(listed: listed).unchanged == ["null"])
        } else {
            #expect(came.leftOut == ["null": .specialLeft(isDevice: true, EPERM)])
            let left = try FileManager.default.contentsOfDirectory(atPath: scene.bench.path("back"))
            #expect(left.isEmpty)
        }
    }

    // MARK: Hostile lists

    /// A depot that lists a link, and a file below it.
    @Test func `nothing is written through a link that came from the depot`() async throws {
        let scene = try TreeScene()
        let outside = scene.bench.path("outside")
        try scene.bench.file("outside/victim", [7])
        chmod(outside, 0o700)
        let listed = [
            try TreeScene.listed("a", .link(to: outside)),
            try TreeScene.listed("a/new", .link(to: "x")),
            try TreeScene.listed("a/sub", .folder(mode: 0o777)),
            try TreeScene.listed("a/victim"),
            try TreeScene.listed("b", .link(to: "..")),
            try TreeScene.listed("b/outside", .folder(mode: 0o777)),
        ]
        let came = try await scene.retrieve(pages: 1, listed: listed)
        #expect(came.failed.keys.sorted() == ["a/new", "a/sub", "a/victim", "b/outside"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: outside) == ["victim"])
        #expect(scene.bench.content("outside/victim") == [7])
        #expect(try scene.status("outside").st_mode & 0o777 == 0o700)
    }

    @Test func `a folder takes the place of nothing, and nothing that of a folder`() async throws {
        let scene = try TreeScene()
        mkdir(scene.bench.path("back"), 0o755)
        mkdir(scene.bench.path("back/link"), 0o755)
        try scene.bench.file("back/link/mine", [5])
        symlink(scene.bench.path("outside"), scene.bench.path("back/folder"))
        mkfifo(scene.bench.path("back/pipe"), 0o600)
        let listed = [
            try TreeScene.listed("folder", .folder(mode: 0o777)),
            try TreeScene.listed("link", .link(to: "x")),
            try TreeScene.listed("pipe", .link(to: "x")),
        ]
        let came = try await scene.retrieve(listed: listed)
        #expect(came.failed.keys.sorted() == ["folder", "link", "pipe"])
        #expect(scene.bench.content("back/link/mine") == [5])
        #expect(try scene.status("outside").st_mode & 0o777 == 0o755)
    }

    // MARK: Rights

    /// As an ordinary user, whom the kernel lets give nothing away.
    @Test func `rights of an owner come back with the owner alone`() async throws {
        let scene = try TreeScene()
        try scene.bench.file("tree/file", [1])
        #expect(chmod(scene.path("file"), 0o6755) == 0)
        _ = try await scene.deposit(["file"])
        var file = try #require(scene.server.files[FileName("t/file")]).metadata
        let opened = open(scene.bench.path("mine"), O_RDWR | O_CREAT, 0o600)
        defer { close(opened) }
        let mine = FileAttributes(options: RestoreOptions(owners: .byNumber))
        #expect(mine.restore(file, to: opened).isEmpty)
        #expect(try scene.status("mine").st_mode & 0o7777 == 0o6755)
        file.ownership = try Ownership(user: 4_000_000, group: getegid())
        let refused = FileAttributes(
            options: RestoreOptions(owners: .byNumber), setOwner: { _, _, _ in EPERM })
        #expect(refused.restore(file, to: opened) == [.owner(EPERM), .privileges])
        #expect(try scene.status("mine").st_mode & 0o7777 == 0o2755)
        let kept = FileAttributes(options: RestoreOptions(owners: .kept))
        #expect(kept.restore(file, to: opened) == [.ownerKept, .privileges])
        file.ownership = nil
        #expect(kept.restore(file, to: opened) == [.privileges])
        #expect(try scene.status("mine").st_mode & 0o7777 == 0o755)
    }
}
