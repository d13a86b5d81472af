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
    /// What did not come back though the bytes did; known once it is finished.
    private(set) var warnings: [RestoreWarning] = []

    /// - Parameter size: bytes that are expected.
    init(_ target: DownloadTarget, size: UInt64 = 0) throws(DepotError) {
        let kind: Kind =
            switch target {
            case .stream(let stream): try Self.stream(stream, "the output")
            case .path(let path): try Self.named(path)
            case .entry(let tree, let path): .part(try Self.entry(path, tree))
            }
        self.kind = kind
        if case .part(let part) = kind, size >= DirectOutput.fileSizeMin {
            // Where the file system has no such writes, collecting blocks would only be a copy more.
            let output = DirectOutput(to: part.descriptor)
            direct = output.isDirect ? output : nil
        } else {
            direct = nil
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
            guard let name = place.lastComponent?.string else {
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
    private static func entry(_ path: String, _ tree: FolderTree) throws(DepotError) -> PartFile {
        let (folder, name) = try tree.folder(of: path)
        let kind = folder.status(name).map { FileKind(mode: $0.st_mode) }
        switch kind {
        // A link is replaced, and not followed.
        case nil, .file, .link:
            return try PartFile(in: folder, for: name, shown: folder.shown(name))
        case .folder: throw folderInTheWay(folder.shown(name))
        case .some(let kind):
            throw DepotError(
                .invalidArgument,
                "there is \(kind) of this name, which is left alone; move it away",
                object: folder.shown(name))
        }
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
        if let direct {
            guard bytes.withUnsafeReadableBytes(direct.write) else {
                throw .file("cannot be written", name)
            }
            return
        }
        var rest = bytes
        while rest.readableBytes > 0 {
            let count = rest.withUnsafeReadableBytes {
                Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .file("cannot be written", name) }
            rest.moveReaderIndex(forwardBy: count)
        }
    }

    /// Gives files their modes, times and names, durably: all content is on the disk before any of
    /// it has its name.
    static func finish(
        _ sinks: [(sink: FileSink, metadata: FileMetadata)], syncing: DiskSync = .system,
        attributes: FileAttributes = .system
    ) throws(DepotError) {
        let files = sinks.compactMap { sink, metadata in sink.part.map { (sink, $0, metadata) } }
        for (sink, part, metadata) in files {
            if let direct = sink.direct, !direct.finish() {
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
