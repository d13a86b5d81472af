import ArgumentParser
import DepotClient
import DepotCore
import DepotWire

struct Forget: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Take a replica off the member list.",
        discussion: """
            Refused while it holds the only good copy of something, or is up and not drained. It \
            is never let in again with what it holds; another one at its address is welcome.

            EXAMPLES:
              depot forget r2
              depot forget r2 --accept-loss   # its disk is gone for good
            """)

    @Argument(help: "The replica, by name, address or UUID.", completion: .replicaNames)
    var replica: String
    @Flag(help: "Forget it though something is lost by it, or though it is up and not drained.")
    var acceptLoss = false
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let client = try options.client()
        let forgotten = try await Progress.whileWaiting("forget", options.output) {
            () async throws(DepotError) in
            try await client.forget(ForgetRequestBody(replica: replica, acceptLoss: acceptLoss))
        }
        if options.output.json { return Output.json(forgotten) }
        guard !options.output.quiet else { return }
        Output.line(
            "\(forgotten.name)  forgotten (\(forgotten.replica)); "
                + "\(Output.plural(forgotten.members, "member")) left")
        if forgotten.lostFiles > 0 {
            Output.line(
                "  \(Output.plural(forgotten.lostFiles, "file")) "
                    + "(\(ByteCount(forgotten.lostBytes))) cannot be read any more")
        }
    }
}
