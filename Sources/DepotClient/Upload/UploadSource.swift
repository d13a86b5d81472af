import DepotCore

/// What is to be deposited under a name.
public struct UploadSource: Sendable {
    public enum Origin: Sendable {
        case file(path: String)
        /// A stream that can be read once: standard input, a pipe.
        case stream(descriptor: Int32)
    }

    public let name: FileName
    public let origin: Origin

    public init(name: FileName, origin: Origin) {
        self.name = name
        self.origin = origin
    }
}
