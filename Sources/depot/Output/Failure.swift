import DepotCore
import DepotWire
import Glibc

/// How a command ends that did not do what was asked.
enum Failure {
    /// Tells of the error and ends the process with its exit code.
    ///
    /// - Parameter descriptor: where JSON goes: not into a file that is being written to standard output.
    static func report(
        _ error: DepotError, asJSON: Bool, to descriptor: Int32 = STDOUT_FILENO
    ) -> Never {
        if asJSON {
            Output.json(ErrorEnvelope(error), to: descriptor)
        } else {
            Output.complain(error.description)
        }
        exit(ErrorTable.row(for: error.code).exitCode)
    }
}
