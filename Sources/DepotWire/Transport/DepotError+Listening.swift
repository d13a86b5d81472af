import DepotCore
import NIOCore

extension DepotError {
    /// Why a daemon cannot listen where it was told to.
    ///
    /// - Parameter cause: what the attempt ended with.
    public static func cannotListen(
        host: String, port: Int, because cause: any Error
    ) -> DepotError {
        if let known = cause as? DepotError { return known }
        let address = Endpoint(host: host, port: port).authority
        guard let failure = cause as? IOError else {
            return DepotError(
                .unreachable, "cannot listen there; is the name or the address right?",
                object: address, cause: cause)
        }
        // A port that is taken, an address of another machine, a port that only root may have: none
        // of them is a file's.
        let reason = DepotError.file("cannot listen there", address, errno: failure.errnoCode)
        return DepotError(.unreachable, reason.message, object: address)
    }
}
