import DepotWire
import HTTPTypes
import HummingbirdCore

/// One request as it came, with its body and the transfer that both are part of.
struct Exchange {
    let headers: HTTPFields
    let credentials: Credentials
    let body: IncomingBody
    let transfer: Transfer
    /// Whoever sent it, who may take its route.
    let caller: Caller
    let audit: AuditNote
}
