import DepotCore
import DepotWire

extension DepotError {
    /// The error with the name that it is of, which may be its object already.
    func told(of name: String) -> String { object == name ? description : "\(name): \(self)" }
}

/// Files of a tree that a command did not manage. The first ones are told when they fail; they are kept
/// only for JSON.
struct FailedFiles: Sendable {
    struct Entry: Encodable, Sendable {
        let name: String
        let error: ErrorEnvelope.Body
    }

    /// So many are told; `--verbose` tells all.
    static let toldMax = 10

    private(set) var count = 0
    private var entries: [Entry] = []
    /// By name: which of several fails first is chance, and the command's exit code is not to be.
    private(set) var first: (name: String, error: DepotError)?

    /// - Returns: whether people are to be told of it.
    mutating func add(_ name: String, _ error: DepotError, _ output: OutputOptions) -> Bool {
        count += 1
        if first.map({ name < $0.name }) ?? true { first = (name, error) }
        if output.json { entries.append(Entry(name: name, error: ErrorEnvelope(error).error)) }
        return !output.json && (output.verbose || count <= Self.toldMax)
    }

    var sorted: [Entry] { entries.sorted { $0.name < $1.name } }

    /// What the command ends with.
    ///
    /// - Parameter verb: `deposited`, say.
    func summary(
        outOf total: Int, _ verb: String, _ output: OutputOptions
    ) -> DepotError? {
        first.map { first in
            let areAllTold = output.json || output.verbose || count <= Self.toldMax
            return DepotError(
                first.error.code,
                "\(count) of \(Output.plural(total, "name")) could not be \(verb), first "
                    + "\(first.error)"
                    + (areAllTold ? "" : "; with --verbose each of them is told"))
        }
    }
}
