import ArgumentParser
import DepotCore
import FoundationEssentials

/// The options of all commands, as the commands themselves tell them.
struct CommandOptions: Sendable {
    struct Option: Sendable {
        /// As `listen`, without hyphens before it.
        let name: String
        /// All spellings, as `--recursive` and `-r`.
        let spellings: [String]
        /// Whether it takes no value.
        let isFlag: Bool
        /// Whether it may be given again and again.
        let isRepeated: Bool
        let usual: String?
    }

    private struct Tool: Decodable { let command: Command }
    private struct Command: Decodable {
        let commandName: String
        let subcommands: [Command]?
        let arguments: [Argument]?
    }
    private struct Argument: Decodable {
        struct Name: Decodable {
            let kind: String
            let name: String
        }

        let kind: String
        let names: [Name]?
        let isRepeating: Bool
        let defaultValue: String?
        let abstract: String?

        /// Of options that are transformed the help alone says it.
        var usual: String? {
            defaultValue
                ?? abstract?.firstMatch(of: /\(default: (?<usual>[^)]*)\)/).map { String($0.usual) }
        }
    }

    private let commands: [String: [Option]]

    init() throws(DepotError) {
        do {
            let tool = try JSONDecoder().decode(Tool.self, from: Data(Depot._dumpHelp().utf8))
            commands = Dictionary(
                (tool.command.subcommands ?? []).map { ($0.commandName, Self.options(of: $0)) },
                uniquingKeysWith: { first, _ in first })
        } catch {
            throw DepotError(.internalError, "the options are not known", cause: error)
        }
    }

    /// - Returns: `nil` for a command that there is not.
    subscript(command: String) -> [Option]? { commands[command] }

    private static func options(of command: Command) -> [Option] {
        (command.arguments ?? []).compactMap { argument in
            guard argument.kind != "positional", let names = argument.names,
                let name = names.first(where: { $0.kind == "long" })?.name,
                !["help", "version"].contains(name)
            else { return nil }
            return Option(
                name: name, spellings: names.map { ($0.kind == "long" ? "--" : "-") + $0.name },
                isFlag: argument.kind == "flag", isRepeated: argument.isRepeating,
                usual: argument.usual)
        }
    }
}
