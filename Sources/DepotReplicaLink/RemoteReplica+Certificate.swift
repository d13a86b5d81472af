import DepotCertificates
import DepotCore
import DepotWire

// With TLS a replica shows who it is before anything is sent to it. What it says of itself
// afterwards has to be the same: else one replica could answer, and vouch, for another.
extension RemoteReplica {
    /// The standing in the answer to a request.
    func standing(
        answering request: WireRequest
    ) async throws(DepotError) -> ReplicaStanding {
        let (exchange, head) = try await transport.ask(request)
        do throws(DepotError) {
            try recognise(exchange.certificate, claiming: head.headers.replica)
            let body = try await body(of: exchange)
            let standing = try understand("its standing") { () throws(DepotError) in
                try Self.standing(body)
            }
            try recognise(exchange.certificate, claiming: standing.replica)
            return standing
        } catch {
            exchange.cancel()
            throw error
        }
    }

    /// - Throws: `misbehaving` where somebody says to be another replica than the certificate says
    ///   that it is.
    func recognise(
        _ certificate: Certificate?, claiming claimed: ReplicaID?
    ) throws(DepotError) {
        guard let certificate, let claimed else { return }
        guard certificate.role == .replica(claimed) else {
            throw misbehaving(
                "as replica \(claimed), with the certificate of "
                    + (certificate.role?.uri ?? "nobody of depot's"))
        }
        note(certificateEnds: certificate.validUntil)
    }
}
