import DepotCore
import DepotWire
import NIOHTTP1

extension FileServerClient {
    // MARK: Members

    /// Begins to empty a replica; the work is done in the background. See `drainStatus`.
    public func startDrain(_ body: DrainRequestBody) async throws(DepotError) -> DrainBody {
        try await json(.POST, "\(FileServerRoute.replicas)/drain", body: body, patience: .hours(1))
    }

    public func drainStatus(of replica: String) async throws(DepotError) -> DrainBody {
        try await json(WireRequest(.GET, Self.drainPath(of: replica)))
    }

    public func stopDrain(of replica: String) async throws(DepotError) -> DrainBody {
        try await json(WireRequest(.DELETE, Self.drainPath(of: replica)))
    }

    private static func drainPath(of replica: String) -> String {
        "\(FileServerRoute.replicas)/drain?replica=\(PercentEncoding.encode(replica))"
    }

    /// Takes a replica off the member list.
    public func forget(_ body: ForgetRequestBody) async throws(DepotError) -> ForgottenBody {
        let delivery = Delivery()
        do throws(DepotError) {
            return try await json(
                .POST, "\(FileServerRoute.replicas)/forget", body: body, patience: .hours(1),
                delivery: delivery)
        } catch {
            guard error.code == .notFound, delivery.mayBeRepeated else { throw error }
            throw DepotError(
                .unreachable,
                "the answer was lost; asked again, the FileServer knows no such member, so it may "
                    + "have been forgotten by the first request. See depot status",
                object: body.replica)
        }
    }

    /// A page of what would be missing.
    public func simulate(_ body: SimulationRequestBody) async throws(DepotError) -> SimulationBody {
        try await json(
            .POST, "\(FileServerRoute.replicas)/simulation", body: body, patience: .hours(1))
    }

    // MARK: Receipts

    /// Has every chunk of the receipt read from its disks and hashed now; takes as long as that
    /// takes.
    public func prove(_ receipt: ReceiptBody) async throws(DepotError) -> ReceiptProofBody {
        try await json(.POST, FileServerRoute.receipts, body: receipt, patience: .hours(24))
    }
}
