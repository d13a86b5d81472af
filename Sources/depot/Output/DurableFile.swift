import DepotClient
import DepotCore
import FoundationEssentials
import Glibc

import struct SystemPackage.FilePath

/// Writes a small file so that it is there whole and durable, or not at all.
enum DurableFile {
    /// Replaces what is there.
    ///
    /// - Throws: `storageFull` where it cannot be written, saying why.
    static func write(_ bytes: [UInt8], to path: String) throws(DepotError) {
        let folder = FilePath(path).folder.string
        let temporary = "\(folder)/.depot-\(UUID().uuidString.lowercased().prefix(13)).part"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw failure("cannot be written", path) }
        defer { close(descriptor) }
        do throws(DepotError) {
            try fill(descriptor, bytes, path)
            guard rename(temporary, path) == 0 else {
                throw failure("cannot be given its name", path)
            }
        } catch {
            unlink(temporary)
            throw error
        }
        let parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard parent >= 0 else { throw failure("cannot be made durable", folder) }
        defer { close(parent) }
        guard fsync(parent) == 0 else { throw failure("cannot be made durable", folder) }
    }

    private static func fill(
        _ descriptor: Int32, _ bytes: [UInt8], _ path: String
    ) throws(DepotError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("cannot be written", path) }
            rest = rest.dropFirst(count)
        }
        guard fsync(descriptor) == 0 else { throw failure("cannot be made durable", path) }
    }

    private static func failure(_ what: String, _ path: String) -> DepotError {
        DepotError(.storageFull, "\(what): \(String(cString: strerror(errno)))", object: path)
    }
}
