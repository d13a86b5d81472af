import DepotCore
import Glibc
import NIOCore

import struct SystemPackage.FilePath

/// Where a retrieved file goes: one that appears whole and durable, or a device, a pipe or standard
/// output, which are written to as they are. For one thread at a time.
final class FileSink {
    private enum Kind {
        case stream(descriptor: Int32)
        case part(PartFile)
    }

    private let kind: Kind
    /// For a large file.
    private let direct: DirectOutput?
    /// Of a file that keeps its holes.
    private let sparse: SparseOutput?
    /// What did not come back though the bytes did; known once it is finished.
    private(set) var warnings: [RestoreWarning] = []

    /// - Parameters:
    ///   - size: bytes that are expected.
    ///   - holes: where they are zeros that take no room.
    init(
        _ target: DownloadTarget, size: UInt64 = 0, holes: Holes? = nil
    ) throws(DepotError) {
        let kind: Kind =
            switch target {
            case .stream(let stream): try Self.stream(stream, "the output")
            case .path(let path): try Self.named(path)
            case .entry(let tree, let path): .part(try Self.entry(path, tree))
            }
        self.kind = kind
        if case .part(let part) = kind, let holes {
            (direct, sparse) = (nil, SparseOutput(to: part.descriptor, holes))
        } else if case .part(let part) = kind, size >= DirectOutput.fileSizeMin {
            // Where the file system has no such writes, collecting blocks would only be a copy more.
            let output = DirectOutput(to: part.descriptor)
            (direct, sparse) = (output.isDirect ? output : nil, nil)
        } else {
            (direct, sparse) = (nil, nil)
        }
    }

    deinit { if case .stream(let descriptor) = kind { close(descriptor) } }

    private static func stream(_ descriptor: Int32, _ name: String) throws(DepotError) -> Kind {
        let own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard own >= 0 else { throw .file("cannot be written", name) }
        return .stream(descriptor: own)
    }

    /// What the user named may be anything.
    private static func named(_ path: String) throws(DepotError) -> Kind {
        if let own = OwnDescriptor.number(of: path) { return try stream(own, path) }
        var status = stat()
        let kind = stat(path, &status) == 0 ? FileKind(mode: status.st_mode) : .file
        switch kind {
        case .folder: throw folderInTheWay(path)
        case .file:
            let place = FilePath(path)
            guard let name = place.lastComponent else {
                throw DepotError(.invalidArgument, "it is no file's name", object: path)
            }
            let folder = try OpenFolder(named: place.folder.string)
            PartFile.removeLeft(in: folder)
            return .part(try PartFile(in: folder, for: name, shown: path))
        case .pipe, .device, .socket, .link, .unknown:
            let opened = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY)
            guard opened >= 0 else { throw .file("cannot be written", path) }
            return .stream(descriptor: opened)
        }
    }

    /// Below a folder nobody named anything but files: what else is there was put there by
    /// somebody, and is not opened.
    private static func entry(_ path: FilePath, _ tree: FolderTree) throws(DepotError) -> PartFile {
        let (folder, name) = try tree.folder(of: path)
        try folder.requireReplaceable(name)
        return try PartFile(in: folder, for: name, shown: folder.shown(FilePath(name)))
    }

    private static func folderInTheWay(_ path: String) -> DepotError {
        DepotError(
            .invalidArgument, "there is a folder of this name; give another one with -o",
            object: path)
    }

    /// Takes away what was written of a file that will not be whole.
    func abandon() { part?.abandon() }

    var isStream: Bool { part == nil }

    private var part: PartFile? {
        if case .part(let part) = kind { part } else { nil }
    }

    func write(_ object: VerifiedObject) throws(DepotError) {
        for part in object.parts { try write(part) }
    }

    func write(_ bytes: ByteBuffer) throws(DepotError) {
        let (descriptor, name) =
            switch kind {
            case .stream(let descriptor): (descriptor, "the output")
            case .part(let part): (part.descriptor, part.shown)
            }
        let isWritten = bytes.withUnsafeReadableBytes { bytes in
            direct?.write(bytes) ?? sparse?.write(bytes) ?? Self.write(bytes, to: descriptor)
        }
        guard isWritten else { throw .file("cannot be written", name) }
    }

    /// - Returns: whether all could be written; else `errno` tells why not.
    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return false }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
        return true
    }

    /// Gives files their modes, times and names, durably: all content is on the disk before any of
    /// it has its name.
    static func finish(
        _ sinks: [(sink: FileSink, metadata: FileMetadata)], syncing: DiskSync = .system,
        attributes: FileAttributes = FileAttributes()
    ) throws(DepotError) {
        let files = sinks.compactMap { sink, metadata in sink.part.map { (sink, $0, metadata) } }
        for (sink, part, metadata) in files {
            guard sink.direct?.finish() ?? true, sink.sparse?.finish() ?? true else {
                throw .file("cannot be written", part.shown)
            }
            sink.warnings = attributes.restore(metadata, to: part.descriptor)
        }
        var isDurable = try syncing.files(files.map { ($0.1.descriptor, $0.1.shown) })
        var folders: [FilePath: OpenFolder] = [:]
        for (_, part, _) in files {
            try part.giveName()
            folders[FilePath(part.folder.path)] = part.folder
        }
        isDurable = try syncing.folders(folders.values.sorted { $0.path < $1.path }) && isDurable
        if !isDurable { for (sink, _, _) in files { sink.warnings.append(.notDurable) } }
    }
}
