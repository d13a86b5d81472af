/// What every operation of depot throws.
///
/// The message says what failed, what was expected and found, and what to do; `object` says on
/// what: a chunk id, a name, a replica, a path.
public struct DepotError: Error, Sendable {
    /// Why it failed. A case exists only because some caller branches on it.
    public enum Code: String, Sendable, Codable, CaseIterable {
        /// No such file, deposit, replica or chunk.
        case notFound
        /// Something else was committed first, or the state does not allow it.
        case conflict
        /// Fewer replicas than the operation needs.
        case notEnoughReplicas
        /// A token or a certificate is missing or wrong.
        case unauthorized
        /// The token is right, and does not let its holder do that.
        case forbidden
        /// A disk or a reserve is full; nothing was written.
        case storageFull
        /// The other side did not answer, or not in time.
        case unreachable
        /// A replica answered what none may: more than was asked for, or what cannot be. Its answer
        /// is used for nothing.
        case misbehaving
        /// The request cannot be right, however often it is sent.
        case invalidArgument
        /// Over a named limit.
        case tooLarge
        /// Over a limit that passes: wait and send again.
        case busy
        /// The bytes are not those that their id names.
        case hashMismatch
        /// Not a manifest, or one that contradicts itself or its chunks.
        case manifestInvalid
        /// The lease is over; open the deposit again.
        case leaseEnded
        /// The replica belongs to another cluster.
        case clusterMismatch
        /// The FileServer's epoch is lower than one that the replica has seen.
        case epochStale
        /// No good copy of a chunk is reachable.
        case noGoodCopy
        /// The store refuses writes after an I/O error, until it is opened again.
        case storeFailed
        /// A newer format than this program knows; it was not touched.
        case formatUnsupported
        /// A file, a folder or a stream of this machine cannot be read or written, and not for want
        /// of room.
        case fileFailed
        /// Who was to read what is written has gone.
        case readerGone
        /// A mistake of depot's own.
        case internalError
    }

    public let code: Code
    public let message: String
    public let object: String?
    public let cause: (any Error)?

    public init(
        _ code: Code, _ message: String, object: String? = nil, cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.object = object
        self.cause = cause
    }
}

extension DepotError: CustomStringConvertible {
    public var description: String {
        let text = object.map { "\($0): \(message)" } ?? message
        return cause.map { "\(text) (\($0))" } ?? text
    }
}
