#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How many files and sockets the process may have open.
public enum DescriptorLimit {
    /// More would only be memory of the kernel's.
    private static let wanted: rlim_t = 65_536

    /// Raises it to what the system allows, and says what it is.
    @discardableResult
    public static func raise() -> Int {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return Int(wanted) }
        let raised = min(max(limit.rlim_cur, wanted), limit.rlim_max)
        if raised > limit.rlim_cur {
            var next = rlimit(rlim_cur: raised, rlim_max: limit.rlim_max)
            if setrlimit(resource, &next) == 0 { limit = next }
        }
        return Int(clamping: limit.rlim_cur)
    }

    /// How many connections a server may have: half of the descriptors are left to files and to
    /// connections of its own.
    public static func connections(atMost count: Int) -> Int { min(count, max(8, raise() / 2)) }

    #if canImport(Glibc)
        private static var resource: __rlimit_resource_t {
            __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        }
    #else
        private static var resource: CInt { RLIMIT_NOFILE }
    #endif
}
