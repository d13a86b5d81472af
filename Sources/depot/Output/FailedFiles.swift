import DepotCore
import DepotWire

/// Files of a tree that a command did not manage. Each is told when it fails; they are kept only
/// for JSON.
struct FailedFiles: Sendable {
    struct Entry: Encodable, Sendable {
        let name: String
        let error: ErrorEnvelope.Body
    }

    private(set) var count = 0
    private var entries: [Entry] = []
    /// By name: which of several fails first is chance, and the command's exit code is not to be.
    private(set) var first: (name: String, error: DepotError)?

    mutating func add(_ name: String, _ error: DepotError, keeps: Bool) {
        count += 1
        if first.map({ name < $0.name }) ?? true { first = (name, error) }
        if keeps { entries.append(Entry(name: name, error: ErrorEnvelope(error).error)) }
    }

    var sorted: [Entry] { entries.sorted { $0.name < $1.name } }

    /// What the command ends with.
    ///
    /// - Parameter verb: `deposited`, say.
    func summary(outOf total: Int, _ verb: String) -> DepotError? {
        first.map { first in
            DepotError(
                first.error.code,
                "\(count) of \(Output.plural(total, "name")) could not be \(verb), first "
                    + "\(first.error)")
        }
    }
}
