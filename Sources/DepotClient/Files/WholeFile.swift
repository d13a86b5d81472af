import DepotCore
import Glibc
import NIOCore

/// A small file that the user named.
public enum WholeFile {
    /// Writes a file that is there whole and durable, or not at all, in place of the one that is
    /// there. A device, a pipe and what a link leads to are written to as they are.
    ///
    /// - Returns: what cannot be had on this file system, though the bytes are there.
    /// - Throws: why it cannot be written.
    public static func write(
        _ bytes: ByteBuffer, to path: String
    ) throws(DepotError) -> [RestoreWarning] {
        guard isLinkToFile(path) else { return try fill(FileSink(.path(path)), bytes) }
        let opened = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0o666)
        guard opened >= 0 else { throw .file("cannot be written", path) }
        defer { close(opened) }
        let warnings = try fill(FileSink(.stream(descriptor: opened)), bytes)
        return try DiskSync.system.files([(opened, path)]) ? warnings : warnings + [.notDurable]
    }

    /// Finds out whether a file can be written there, before work is done of which it is to tell.
    public static func check(_ path: String) throws(DepotError) {
        var status = stat()
        let kind = stat(path, &status) == 0 ? FileKind(mode: status.st_mode) : nil
        guard kind != .folder else { throw .file("cannot be written", path, errno: EISDIR) }
        guard kind == nil || kind == .file, !isLinkToFile(path) else {
            guard kind == nil || access(path, W_OK) == 0 else {
                throw .file("cannot be written", path)
            }
            return
        }
        try FileSink(.path(path)).abandon()
    }

    private static func fill(
        _ sink: FileSink, _ bytes: ByteBuffer
    ) throws(DepotError) -> [RestoreWarning] {
        do throws(DepotError) {
            try sink.write(bytes)
            try FileSink.finish([(sink, FileMetadata())])
        } catch {
            sink.abandon()
            throw error
        }
        return sink.warnings
    }

    /// A link to one of our descriptors is none to a file.
    private static func isLinkToFile(_ path: String) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0, FileKind(mode: status.st_mode) == .link,
            OwnDescriptor.number(of: path) == nil
        else { return false }
        // It may lead to nothing yet.
        return stat(path, &status) != 0 || FileKind(mode: status.st_mode) == .file
    }
}
