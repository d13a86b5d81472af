#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// What this process takes of the machine. What the system does not tell is `nil`.
public struct ProcessUsage: Sendable {
    public let cpuSeconds: Double?
    public let residentBytes: UInt64?
    public let descriptorsOpen: Int?
    public let descriptorsMax: UInt64?
    /// When it was started, in seconds since 1970.
    public let startTime: Double?

    /// As it is now. Reads a few small files of `/proc` where there are any.
    public static func now() -> ProcessUsage {
        let status = fields(ofFile: "/proc/self/statm")
        let pages = status.count > 1 ? UInt64(status[1]) : nil
        return ProcessUsage(
            cpuSeconds: cpuTime(),
            residentBytes: pages.map { $0 &* UInt64(max(1, sysconf(Int32(_SC_PAGESIZE)))) },
            descriptorsOpen: count(ofFolder: "/proc/self/fd"), descriptorsMax: descriptorLimit(),
            startTime: started)
    }

    private static func cpuTime() -> Double? {
        var time = timespec()
        guard clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { return nil }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func descriptorLimit() -> UInt64? {
        var limit = rlimit()
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        guard getrlimit(resource, &limit) == 0 else { return nil }
        return UInt64(limit.rlim_cur)
    }

    /// It does not change.
    private static let started: Double? = {
        // The name of the program, between brackets, may have spaces in it.
        let words = text(ofFile: "/proc/self/stat")?.split(separator: ")").last?
            .split(separator: " ")
        let boot = text(ofFile: "/proc/stat")?.split(separator: "\n")
            .first { $0.hasPrefix("btime ") }?.dropFirst(6)
        // The 22nd of the line is the 20th behind the name.
        guard let words, words.count > 19, let ticks = Double(words[19]),
            let boot = boot.flatMap({ Double($0) })
        else { return nil }
        return boot + ticks / Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
    }()

    /// The descriptor with which the folder is read is one of them, and is not counted.
    private static func count(ofFolder path: String) -> Int? {
        guard let folder = opendir(path) else { return nil }
        defer { closedir(folder) }
        var count = 0
        while let entry = readdir(folder) {
            if entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 }
        }
        return max(0, count - 1)
    }

    private static func fields(ofFile path: String) -> [Substring] {
        text(ofFile: path)?.split(whereSeparator: \.isWhitespace) ?? []
    }

    /// The beginning of a file of the kernel's.
    private static func text(ofFile path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}

extension CollectedSamples {
    public mutating func add(_ usage: ProcessUsage) {
        if let seconds = usage.cpuSeconds { set(.processCPU, to: seconds) }
        if let bytes = usage.residentBytes { set(.processMemory, to: bytes) }
        if let count = usage.descriptorsOpen { set(.processDescriptors, to: count) }
        if let count = usage.descriptorsMax { set(.processDescriptorsMax, to: count) }
        if let time = usage.startTime { set(.processStart, to: time) }
    }
}
