import Glibc

// A pipe or a device must not be opened to see what it is like: that waits for a writer, or does
// something. It is opened as a mere path. The calls that take a descriptor refuse such a one, and
// the system's folder of descriptors leads to the same thing.

/// Descriptors that may be open as a mere path.
enum PathDescriptor {
    /// - Parameters:
    ///   - call: fails with -1 and `errno`.
    ///   - byPath: the same of a path, of which the last link is followed.
    static func call<Result: SignedInteger>(
        _ descriptor: Int32, _ call: (Int32) -> Result, orBy byPath: (String) -> Result
    ) -> Result {
        let result = call(descriptor)
        guard result < 0, errno == EBADF else { return result }
        return byPath("/proc/self/fd/\(descriptor)")
    }
}
