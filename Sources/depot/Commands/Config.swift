import ArgumentParser
import DepotCore

struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell what files and the environment set.",
        discussion: """
            What a command is not told on its command line it takes from the environment, then from \
            the YAML files in ~/.config/depot, then from those in /etc/depot. In each folder the \
            last file by name counts most.

              server: https://depot.example:7400
              token-file: /etc/depot/client.token
              serve:
                data: /srv/depot
                replica:
                  - r1=https://10.0.0.11:7401
                  - r2=https://10.0.0.12:7401

            A variable is called as its key, DEPOT_SERVE_DATA. DEPOT_CONFIG_PATH names other folders, \
            with colons between them.

            EXAMPLES:
              depot config show
              depot config show serve
            """, subcommands: [ShowConfig.self])
}

struct ShowConfig: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Tell what is set, and where; of a command, all that can be.",
        discussion: """
            EXAMPLES:
              depot config show
              depot config show replica --json
            """)

    @Argument(help: "serve, replica, local, deposit, retrieve or verify.") var command: String?
    @OptionGroup var output: OutputOptions

    private struct Row: Encodable {
        let key: String
        let values: [String]
        /// Absent where it is depot's own.
        let source: String?
    }

    private struct Body: Encodable {
        let settings: [Row]
        let unreadable: [String]
    }

    func run() throws {
        let settings = try Settings.current ?? .none()
        let vocabulary = settings.vocabulary
        if let command, !vocabulary.sections.contains(command) {
            throw DepotError(
                .invalidArgument, vocabulary.refusal(ofSection: command), object: command)
        }
        let keys =
            vocabulary.keys(of: nil)
            + (command.map { [$0] } ?? vocabulary.sections).flatMap { vocabulary.keys(of: $0) }
        var rows: [Row] = []
        for key in keys {
            if let found = try settings[key] {
                rows.append(Row(key: key, values: found.values, source: found.source))
            } else if command != nil {
                let usual = vocabulary.usual(key)
                rows.append(Row(key: key, values: usual.map { [$0] } ?? [], source: nil))
            }
        }
        if output.json { return Output.json(Body(settings: rows, unreadable: settings.unreadable)) }
        guard !output.quiet else { return }
        for path in settings.unreadable { Output.note("not readable: \(path)", .warning) }
        guard !rows.isEmpty else {
            return Output.line("nothing is set; 'depot help config' tells how")
        }
        Output.table(
            [["KEY", "VALUE", "FROM"]]
                + rows.map { row in
                    [row.key, row.values.joined(separator: ", "), row.source ?? "default"]
                })
    }
}
