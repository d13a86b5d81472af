import ArgumentParser
import DepotClient
import DepotCore
import DepotWire

struct Revert: AsyncParsableCommand, NamesFiles {
    static let configuration = CommandConfiguration(
        abstract: "Make a file what it was.",
        discussion: """
            The version is committed once more, with its level; no byte is copied. What the file is \
            now becomes a version. depot versions NAME lists them.

            EXAMPLES:
              depot revert report.pdf@1-7
            """)

    @Argument(
        help: ArgumentHelp("The version, as versions lists it.", valueName: "name@version"),
        completion: .fileVersions)
    var version: String
    @OptionGroup var options: ServerOptions

    func run() async throws {
        let client = try options.client()
        let version = try await VersionName.parse(version, client)
        guard let sequence = version.sequence else {
            throw DepotError(
                .invalidArgument,
                "say which version: \(version.name)@1-7, as 'depot versions' lists it",
                object: version.name.text)
        }
        let reverted = try await client.revert(version.name, to: sequence)
        if options.output.json { return Output.json(reverted) }
        guard !options.output.quiet else { return }
        Output.line(
            "\(version.name) is what it was at \(sequence.short), as "
                + "\(version.name)@\(reverted.sequence.short)\(reverted.shortfall)")
    }
}

extension RevertedBody {
    /// For people to read, behind what was done; empty where all copies are there.
    var shortfall: String {
        guard isDegraded, let copies else { return "" }
        return "  DEGRADED: \(copies.wrappedValue) of \(level) copies; repair makes the others"
    }
}
