import DepotCore

/// What is to be deposited under a name.
public struct UploadSource: Sendable {
    public enum Origin: Sendable {
        /// A file, a link to one, a device or a pipe: what the user named.
        case file(path: String)
        /// What was a regular file when its folder was listed. Nothing else is read in its place.
        case entry(OpenFolder, path: String)
        /// A stream that can be read once: standard input, a pipe.
        case stream(descriptor: Int32)
    }

    public let name: FileName
    public let origin: Origin

    public init(name: FileName, origin: Origin) {
        self.name = name
        self.origin = origin
    }

    enum Input {
        case stream(descriptor: Int32)
        case place(SourcePlace)
    }

    var input: Input {
        switch origin {
        case .file(let path): .place(SourcePlace(way: .named(path)))
        case .entry(let folder, let path): .place(SourcePlace(way: .below(folder, path)))
        case .stream(let descriptor): .stream(descriptor: descriptor)
        }
    }
}
