import DepotCore
import DepotWire
import HTTPTypes
import HummingbirdCore
import Logging

extension HTTPFrontEnd {
    /// Keeps what came of a request that changes something, or was not let do so.
    func audit(
        _ request: FileServerRequest, _ head: Request, _ exchange: Exchange, _ response: Response
    ) {
        let rule = request.route.rule
        guard rule.isChange else { return }
        let isDone = response.status.code < 400
        var (names, refused) = (exchange.audit.names, exchange.audit.refused)
        if let name = request.name {
            if isDone { names.append(name) } else { refused.append(name) }
        }
        let event = AuditEvent(
            time: parts.context.clock.timestamp(), id: TraceID.current, who: exchange.caller.name,
            address: exchange.transfer.borrower.address,
            what: rule.words, request: "\(head.method.rawValue) \(head.uri.path)", names: names,
            refused: refused, status: response.status.code,
            isAdministrative: rule.scope == .admin)
        guard let auditor = configuration.audit else { return log(event) }
        auditor.note(event)
    }

    private func log(_ event: AuditEvent) {
        logger.log(
            level: event.isAdministrative ? .notice : .info, "\(event.what)",
            metadata: [
                "who": "\(event.who)", "address": "\(event.address)",
                "request": "\(event.request)", "status": "\(event.status)",
                "names": "\(event.names.count)", "refused": "\(event.refused.count)",
            ])
    }
}
