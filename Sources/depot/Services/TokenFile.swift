import DepotClient
import DepotCore
import DepotServer
import DepotWire
import FoundationEssentials
import NIOCore

/// The tokens of a FileServer, in a file of its folder. It has their SHA-256, from which nobody gets
/// a token. Whoever can write it lets in whom he likes.
struct TokenFile: TokenKeeper {
    private static let format = 1

    private struct Body: Codable {
        let format: Int
        let tokens: [TokenGrant]
    }

    private let path: String

    /// - Parameter folder: the FileServer's.
    init(in folder: String) { path = "\(folder)/tokens.json" }

    func load() throws(DepotError) -> [TokenGrant] {
        guard FileManager.default.fileExists(atPath: path) else { return [] }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw DepotError(
                .fileFailed, "the list of tokens cannot be read; nobody was let in", object: path)
        }
        let body: Body
        do throws(DepotError) {
            body = try WireJSON.decode(Body.self, from: ByteBuffer(bytes: data))
        } catch {
            throw DepotError(
                .formatUnsupported,
                "it is no list of tokens: \(error.message). Put a copy of it back, or take it away "
                    + "and make all tokens anew; nobody was let in", object: path)
        }
        guard body.format == Self.format, body.tokens.count <= AccessTable.grantsMax else {
            throw DepotError(
                .formatUnsupported,
                "it has format \(body.format) and \(body.tokens.count) tokens, and this depot "
                    + "knows format \(Self.format) and at most \(AccessTable.grantsMax)",
                object: path)
        }
        return body.tokens
    }

    func keep(_ grants: [TokenGrant]) throws(DepotError) {
        let bytes = try WireJSON.encode(Body(format: Self.format, tokens: grants))
        let warnings = try WholeFile.write(bytes, to: path)
        guard !warnings.contains(.notDurable) else {
            throw DepotError(
                .fileFailed, "it was written, and may be lost in a power cut", object: path)
        }
    }
}
