import NIOCore

/// Bytes as a store gave them, which nobody has hashed yet.
public struct StoredObject: Sendable {
    public enum Bytes: Sendable {
        case memory([ByteBuffer])
        /// A range of a file, which can leave by `sendfile`.
        case file(FileExtent)
    }

    public let id: ObjectID
    public let length: Int
    public let bytes: Bytes

    public init(id: ObjectID, length: Int, bytes: Bytes) {
        self.id = id
        self.length = length
        self.bytes = bytes
    }
}

/// A range of an open file.
public struct FileExtent: Sendable {
    public let descriptor: Int32
    public let offset: Int64
    public let length: Int
    /// Keeps the descriptor open, and the file from being unlinked, while the extent lives.
    public let owner: any AnyObject & Sendable

    public init(descriptor: Int32, offset: Int64, length: Int, owner: any AnyObject & Sendable) {
        assert(descriptor >= 0 && offset >= 0 && length > 0, "a range of no file")
        self.descriptor = descriptor
        self.offset = offset
        self.length = length
        self.owner = owner
    }
}
