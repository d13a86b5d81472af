import DepotCore
import DepotWire

extension FileServerClient {
    public func startVerification(
        _ body: VerifyBody
    ) async throws(DepotError) -> VerificationBody {
        try await json(.POST, FileServerRoute.verifications, body: body)
    }

    /// - Parameter after: problems that were seen already; those behind them come, a page.
    public func verification(
        _ id: VerificationID, after: Int
    ) async throws(DepotError) -> VerificationBody {
        try await json(WireRequest(.GET, "\(FileServerRoute.verifications)/\(id)?after=\(after)"))
    }

    public func stopVerification(_ id: VerificationID) async throws(DepotError) {
        _ = try await send(WireRequest(.DELETE, "\(FileServerRoute.verifications)/\(id)"))
    }

    public func coverage(days: Int) async throws(DepotError) -> CoverageBody {
        try await json(WireRequest(.GET, "\(FileServerRoute.coverage)?days=\(days)"))
    }

    /// Takes as long as deleting and compacting takes.
    public func collect(_ body: CollectBody) async throws(DepotError) -> CollectionBody {
        try await json(.POST, FileServerRoute.collections, body: body, patience: .hours(24))
    }
}
