import DepotCore

/// Whether what a receipt says is true now: its chunks were read from their disks and hashed for
/// this answer.
public struct ReceiptProofBody: Sendable, Codable {
    public enum NameState: String, Sendable, Codable {
        /// The name still is this commit.
        case current
        /// Committed again since, with the same content: another level, for instance.
        case sameContent
        /// Something else was committed to the name since.
        case replaced
        case deleted
    }

    public struct Short: Sendable, Codable {
        public let chunk: ChunkID
        @Count public private(set) var copies: Int

        public init(chunk: ChunkID, copies: Int) {
            self.chunk = chunk
            self.copies = copies
        }
    }

    /// So many chunks are listed that have too few copies.
    public static let shortListedMax = 20

    public let name: FileName
    public let sequence: CommitSequence
    public let manifest: ChunkID
    public let isProved: Bool
    /// As the receipt has it.
    @Count public private(set) var copiesPromised: Int
    /// Whole copies of the chunk that has the fewest.
    @Count public private(set) var copiesNow: Int
    /// Chunks that were looked at, the manifest, unless it is inline, and its pieces included, and
    /// bytes that were read and hashed.
    @Count public private(set) var chunks: Int
    @ByteCount public private(set) var bytesRead: UInt64
    /// Chunks with fewer whole copies than promised.
    @Count public private(set) var short: Int
    public let shortListed: [Short]
    public let nameState: NameState
    /// The newest commit of the name, where there is one.
    public let newestSequence: CommitSequence?
    /// Why it is not proved, in words.
    public let problem: String?

    public init(
        receipt: ReceiptBody, isProved: Bool, copiesNow: Int, chunks: Int, bytesRead: UInt64,
        short: Int, shortListed: [Short], nameState: NameState, newestSequence: CommitSequence?,
        problem: String?
    ) {
        name = receipt.name
        sequence = receipt.sequence
        manifest = receipt.manifest
        copiesPromised = receipt.copies
        self.isProved = isProved
        self.copiesNow = copiesNow
        self.chunks = chunks
        self.bytesRead = bytesRead
        self.short = short
        self.shortListed = shortListed
        self.nameState = nameState
        self.newestSequence = newestSequence
        self.problem = problem
    }
}
