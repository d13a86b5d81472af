import DepotCore
import FoundationEssentials
import Glibc
import NIOCore

import struct SystemPackage.FilePath

// A retrieved file appears under its name whole and durable, or not at all: it is written beside it under a hidden
// name, synced, and renamed. Devices, pipes and standard output are written to as they are.

/// Where a retrieved file goes. For one thread at a time.
final class FileSink {
    private enum Kind {
        case stream
        case file(temporary: String, final: String, folder: FilePath)
    }

    private let kind: Kind
    private let descriptor: Int32
    private var isDone = false

    /// - Parameter mode: what the file's mode will be; `nil` for what the user's programs would give it.
    init(_ target: DownloadTarget, mode: UInt16?) throws(DepotError) {
        switch target {
        case .stream(let stream):
            descriptor = dup(stream)
            kind = .stream
        case .path(let path):
            var status = stat()
            if stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG {
                guard status.st_mode & S_IFMT != S_IFDIR else {
                    throw DepotError(
                        .invalidArgument,
                        "there is a folder of this name; give another one with -o",
                        object: path)
                }
                descriptor = open(path, O_WRONLY | O_CLOEXEC)
                kind = .stream
            } else {
                let folder = FilePath(path).folder
                let temporary = "\(folder)/.depot-\(UUID().uuidString.lowercased().prefix(13)).part"
                // Nobody else reads what may turn out to be secret.
                descriptor = open(
                    temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode == nil ? 0o666 : 0o600)
                kind = .file(temporary: temporary, final: path, folder: folder)
            }
            guard descriptor >= 0 else { throw .file("cannot be written", path) }
        }
    }

    deinit { close(descriptor) }

    /// Takes away what was written of a file that will not be whole. Is not left to `deinit`, which runs when a
    /// thread lets go of the last reference: maybe only after whoever waited was told of the failure, or never.
    func abandon() {
        if !isDone, case .file(let temporary, _, _) = kind { unlink(temporary) }
    }

    func write(_ object: VerifiedObject) throws(DepotError) {
        for part in object.parts {
            var rest = part
            while rest.readableBytes > 0 {
                let count = rest.withUnsafeReadableBytes {
                    Glibc.write(descriptor, $0.baseAddress, $0.count)
                }
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw .file("cannot be written", name) }
                rest.moveReaderIndex(forwardBy: count)
            }
        }
    }

    private var name: String {
        switch kind {
        case .stream: "the output"
        case .file(_, let final, _): final
        }
    }

    /// Gives files their modes, times and names, durably: all content is on the disk before any of it has its name.
    static func finish(
        _ sinks: [(sink: FileSink, metadata: FileMetadata)], syncing: DiskSync = .system
    ) throws(DepotError) {
        for (sink, metadata) in sinks { try sink.set(metadata) }
        let files = sinks.map(\.sink).filter { !$0.isStream }
        try syncing.files(files.map { ($0.descriptor, $0.name) })
        var folders: Set<FilePath> = []
        for sink in files {
            guard case .file(let temporary, let final, let folder) = sink.kind else { continue }
            guard rename(temporary, final) == 0 else {
                throw .file("cannot be given its name", final)
            }
            sink.isDone = true
            folders.insert(folder)
        }
        try syncing.folders(folders.map(\.string).sorted())
    }

    private var isStream: Bool {
        if case .stream = kind { true } else { false }
    }

    private func set(_ metadata: FileMetadata) throws(DepotError) {
        guard case .file(_, let final, _) = kind else { return }
        if let mode = metadata.mode {
            guard fchmod(descriptor, mode_t(mode)) == 0 else {
                throw .file("cannot set the mode", final)
            }
        }
        if let modified = metadata.modifiedNanoseconds {
            let seconds = modified.quotientRoundingDown(1_000_000_000)
            let time = timespec(
                tv_sec: Int(seconds), tv_nsec: Int(modified - seconds * 1_000_000_000))
            guard futimens(descriptor, [time, time]) == 0 else {
                throw .file("cannot set the time", final)
            }
        }
    }
}

extension Int64 {
    fileprivate func quotientRoundingDown(_ divisor: Int64) -> Int64 {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
