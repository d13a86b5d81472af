import DepotCore
import Logging
import ServiceLifecycle
import UnixSignals

/// Reads a daemon's settings again at SIGHUP. How much is logged changes at once; what else has changed
/// is told, and holds from the next start on.
struct SettingsWatch: Service {
    /// `serve` or `replica`.
    let command: String
    /// Whether the command line says how much is logged.
    let isLevelGiven: Bool
    let logger: Logger

    func run() async throws {
        var before = Settings.current
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            do throws(DepotError) {
                let now = try Settings.ofProcess()
                try apply(now, since: before)
                before = now
            } catch {
                logger.error(
                    "the settings are not used, those before stay", metadata: ["why": "\(error)"])
            }
        }
    }

    private func apply(_ now: Settings?, since before: Settings?) throws(DepotError) {
        guard let vocabulary = (now ?? before)?.vocabulary else {
            logger.notice("there are no settings to read")
            return
        }
        var waiting: [String] = []
        for key in vocabulary.keys(of: nil) + vocabulary.keys(of: command)
        where try now?[key]?.values != before?[key]?.values {
            if !key.hasSuffix("log-level") { waiting.append(key) }
        }
        if !isLevelGiven {
            var found = try now?["\(command).log-level"]
            if found == nil { found = try now?["log-level"] }
            let text = found?.values.first ?? ""
            LogLevel.current = Logger.Level(rawValue: text) ?? .notice
        }
        logger.notice(
            "the settings were read",
            metadata: [
                "logLevel": "\(LogLevel.current)",
                "atTheNextStart": "\(waiting.isEmpty ? "nothing" : waiting.joined(separator: " "))",
            ])
    }
}
