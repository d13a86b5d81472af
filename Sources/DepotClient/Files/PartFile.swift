import DepotCore
import FoundationEssentials
import Glibc

import struct SystemPackage.FilePath

// A file appears under its name whole and durable, or not at all: it is written beside it under a
// hidden name, synced, and renamed. A process that is killed leaves the hidden name behind. So each
// holds a lock on what it writes, which goes with the process, and whoever writes into a folder
// first takes away what nobody holds a lock on any more.

/// A file that has not got its name yet. For one thread at a time.
final class PartFile {
    let folder: OpenFolder
    let descriptor: Int32
    /// For messages.
    let shown: String
    /// What it will be called in its folder.
    private let final: FilePath.Component
    private let name: String
    private var isNamed = false

    /// How often another process may take a new one for one that was left behind, before it has its
    /// lock.
    private static let triesMax = 10

    /// Nobody else can read it: it may turn out to be secret.
    init(
        in folder: OpenFolder, for final: FilePath.Component, shown: String
    ) throws(DepotError) {
        self.folder = folder
        self.shown = shown
        self.final = final
        for _ in 0..<Self.triesMax {
            let name = Self.freshName()
            let opened = folder.open(FilePath(name), O_WRONLY | O_CREAT | O_EXCL, mode: 0o600)
            guard opened >= 0 else { throw .file("cannot be written", shown) }
            if Self.hold(opened) {
                (self.name, descriptor) = (name, opened)
                return
            }
            close(opened)
            unlinkat(folder.descriptor, name, 0)
        }
        throw DepotError(
            .conflict, "its temporary file is taken away each time; look who does that",
            object: shown)
    }

    deinit { close(descriptor) }

    private static let ends = (first: ".depot-", last: ".part")
    private static let randomCount = 13

    static func freshName() -> String {
        "\(ends.first)\(UUID().uuidString.lowercased().prefix(randomCount))\(ends.last)"
    }

    /// Whether it is a name as `freshName` makes them: nobody else's file is taken away.
    private static func isFreshName(_ name: String) -> Bool {
        let random = name.dropFirst(ends.first.count).dropLast(ends.last.count)
        return name.hasPrefix(ends.first) && name.hasSuffix(ends.last)
            && random.count == randomCount && random.allSatisfy { $0 == "-" || $0.isHexDigit }
    }

    /// Where a file system has no locks nobody takes anything away.
    private static func hold(_ descriptor: Int32) -> Bool {
        if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { return false }
        var status = stat()
        return fstat(descriptor, &status) == 0 && status.st_nlink > 0
    }

    /// Gives it its name, in place of a file or a link that has it.
    func giveName() throws(DepotError) {
        let renamed = final.withPlatformString {
            renameat(folder.descriptor, name, folder.descriptor, $0)
        }
        guard renamed == 0 else {
            throw .file("cannot be given its name", shown)
        }
        isNamed = true
    }

    /// Takes it away, unless it has its name. Is not left to `deinit`, which runs when a thread
    /// lets go of the last reference: maybe only after whoever waited was told of the failure, or
    /// never.
    func abandon() {
        if !isNamed { unlinkat(folder.descriptor, name, 0) }
    }

    /// Takes away what killed processes have left in a folder, as far as that can be told.
    static func removeLeft(in folder: OpenFolder) {
        var names: [String] = []
        // Where the folder cannot be read they stay.
        try? folder.forEachEntry(below: "") { entry in
            guard entry.kind == .file, isFreshName(entry.name.string) else { return }
            names.append(entry.name.string)
        }
        for name in names {
            let opened = folder.open(FilePath(name), O_WRONLY | O_NONBLOCK)
            guard opened >= 0 else { continue }
            if flock(opened, LOCK_EX | LOCK_NB) == 0 { unlinkat(folder.descriptor, name, 0) }
            close(opened)
        }
    }
}
