import DepotCertificates
import DepotCore
import NIOCore
import NIOSSL
import Synchronization

/// What became of the other side's certificate while a connection was secured. BoringSSL is told
/// yes or no; who it is, or why not, stays here.
final class ShownCertificate: Sendable {
    private let result = Mutex<Result<Certificate, DepotError>?>(nil)

    /// `nil` where none was shown, or it was refused.
    var certificate: Certificate? { result.withLock { try? $0?.get() } }

    var refusal: DepotError? {
        result.withLock { result in
            if case .failure(let error)? = result { error } else { nil }
        }
    }

    /// Called with what was shown, in the middle of a handshake, on its event loop.
    func judge(
        _ chain: [NIOSSLCertificate], _ promise: EventLoopPromise<NIOSSLVerificationResult>,
        by verify: ([Certificate]) throws(DepotError) -> Void
    ) {
        let judged: Result<Certificate, DepotError>
        do throws(DepotError) {
            let shown = try Certificate.shown(chain)
            try verify(shown)
            judged =
                shown.first.map { .success($0) }
                ?? .failure(DepotError(.unauthorized, "there is no certificate"))
        } catch {
            judged = .failure(error)
        }
        result.withLock { $0 = judged }
        if case .success = judged {
            promise.succeed(.certificateVerified)
        } else {
            promise.succeed(.failed)
        }
    }
}
