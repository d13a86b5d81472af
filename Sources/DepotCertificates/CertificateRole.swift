import DepotCore

/// What a certificate's owner is in a deployment. It stands in the certificate as a URI beside the
/// names of hosts, so that a replica's key is of no use to act as the FileServer, nor one replica's
/// to act as another.
public enum CertificateRole: Sendable, Hashable {
    case fileServer
    case replica(ReplicaID)

    private static let fileServerURI = "urn:depot:fileserver"
    private static let replicaPrefix = "urn:depot:replica:"

    public init?(uri: String) {
        if uri == Self.fileServerURI {
            self = .fileServer
        } else if uri.hasPrefix(Self.replicaPrefix),
            let id = ReplicaID(uri.dropFirst(Self.replicaPrefix.count))
        {
            self = .replica(id)
        } else {
            return nil
        }
    }

    public var uri: String {
        switch self {
        case .fileServer: Self.fileServerURI
        case .replica(let id): Self.replicaPrefix + id.description
        }
    }

    public var replica: ReplicaID? {
        if case .replica(let id) = self { id } else { nil }
    }
}
