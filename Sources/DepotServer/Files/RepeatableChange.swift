import DepotCluster
import DepotCore

// Whoever asked for a change and got no answer, or was told to ask again, sends the same request. It
// must make nothing twice: meanwhile others may have deposited what it would delete. So its id is in
// the record that it made, and a change counts as done when a majority has that record.

/// Changes of names that may be asked for again.
struct RepeatableChange: Sendable {
    let catalog: any FileCatalog
    let deliverer: RecordDeliverer

    /// The record that the same request has made before, durable when this returns. One that was
    /// overtaken need not be.
    ///
    /// - Returns: `nil` where the request is new, or has no id.
    func isMade(
        by request: RequestID?, of name: FileName
    ) async throws(DepotError) -> FileRecord? {
        guard let request, let made = try await catalog.change(of: name, madeBy: request) else {
            return nil
        }
        if made.isNewest { try await acknowledge(made.record) }
        return made.record
    }

    /// For somebody who was told to ask again, and has no id to ask with.
    ///
    /// - Throws: `notFound` where there is nothing that was deleted and is on its way still.
    func acknowledgeDeletion(of name: FileName) async throws(DepotError) {
        guard let record = try await catalog.undelivered(name) else {
            throw DepotError(.notFound, "no such file in the depot", object: name.text)
        }
        try await acknowledge(record)
    }

    /// - Throws: `notEnoughReplicas` where too few replicas have the record.
    func acknowledge(_ record: FileRecord) async throws(DepotError) {
        let delivery = try await deliverer.deliver([record])
        try delivery.first?.require(all: false, of: record.name)
    }
}
