/// The bounds that formats and protocols share, each with its reason.
public enum Limits {
    /// A chunk is held in memory whole, in several places at once.
    public static let chunkSizeMax = 8 << 20
    /// A manifest over this is cut into pieces, so that it fits a chunk with room to spare.
    public static let manifestSizeMax = 4 << 20
    /// In bytes of UTF-8. Enough for every path that Linux users have; a name is an SQL key, too.
    public static let fileNameSizeMax = 1_024
    /// In bytes. The registered types with their usual parameters are far below.
    public static let contentTypeSizeMax = 255
    /// JSON. The longest name, link, attributes and annotations together fit, spelled with an escape
    /// for each byte; most records have some 300 bytes.
    public static let recordSizeMax = 96 << 10
    /// Of records that are kept together. Many times a small file's, and still soon read and parsed.
    public static let recordBatchSizeMax = 256 << 10
    /// More copies than this are a mistake in the number.
    public static let levelMax = 32
}
