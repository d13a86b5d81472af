import DepotCore

import struct SystemPackage.FilePath

/// What is to be deposited under a name.
public struct UploadSource: Sendable {
    public enum Origin: Sendable {
        /// A file, a link to one, a device or a pipe: what the user named.
        case file(path: String)
        /// What was a regular file when its folder was listed. Nothing else is read in its place.
        case entry(OpenFolder, path: FilePath)
        /// A folder, without what is in it.
        case folder(OpenFolder, path: FilePath)
        /// A symbolic link itself, whatever it leads to.
        case link(OpenFolder, path: FilePath)
        /// A pipe, a socket or a device itself, which is not opened.
        case special(OpenFolder, path: FilePath)
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
        case folder(SourcePlace)
        case link(SourcePlace)
        case special(SourcePlace)
    }

    var input: Input {
        switch origin {
        case .file(let path): .place(SourcePlace(way: .named(path)))
        case .entry(let folder, let path): .place(SourcePlace(way: .below(folder, path)))
        case .folder(let folder, let path): .folder(SourcePlace(way: .below(folder, path)))
        case .link(let folder, let path): .link(SourcePlace(way: .below(folder, path)))
        case .special(let folder, let path): .special(SourcePlace(way: .below(folder, path)))
        case .stream(let descriptor): .stream(descriptor: descriptor)
        }
    }
}
