import DepotCore
import Glibc

import struct SystemPackage.FilePath

// Paths are taken apart by `FilePath`, whose parts are bytes: to a `String` the slash before a
// combining mark is none, and two spellings of a name are one.

extension FilePath {
    /// Where its last part is.
    public var folder: FilePath {
        let folder = removingLastComponent()
        return folder.isEmpty ? "." : folder
    }

    /// Of one part.
    public init(_ component: Component) { self.init(root: nil, [component]) }

    /// The path of what has this name in the depot.
    public init(of name: PathName) {
        self.init(
            platformString: EscapedName.bytes(of: name.text).map(CChar.init(bitPattern:)) + [0])
    }

    /// What has this path is called so in the depot.
    public var name: String { withBytes { EscapedName.text(of: $0) } }

    /// For messages.
    var shown: String { withBytes { String(validating: $0, as: UTF8.self) ?? String(marking: $0) } }

    private func withBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        withPlatformString { body(UnsafeRawBufferPointer(start: $0, count: strlen($0))) }
    }
}
