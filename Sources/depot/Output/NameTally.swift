import DepotCore
import DepotWire

/// What became of names that a command changes, each when it is known. What was done is kept only for
/// JSON.
struct NameTally<Done: Encodable & Sendable> {
    let output: OutputOptions
    /// Of those that were done: `deleted`, say.
    let verb: String
    /// Whether there is one name, of which the error that is thrown tells.
    let isAlone: Bool
    private let progress: Progress
    private(set) var count = 0
    private(set) var done: [Done] = []
    private(set) var failed = FailedFiles()

    /// - Parameter action: as progress names it.
    init(_ action: String, _ output: OutputOptions, _ verb: String, isAlone: Bool) {
        self.output = output
        progress = Progress(action, .names, options: output)
        self.verb = verb
        self.isAlone = isAlone
    }

    /// - Parameter line: what people are told of one that was done.
    mutating func take(
        _ name: FileName, _ result: Result<Done, DepotError>, line: (Done) -> String
    ) {
        switch result {
        case .success(let value):
            count += 1
            if output.json {
                done.append(value)
            } else if !output.quiet {
                progress.clear()
                Output.line(line(value))
            }
        case .failure(let error): fail(name, error)
        }
        progress.advance()
    }

    mutating func fail(_ name: FileName, _ error: DepotError) {
        if failed.add(name.text, error, output), !isAlone {
            progress.interrupt("depot: \(error)", .bad)
        }
    }

    /// Writes the result; throws what went wrong.
    ///
    /// - Parameters:
    ///   - body: for JSON.
    ///   - summary: for people, where several names were meant.
    func finish(_ body: some Encodable, summary: String?) throws(DepotError) {
        progress.end()
        let error =
            count == 0 && failed.count == 1
            ? failed.first?.error : failed.summary(outOf: count + failed.count, verb, output)
        if output.json {
            if count == 0, let error { throw error }
            Output.json(body)
            if let error { Failure.end(ErrorTable.row(for: error.code).exitCode) }
            return
        }
        if let error { throw error }
        if let summary, !output.quiet { Output.line(summary) }
    }
}
