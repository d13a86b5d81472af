import ArgumentParser
import DepotClient
import DepotCore
import DepotWire

struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read everything back, compare, and repair: the scrub.",
        discussion: """
            Every replica reads its own disk, past the cache, and hashes what it holds; no chunk \
            crosses the network. What was unchecked for longest comes first, so an interrupted \
            verification loses nothing. Then inventory and catalog are compared in both \
            directions, and damage is repaired from good copies.

            Exit codes: 0 clean, 1 damage was found and repaired, 2 damage remains, 8 not all \
            could be read, as of replicas that do not answer.

            EXAMPLES:
              depot verify                       # all disks, at half of their speed
              depot verify --replica r2 --unpaced
              depot verify --coverage            # how much was read lately
              depot verify --store /srv/r1       # a stopped replica
            """)

    @Option(
        help: ArgumentHelp("Only this replica; once for each.", valueName: "name"),
        completion: .replicaNames)
    var replica: [String] = []
    @Option(
        help: ArgumentHelp("Stop reading after so long, such as 20m.", valueName: "time"),
        transform: TimeSpan.parse)
    var budget: TimeSpan?
    @Option(
        help: ArgumentHelp(
            "Leave out what was read within so long, such as 30d.", valueName: "time"),
        transform: TimeSpan.parse)
    var maxAge: TimeSpan?
    @Flag(help: "Only tell what is wrong.") var noRepair = false
    @Flag(help: "Read as fast as the disks can, not half of the time.") var unpaced = false
    @Flag(help: "Tell how much of the copies was read in the last 30 days. Reads nothing.")
    var coverage = false
    @Option(
        help: ArgumentHelp(
            "Check a stopped replica's folder, without any server.", valueName: "folder"),
        completion: .directory)
    var store: String?
    @Option(
        help: ArgumentHelp("Prove a receipt again, of deposit --receipt.", valueName: "file"),
        completion: .file())
    var receipt: String?
    @OptionGroup var options: ServerOptions

    func validate() throws {
        let others = [
            coverage ? "--coverage" : nil, store.map { _ in "--store" },
            receipt.map { _ in "--receipt" },
        ].compactMap { $0 }
        guard let first = others.first else { return }
        let isVerification =
            !replica.isEmpty || budget != nil || maxAge != nil || noRepair || unpaced
        guard others.count == 1, !isVerification else {
            throw ValidationError("\(first) goes with none of the other options of verify")
        }
    }

    func run() async throws {
        if let store {
            return try await StoreVerification(folder: store, output: options.output).run()
        }
        let client = try options.client()
        if let receipt {
            return try await ReceiptProof.run(file: receipt, client: client, output: options.output)
        }
        if coverage { return try await Coverage(client: client, output: options.output).run() }
        let output = options.output
        let body = VerifyBody(
            verification: .random(), replicas: replica.isEmpty ? nil : replica,
            budgetSeconds: budget?.seconds,
            ageSecondsMax: maxAge?.seconds, repairs: !noRepair,
            isUnpaced: unpaced)
        let result = try await Interruption.guarding(
            saying: "what was read counts; the next verification begins with the rest"
        ) { () throws(DepotError) in
            try await VerificationWatch(client: client, output: output).run(body)
        }
        throw ExitCode(result.exitCode)
    }
}
