import DepotCore

/// What of a tree is read that was deposited before.
public struct TreeTerms: Sendable {
    /// What its names begin with: the records below it are compared.
    public let prefix: FileName?
    /// Where what was deposited is remembered; `nil` where that cannot be.
    public let cache: CachePlace?
    /// Whether everything is read and deposited.
    public let isReread: Bool
    /// Of the files that need not be read, the share that is read all the same: 0 to 1.
    public let recheckShare: Double
    /// For how long a file has to have been left alone before it is read, so that it need not be
    /// read the next time; in seconds.
    public let ageMin: Int
    /// From 0 to 1.
    let random: @Sendable () -> Double

    /// The coarsest times that a file system keeps are two seconds apart.
    public static let ageLeast = 2
    /// What is written by way of memory shows when the kernel has written it out, which it does
    /// within half a minute.
    public static let ageUsual = 60

    public init(
        prefix: FileName?, cache: CachePlace?, isReread: Bool, recheckShare: Double,
        ageMin: Int = ageUsual,
        random: @escaping @Sendable () -> Double = { .random(in: 0..<1) }
    ) {
        self.prefix = prefix
        self.cache = cache
        self.isReread = isReread
        self.recheckShare = recheckShare
        self.ageMin = ageMin
        self.random = random
    }
}
