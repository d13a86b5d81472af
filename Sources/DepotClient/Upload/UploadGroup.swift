import DepotCore
import DepotWire
import NIOCore

/// One of a deposit's sources.
struct SourceFile: Sendable {
    /// How many came before it.
    let index: Int
    let name: FileName
}

/// A chunk that was cut and hashed, and where it can be had again.
struct PreparedChunk: Sendable {
    enum Origin: Sendable {
        case file(SourcePlace, offset: UInt64)
        case memory(VerifiedObject)
    }

    /// What it was cut from.
    let file: SourceFile
    let reference: ChunkReference
    let origin: Origin

    /// Bytes of memory that it keeps until it need not be sent again.
    var bytesKept: UInt64 {
        if case .memory = origin { UInt64(reference.length) } else { 0 }
    }
}

/// A file of which everything was read.
struct PreparedFile: Sendable {
    let file: SourceFile
    let commit: CommitBody.File
    /// What is remembered of it when it has its receipt; `nil` where its state tells nothing.
    let remembered: DepositCache.Entry?
}

/// Some chunks on their way, of one file or of many, and the files that end with them.
struct UploadGroup: Sendable {
    var objects: [VerifiedObject] = []
    var chunks: [PreparedChunk] = []
    var files: [PreparedFile] = []
    var failures: [(file: SourceFile, error: DepotError)] = []
    /// What of a file is not deposited though its bytes are.
    var warnings: [(file: SourceFile, warning: DepositWarning)] = []
    /// Files that were read to see whether they are what they seemed to be: those that are, and
    /// those that are not.
    var unchangedCount = 0
    var changedUnseen: [FileName] = []
    /// Bytes of content, for the progress.
    var bytes: UInt64 = 0
}
