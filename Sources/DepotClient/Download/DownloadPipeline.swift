import DepotCore
import DepotWire

import struct SystemPackage.FilePath

/// Where a retrieved file goes.
public enum DownloadTarget: Sendable {
    /// What the user named: a file that appears whole or not at all; or a device or pipe that is
    /// there already.
    case path(String)
    /// A file below a folder that the user named, which appears whole or not at all, and nothing
    /// else.
    case entry(FolderTree, path: FilePath)
    /// Standard output.
    case stream(descriptor: Int32)
}

extension DownloadTarget {
    /// The folder and the name in it.
    ///
    /// - Parameter problem: why it cannot be a stream.
    fileprivate func place(
        or problem: String, of file: FileName
    ) throws(DepotError) -> (OpenFolder, FilePath.Component) {
        switch self {
        case .entry(let tree, let path): return try tree.folder(of: path)
        case .path(let path):
            guard let name = FilePath(path).lastComponent else {
                throw DepotError(.invalidArgument, "it is no file's name", object: path)
            }
            return (try OpenFolder(named: FilePath(path).folder.string), name)
        case .stream: throw DepotError(.invalidArgument, problem, object: file.text)
        }
    }
}

extension FileAttributes {
    /// Makes what has no content.
    ///
    /// - Returns: the folder that it is in, and what of it was refused.
    fileprivate func make(
        _ file: FileBody, at target: DownloadTarget
    ) throws(DepotError) -> (OpenFolder, [RestoreWarning]) {
        switch file.metadata.kind {
        case .file:
            throw DepotError(.internalError, "it has content", object: file.name.text)
        case .folder:
            throw DepotError(
                .invalidArgument, "it is a folder; retrieve it with -r", object: file.name.text)
        case .link(let destination):
            let (folder, name) = try target.place(
                or: "it is a symbolic link to '\(destination.text)', and has no content",
                of: file.name)
            return (folder, try makeLink(name, to: destination, file.metadata, in: folder))
        case .special(let special):
            let (folder, name) = try target.place(
                or: "it is \(special.words), and has no content", of: file.name)
            let warnings = try makeSpecial(name, special, file.metadata, in: folder)
            if case .specialLeft(_, let code) = warnings.first {
                throw .file("cannot be made: it is \(special.words)", file.name.text, errno: code)
            }
            return (folder, warnings)
        }
    }
}

/// A copy that could not be used.
public struct BadCopyReport: Sendable, Hashable, Codable {
    public let chunk: ChunkID
    public let replica: ReplicaID
    public let reason: BadCopy.Reason
}

/// What was retrieved.
public struct DownloadReport: Sendable {
    public let file: FileBody
    public let badCopies: [BadCopyReport]
    /// What of the file did not come back though its bytes did.
    public var warnings: [RestoreWarning]

    public init(file: FileBody, badCopies: [BadCopyReport] = [], warnings: [RestoreWarning]) {
        self.file = file
        self.badCopies = badCopies
        self.warnings = warnings
    }
}

/// Retrieves one file.
public struct DownloadPipeline: Sendable {
    /// A name that gets another content each time while its client sleeps is given up.
    private static let startsMax = 4

    private let server: any FileServerAPI
    private let threads: BlockingThreads
    private let attributes: FileAttributes
    private let pause: @Sendable (Duration) async throws -> Void
    private let onBytes: @Sendable (UInt64) -> Void

    /// - Parameters:
    ///   - options: what is restored beside bytes, modes and times.
    ///   - pause: waits between two renewals of the lease.
    ///   - onBytes: told of bytes that were written.
    public init(
        server: any FileServerAPI, threads: BlockingThreads,
        restoring options: RestoreOptions = RestoreOptions(),
        pause: @escaping @Sendable (Duration) async throws -> Void = {
            try await Task.sleep(for: $0)
        },
        onBytes: @escaping @Sendable (UInt64) -> Void
    ) {
        self.server = server
        self.threads = threads
        attributes = FileAttributes(options: options)
        self.pause = pause
        self.onBytes = onBytes
    }

    /// - Parameter onOpen: told the file once it is known.
    /// - Throws: `notFound`; `noGoodCopy`, naming chunk, file and offset; what is wrong with the
    ///   target.
    public func run(
        _ name: VersionName, to target: DownloadTarget,
        onOpen: @Sendable (FileBody) -> Void = { _ in }
    ) async throws(DepotError) -> DownloadReport {
        for _ in 1..<Self.startsMax {
            if case .done(let report) = try await attempt(name, to: target, onOpen) {
                return report
            }
        }
        switch try await attempt(name, to: target, onOpen) {
        case .done(let report): return report
        case .replaced(let error): throw error
        }
    }

    /// What has no content.
    private func restore(
        _ file: FileBody, to target: DownloadTarget
    ) async throws(DepotError) -> DownloadReport {
        let attributes = attributes
        let warnings = try await threads.blocking { () throws(DepotError) in
            let (folder, warnings) = try attributes.make(file, at: target)
            return try DiskSync.system.folders([folder]) ? warnings : warnings + [.notDurable]
        }
        return DownloadReport(file: file, warnings: warnings)
    }

    private enum Attempt {
        case done(DownloadReport)
        /// The name was given another content while its client slept, and nobody has seen anything
        /// of the old one.
        case replaced(DepotError)
    }

    private func attempt(
        _ name: VersionName, to target: DownloadTarget, _ onOpen: @Sendable (FileBody) -> Void
    ) async throws(DepotError) -> Attempt {
        let opened = try await OpenedFiles([name], server: server, threads: threads)
        let file = try opened.files[0].get()
        if file.metadata.kind != .file {
            await opened.close()
            return .done(try await restore(file, to: target))
        }
        onOpen(file)
        let lease = opened.lease
        let keeper = LeaseKeeper(lease: opened.leaseTime, pause: pause) {
            () async throws(DepotError) in try await lease.renew()
        }
        var download = FileDownload(file, of: opened, attributes, onBytes: onBytes)
        let result: Result<Attempt, DepotError>
        do throws(DepotError) {
            let warnings = try await keeper.whileRunning { () async throws(DepotError) in
                try await download.write(to: target)
            }
            let report = DownloadReport(
                file: file, badCopies: download.opened.badCopies, warnings: warnings)
            result = .success(.done(report))
        } catch {
            let replacement = await lease.replacement
            result =
                replacement.map { download.wasShown ? .failure($0) : .success(.replaced($0)) }
                ?? .failure(error)
        }
        await opened.close()
        return try result.get()
    }
}
