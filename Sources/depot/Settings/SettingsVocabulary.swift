import DepotCore

/// What can be set by files and the environment. Single deeds, such as `delete --purge`, cannot: a file
/// that is forgotten must not do them.
struct SettingsVocabulary: Sendable {
    enum Kind: Sendable {
        case value
        case list
        case flag

        var words: String {
            switch self {
            case .value: "one value"
            case .list: "a value, or a list of them"
            case .flag: "true or false"
            }
        }
    }

    /// Commands whose options can be set.
    static let commands = ["deposit", "local", "replica", "retrieve", "serve", "verify"]

    /// What holds for all commands, and the option that has it; files of tokens have none.
    static let general: [String: String?] = [
        "server": "server", "ca-file": "ca", "patience": "patience", "log-level": "log-level",
        "token-file": nil, "cluster-token-file": nil,
    ]

    /// Not to be set for good.
    private static let deeds: Set<String> = [
        "as", "coverage", "delete", "deposit-id", "dry-run", "files-from", "force", "if-absent",
        "if-sequence", "json", "mirror", "no-repair", "null", "output", "quiet", "receipt",
        "recursive", "store", "at",
    ]

    /// With a file these are refused.
    static let ofFolders: Set<String> = ["retrieve.checksum", "retrieve.overwrite"]

    let options: CommandOptions
    private let kinds: [String: Kind]

    var sections: [String] { Self.commands }

    init(_ options: CommandOptions) {
        self.options = options
        var kinds: [String: Kind] = [:]
        for key in Self.general.keys { kinds[key] = .value }
        for command in Self.commands {
            for option in options[command] ?? [] where !Self.deeds.contains(option.name) {
                kinds["\(command).\(option.name)"] =
                    option.isFlag ? .flag : option.isRepeated ? .list : .value
            }
        }
        self.kinds = kinds
    }

    subscript(key: String) -> Kind? { kinds[key] }

    var keys: some Collection<String> { kinds.keys }

    /// All keys of a command, or the general ones.
    func keys(of command: String?) -> [String] {
        guard let command else { return Self.general.keys.sorted() }
        return kinds.keys.filter { $0.hasPrefix("\(command).") }.sorted()
    }

    /// What holds where nobody says anything; `nil` where that is nothing, or nobody knows.
    func usual(_ key: String) -> String? {
        let parts = key.split(separator: ".").map(String.init)
        guard let command = parts.first, let option = parts.last, parts.count == 2 else {
            return nil
        }
        return options[command]?.first { $0.name == option }?.usual
    }

    func refusal(ofSection section: String) -> String {
        "there is no section '\(section)'; there are \(sections.joined(separator: ", "))"
    }

    func refusal(of key: String, in section: String?) -> String {
        let keys = keys(of: section).map { $0.split(separator: ".").last.map(String.init) ?? $0 }
        let near = Suggestion.question(Suggestion.nearest(to: key, among: keys))
        let place = section.map { " in '\($0)'" } ?? ""
        return "there is no key '\(key)'\(place); "
            + (near ?? "'depot config show\(section.map { " \($0)" } ?? "")' lists them")
    }
}
