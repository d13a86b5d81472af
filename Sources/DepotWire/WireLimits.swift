import DepotCore

/// The bounds of what crosses the network, each with its reason.
public enum WireLimits {
    /// Entries of one list of ids: 36 bytes each, so a body stays near a MiB.
    public static let listEntriesMax = 32_768
    /// Content of one batch: a large chunk fits, small ones share the cost of a request.
    public static let batchBytesMax = Limits.chunkSizeMax
    /// Objects of one batch: bounds what is remembered of a batch while it streams.
    public static let batchObjectsMax = 1_024
    /// Files of one commit: names may have a KiB each.
    public static let commitFilesMax = 512
    /// Files of one retrieval: their answer is read whole.
    public static let retrievalFilesMax = 512
    /// Bytes of that answer, about: files may have attributes of many KiB each.
    public static let retrievalAnswerMax = 4 << 20
    /// Any body that is read whole.
    public static let bodyBytesMax = 2 << 20
    /// Files or chunks of one page.
    public static let pageEntriesMax = 1_000
}
