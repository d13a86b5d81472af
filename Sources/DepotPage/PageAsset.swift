import CPageAssets
import DepotCore

// The page has to come out of one static binary, without a file beside it and without a step before
// the build. SwiftPM would write such files as array literals, on which the compiler spends ten
// seconds; `#embed` in C takes none. See `Sources/CPageAssets`.

/// A file that the page consists of.
public struct PageAsset: Sendable, Hashable {
    public let name: String
    /// The media type.
    public let type: String
    public let bytes: [UInt8]
    /// Another content has another one.
    public let tag: String

    init(name: String, type: String, bytes: [UInt8]) {
        self.name = name
        self.type = type
        self.bytes = bytes
        tag = String(ChunkID(hashing: String(decoding: bytes, as: UTF8.self)).hex.prefix(32))
    }

    /// Those that the page asks for.
    public static let all = embedded.filter {
        $0.type != Self.templateType && $0.name != interfaceName
    }

    /// What can be asked of a FileServer, by OpenAPI 3.1.
    ///
    /// - Throws: `internalError` where the program was built without it.
    public static func interface() throws(DepotError) -> PageAsset { try source(interfaceName) }

    /// - Throws: `internalError`.
    static func source(_ name: String) throws(DepotError) -> PageAsset {
        guard let found = embedded.first(where: { $0.name == name }) else {
            throw DepotError(.internalError, "the program lacks one of its files", object: name)
        }
        return found
    }

    private static let interfaceName = "openapi.yaml"

    /// - Returns: `nil` where there is none of the name.
    public init?(named name: String) {
        guard let found = Self.byName[name] else { return nil }
        self = found
    }

    static let templateType = "template"
    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    static let embedded: [PageAsset] = (0..<depot_page_asset_count()).map { index in
        let asset = depot_page_asset_at(index)
        let name = String(cString: asset.name)
        return PageAsset(
            name: name, type: type(of: name),
            bytes: Array(UnsafeBufferPointer(start: asset.bytes, count: asset.size)))
    }

    private static func type(of name: String) -> String {
        switch name.split(separator: ".").last {
        case "js": "text/javascript; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "svg": "image/svg+xml"
        case "mustache": templateType
        // RFC 9512.
        case "yaml": "application/yaml"
        default: "application/octet-stream"
        }
    }

    public static func == (left: Self, right: Self) -> Bool {
        left.name == right.name && left.tag == right.tag
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
