import ArgumentParser
import DepotCore
import DepotWire
import Glibc

/// How a command ends. There is no other way: results that could not be written are found out here.
enum Failure {
    /// Ends the process.
    static func end(_ code: Int32 = 0) -> Never {
        guard let unwritten = Output.failure else { exit(code) }
        // A reader that has seen enough, as `head` does, is no news.
        if unwritten.code != .readerGone {
            Output.complain("the results are not whole: \(unwritten)")
        }
        exit(code == 0 ? ErrorTable.row(for: unwritten.code).exitCode : code)
    }

    /// Ends the process as what ended a command says.
    static func end(_ error: any Error, asJSON: Bool) -> Never {
        switch error {
        case let error as DepotError: report(error, asJSON: asJSON)
        case let code as ExitCode: end(code.rawValue)
        default: end(parsing: error, asJSON: asJSON)
        }
    }

    /// Tells of the error and ends the process with its exit code.
    ///
    /// - Parameter stream: where JSON goes: not into a file that is being written to standard
    ///   output.
    static func report(
        _ error: DepotError, asJSON: Bool, to stream: StandardStream = .output
    ) -> Never {
        if asJSON { Output.json(ErrorEnvelope(error), to: stream) }
        // What cannot be written where it belongs is told all the same.
        if !asJSON || Output.failure != nil, error.code != .readerGone {
            Output.complain(error.description)
        }
        end(ErrorTable.row(for: error.code).exitCode)
    }

    /// What the parser of the command line throws: help that was asked for, and what is wrong with
    /// the words.
    private static func end(parsing error: any Error, asJSON: Bool) -> Never {
        let code = Depot.exitCode(for: error)
        let text = Depot.fullMessage(for: error)
        if code == .success {
            Output.page(text)
            end()
        }
        guard code == .validationFailure else {
            report(DepotError(.internalError, "\(error)", cause: error), asJSON: asJSON)
        }
        if asJSON {
            report(DepotError(.invalidArgument, Depot.message(for: error)), asJSON: true)
        }
        // What was typed may stand in it.
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            Output.note(String(line))
        }
        end(code.rawValue)
    }
}
