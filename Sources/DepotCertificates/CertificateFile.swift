import DepotCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

// Within the type the name is its own.
private func readBytes(_ descriptor: Int32, _ bytes: inout [UInt8], _ count: Int) -> Int {
    read(descriptor, &bytes, count)
}

/// Files of certificates and keys, which are small.
enum CertificateFile {
    /// A chain has a few KiB; a bundle of a whole system's authorities less than a MiB.
    static let bytesMax = 1 << 20

    /// - Throws: what the system says; `tooLarge` for what cannot be a certificate's.
    static func read(_ path: String) throws(DepotError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { throw .file("cannot be read", path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = readBytes(descriptor, &part, part.count)
            guard count >= 0 else { throw .file("cannot be read", path) }
            if count == 0 { return bytes }
            bytes += part.prefix(count)
            guard bytes.count <= bytesMax else {
                throw DepotError(
                    .tooLarge, "a file of certificates has at most \(bytesMax) bytes", object: path)
            }
        }
    }

    /// Makes a file that is not there, whole and durable.
    ///
    /// - Throws: `conflict` where it is there already.
    static func make(_ path: String, _ bytes: [UInt8], mode: mode_t) throws(DepotError) {
        let part = "\(path).part"
        unlink(part)
        let descriptor = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
        guard descriptor >= 0 else { throw .file("cannot be made", part) }
        defer {
            close(descriptor)
            unlink(part)
        }
        // Whatever the umask is: a certificate is for everybody, a key for its owner.
        guard fchmod(descriptor, mode) == 0,
            write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0
        else { throw .file("cannot be written", part) }
        // Unlike a renaming, this leaves alone what is there.
        guard link(part, path) == 0 else { throw .file("cannot be made", path) }
    }

    /// The same in place of what is there.
    static func replace(_ path: String, _ bytes: [UInt8], mode: mode_t) throws(DepotError) {
        let next = "\(path).next"
        unlink(next)
        try make(next, bytes, mode: mode)
        guard rename(next, path) == 0 else {
            let cause = errno
            unlink(next)
            throw .file("cannot be replaced", path, errno: cause)
        }
    }
}
