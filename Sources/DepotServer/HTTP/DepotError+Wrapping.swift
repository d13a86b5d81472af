import DepotCore

extension DepotError {
    /// What is not one of ours is a mistake of ours.
    init(wrapping error: any Error) {
        self =
            switch error {
            case let error as DepotError: error
            case is CancellationError:
                DepotError(.unreachable, "given up: the server is stopping, or the request is over")
            default: DepotError(.internalError, "\(error)", cause: error)
            }
    }
}
