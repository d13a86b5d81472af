import DepotCluster
import DepotCore

// Whoever asked for a change and got no answer, or was told to ask again, sends the same request. It
// must make nothing twice: meanwhile others may have deposited what it would delete. So its id is in
// the record that it made, and a change counts as done when a majority has that record.

/// Changes of names that may be asked for again.
struct RepeatableChange: Sendable {
    let catalog: any ChangeCatalog
    let deliverer: RecordDeliverer

    /// What the same request has made before. It is durable when this returns, unless it was
    /// overtaken.
    ///
    /// - Returns: `nil` where the request is new, or has no id.
    func made(
        by request: RequestID?, of name: FileName
    ) async throws(DepotError) -> EarlierChange? {
        guard let request, let made = try await catalog.change(of: name, madeBy: request) else {
            return nil
        }
        if made.isNewest { try await acknowledge(made.kept) }
        return made
    }

    /// For somebody who was told to ask again, and has no id to ask with.
    ///
    /// - Throws: `notFound` where there is nothing that was deleted and is on its way still.
    func acknowledgeDeletion(of name: FileName) async throws(DepotError) {
        guard let kept = try await catalog.undelivered(name), case .deleted = kept.record.content
        else {
            throw DepotError(.notFound, "no such file in the depot", object: name.text)
        }
        try await acknowledge(kept)
    }

    /// - Throws: `notEnoughReplicas` where too few replicas have the record.
    func acknowledge(_ kept: KeptRecord) async throws(DepotError) {
        let delivery = try await deliverer.deliver([kept.batch])
        try delivery.first?.require(all: false, of: kept.record.name)
    }
}
