import DepotCore
import DepotWire
import NIOHTTP1

/// Who may do what.
extension FileServerClient {
    public func tokens() async throws(DepotError) -> TokenListBody {
        try await json(WireRequest(.GET, FileServerRoute.tokens))
    }

    public func createToken(_ body: NewTokenBody) async throws(DepotError) -> TokenBody {
        try await json(.POST, FileServerRoute.tokens, body: body)
    }

    public func rotateToken(
        _ name: TokenName, _ body: RotationBody
    ) async throws(DepotError) -> TokenBody {
        try await json(.POST, "\(FileServerRoute.tokens)/\(name.text)/rotation", body: body)
    }

    public func revokeToken(_ name: TokenName) async throws(DepotError) {
        _ = try await send(WireRequest(.DELETE, "\(FileServerRoute.tokens)/\(name.text)"))
    }
}
