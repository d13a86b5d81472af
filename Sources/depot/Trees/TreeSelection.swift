import ArgumentParser
import DepotClient
import DepotCore
import Glibc

import struct SystemPackage.FilePath

/// What of a folder is deposited.
struct TreeOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Leave out what matches, as gitignore says it: *.o, /build/, docs/**/*.pdf, !keep.o.",
            valueName: "pattern"))
    var exclude: [String] = []

    @Option(
        help: ArgumentHelp("Leave out what matches a line of the file.", valueName: "file"))
    var excludeFrom: [String] = []

    @Flag(help: "Leave out what is in folders with a valid CACHEDIR.TAG.")
    var excludeCaches = false

    @Flag(help: "Leave out what is in folders where another file system is mounted.")
    var oneFileSystem = false

    @Flag(help: "Deposit what symbolic links lead to in their place.")
    var followLinks = false

    @Flag(help: "Keep pipes, sockets and devices, too.")
    var special = false

    @Option(
        help: ArgumentHelp(
            "Deposit only what is listed, a path below the folder in each line; - is standard input.",
            valueName: "file"))
    var filesFrom: String?

    @Flag(
        name: [.customShort("0"), .customLong("null")],
        help: "Paths that are listed end in a zero byte.")
    var endsInZero = false

    @Flag(
        help: """
            When all is deposited, delete what is below NAME/ and not in the folder; what patterns \
            leave out stays.
            """)
    var mirror = false

    @Flag(help: "With --mirror, delete everything where the folder is empty.")
    var force = false

    @Flag(
        help: """
            Tell what would be looked at and deleted, and do nothing; what is in the depot as it is \
            would not be deposited again.
            """)
    var dryRun = false

    @Flag(help: "Read and deposit everything, though it is in the depot as it seems to be.")
    var reread = false

    @Option(
        help: ArgumentHelp(
            "Read so many of the files all the same that need not be read: chosen anew each time.",
            valueName: "percent"))
    var recheck = 1.0

    @Option(
        help: ArgumentHelp(
            "How long a file must have been left alone before it is read, so that it need not be "
                + "read the next time: 2s or more.",
            valueName: "time"),
        transform: TimeSpan.parse)
    var settled = TimeSpan(.seconds(TreeTerms.ageUsual))

    func validate() throws {
        guard (0...100).contains(recheck) else {
            throw ValidationError("--recheck takes 0 to 100, the percentage of files")
        }
        guard settled.seconds >= TreeTerms.ageLeast else {
            throw ValidationError(
                "--settled takes \(TreeTerms.ageLeast)s or more: some file systems know no shorter times"
            )
        }
        guard mirror, filesFrom != nil || followLinks else { return }
        throw ValidationError(
            "--mirror compares whole folders; it takes neither --files-from nor --follow-links")
    }

    /// - Parameter root: the folder that is deposited.
    func terms(root: String, prefix: FileName?, needsReceipts: Bool) throws(DepotError) -> TreeTerms
    {
        TreeTerms(
            prefix: prefix,
            cache: try Self.cacheFolder().map {
                CachePlace(folder: $0, root: root, prefix: prefix)
            },
            isReread: reread || needsReceipts, recheckShare: recheck / 100,
            ageMin: settled.seconds)
    }

    /// As the XDG Base Directory Specification says it: a relative path counts as none.
    private static func cacheFolder() throws(DepotError) -> String? {
        if let base = try CommandWords.environment("XDG_CACHE_HOME"), base.hasPrefix("/") {
            return "\(base)/depot"
        }
        guard let home = try CommandWords.environment("HOME"), home.hasPrefix("/") else {
            return nil
        }
        return "\(home)/.cache/depot"
    }

    func selection() throws(DepotError) -> TreeSelection {
        var lines: [String] = []
        for file in excludeFrom {
            // Of bytes, and without a return in front of the line's end, as git takes it: as a text
            // both are one character, at which nothing would be cut.
            for line in try ListFile.read(file).split(separator: UInt8(ascii: "\n")) {
                let isReturned = line.last == UInt8(ascii: "\r")
                lines.append(String(decoding: isReturned ? line.dropLast() : line, as: UTF8.self))
            }
        }
        return TreeSelection(
            patterns: try PathPatterns(lines + exclude), excludesCaches: excludeCaches,
            staysOnFileSystem: oneFileSystem, followsLinks: followLinks,
            keepsSpecial: special,
            listed: try filesFrom.map { file throws(DepotError) in
                try ListFile.paths(try ListFile.read(file), endingInZero: endsInZero)
            })
    }
}

/// What of a tree is walked through.
struct TreeSelection: Sendable {
    var patterns: PathPatterns
    var excludesCaches = false
    var staysOnFileSystem = false
    var followsLinks = false
    /// Whether pipes, sockets and devices are deposited.
    var keepsSpecial = false
    /// Only these, with all that is in them.
    var listed: [FilePath]?
}

/// Lists of paths and patterns.
enum ListFile {
    /// Longer ones are a mistake.
    private static let sizeMax = 256 << 20

    /// - Parameter path: `-` is standard input.
    static func read(_ path: String) throws(DepotError) -> [UInt8] {
        let descriptor = path == "-" ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .file("cannot be read", path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(descriptor, &part, part.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .file("cannot be read", path) }
            guard count > 0 else { return bytes }
            bytes += part[..<count]
            guard bytes.count <= sizeMax else {
                throw DepotError(
                    .tooLarge, "a list may have \(sizeMax >> 20) MiB", object: path)
            }
        }
    }

    static func paths(
        _ bytes: [UInt8], endingInZero: Bool
    ) throws(DepotError) -> [FilePath] {
        var paths: [FilePath] = []
        for line in bytes.split(separator: endingInZero ? 0 : UInt8(ascii: "\n")) {
            let path = FilePath(platformString: line.map(CChar.init(bitPattern:)) + [0])
                .lexicallyNormalized()
            guard path.isRelative, path.components.first?.kind != .parentDirectory else {
                throw DepotError(
                    .invalidArgument, "a listed path has to be below the folder",
                    object: path.string)
            }
            paths.append(path)
        }
        return paths
    }
}
