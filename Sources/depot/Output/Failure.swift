import DepotCore
import DepotWire
import Glibc

/// How a command ends that did not do what was asked.
enum Failure {
    /// Tells of the error and ends the process with its exit code.
    static func report(_ error: DepotError, asJSON: Bool) -> Never {
        if asJSON {
            Output.json(ErrorEnvelope(error))
        } else {
            Output.complain(error.description)
        }
        exit(ErrorTable.row(for: error.code).exitCode)
    }
}
