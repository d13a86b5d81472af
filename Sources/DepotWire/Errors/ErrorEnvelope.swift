import DepotCore

/// An error as it crosses the network, and as `--json` prints it:
/// `{"error":{"code","message","object"}}`.
public struct ErrorEnvelope: Sendable, Codable {
    public struct Body: Sendable, Codable {
        public let code: DepotError.Code
        public let message: String
        public let object: String?

        public var depotError: DepotError { DepotError(code, message, object: object) }
    }

    public let error: Body

    public init(_ error: DepotError) {
        self.error = Body(code: error.code, message: error.message, object: error.object)
    }

    public var depotError: DepotError { error.depotError }
}
