import DepotCore
import DepotServer
import DepotWire
import Glibc
import Logging
import Synchronization

/// The audit, a line of JSON for each change, behind what is in the file. Lines are handed to the
/// system one by one, and are not synced: a power cut may take the last ones.
final class AuditFile: Auditor {
    private let path: String
    private let descriptor: Int32
    private let logger: Logger
    /// Whether the last line could not be written: that is logged once.
    private let hasFailed = Mutex(false)

    /// - Throws: where it cannot be written.
    init(_ path: String, _ logger: Logger) throws(DepotError) {
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .file("the audit cannot be written", path) }
        self.path = path
        self.logger = logger
    }

    deinit { close(descriptor) }

    func note(_ event: AuditEvent) {
        let isWritten = write(event)
        let isNews = hasFailed.withLock { failed in
            defer { failed = !isWritten }
            return !isWritten && !failed
        }
        guard isNews else { return }
        logger.error("the audit cannot be written", metadata: ["path": "\(path)"])
    }

    private func write(_ event: AuditEvent) -> Bool {
        guard var line = try? WireJSON.encode(event) else { return false }
        line.writeInteger(UInt8(ascii: "\n"))
        // One call: lines of several threads do not mix.
        return line.withUnsafeReadableBytes {
            Glibc.write(descriptor, $0.baseAddress, $0.count) == $0.count
        }
    }
}
