import DepotCertificates
import DepotCore
import DepotWire
import Logging
import ServiceLifecycle
import UnixSignals

/// Looks every minute, and at SIGHUP, whether a daemon's certificate was renewed, and warns before
/// it expires.
struct TLSWatch: Service {
    private static let period = Duration.seconds(60)
    private static let warned = Duration.seconds(86_400)
    /// So many days before its end it is told once a day: enough for a holiday.
    private static let daysMin = 30

    let keeper: TLSKeeper
    let logger: Logger

    /// None where there is no TLS.
    static func services(_ keeper: TLSKeeper?, _ logger: Logger) -> [any Service] {
        keeper.map { [TLSWatch(keeper: $0, logger: logger)] } ?? []
    }

    func run() async throws {
        warn()
        let hangups = await UnixSignalsSequence(trapping: .sighup)
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    for await _ in hangups { look(isSure: true) }
                }
                group.addTask { await watch() }
            }
        }
    }

    private func watch() async {
        var lastWarning = ContinuousClock.now
        while true {
            do { try await Task.sleep(for: Self.period) } catch { return }
            look(isSure: false)
            guard lastWarning.duration(to: .now) >= Self.warned else { continue }
            lastWarning = .now
            warn()
        }
    }

    private func look(isSure: Bool) {
        switch keeper.look(isSure: isSure) {
        case .unchanged: break
        case .renewed:
            logger.notice(
                "new connections begin with the new certificate",
                metadata: ["daysLeft": "\(keeper.daysLeft)"])
            warn()
        case .refused(let error):
            logger.error(
                "the new certificate is not used, the one before stays",
                metadata: ["why": "\(error)"])
        }
    }

    private func warn() {
        let days = keeper.daysLeft
        guard days < Self.daysMin else { return }
        logger.warning(
            "the certificate expires soon; renew it, as with `depot tls init --renew`",
            metadata: ["file": "\(keeper.files.certificate)", "daysLeft": "\(days)"])
    }
}
