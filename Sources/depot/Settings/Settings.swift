import Configuration
import DepotCore
import FoundationEssentials
import Glibc
import Synchronization

// What a command is not told it takes from the environment, then from the user's files, then from those
// of the system. All of it ends as words of the command line, where the same rules hold for it.

/// Values of options, by layers.
struct Settings: Sendable {
    struct Found {
        let values: [String]
        /// Where it was said: a variable, or a file and a line.
        let source: String
    }

    private struct Layer: Sendable {
        let provider: any ConfigProvider
        let source: @Sendable (_ key: String) -> String
    }

    /// Those of this process, from before its command is parsed on.
    static var current: Settings? {
        get { process.withLock { $0 } }
        set { process.withLock { $0 = newValue } }
    }
    private static let process = Mutex<Settings?>(nil)

    let vocabulary: SettingsVocabulary
    /// Files and folders that this user may not read.
    let unreadable: [String]
    private let layers: [Layer]

    /// What is set for this process; `nil` where nobody says anything.
    ///
    /// - Throws: as `SettingsFile`.
    static func ofProcess() throws(DepotError) -> Settings? {
        let found = try files()
        // Nobody pays for what nobody uses: all options have to be known for it.
        guard !found.isEmpty || ProcessInfo.processInfo.environment.keys.contains(where: isOurs)
        else { return nil }
        return try Settings(files: found, variable: CommandWords.environment)
    }

    /// Those of nobody: what can be set, and nothing that is.
    static func none() throws(DepotError) -> Settings {
        try Settings(files: []) { (_) throws(DepotError) in nil }
    }

    /// - Parameter files: the first counts most.
    /// - Parameter variable: what the environment says, and what it throws for a value that is no text.
    /// - Throws: as `SettingsFile`, and as `variable`.
    private init(
        files: [String], variable: (String) throws(DepotError) -> String?
    ) throws(DepotError) {
        vocabulary = SettingsVocabulary(try CommandOptions())
        var environment: [String: String] = [:]
        for key in vocabulary.keys {
            let name = Self.variable(of: key)
            environment[name] = try variable(name)
        }
        var (layers, unreadable) = ([Self.layer(of: environment)], [String]())
        for path in files {
            // The daemons' files are not for everybody who has a command to give.
            guard access(path, R_OK) == 0 else {
                unreadable.append(path)
                continue
            }
            layers.append(Self.layer(of: try SettingsFile(path, knowing: vocabulary)))
        }
        self.layers = layers
        self.unreadable = unreadable
    }

    /// Whether an option's variable is called so; the others have always been read where they are
    /// used.
    private static func isOurs(_ variable: String) -> Bool {
        SettingsVocabulary.commands.contains { variable.hasPrefix("DEPOT_\($0.uppercased())_") }
            || ["DEPOT_PATIENCE", "DEPOT_LOG_LEVEL"].contains(variable)
    }

    /// Of the user's folder and then the system's, or those of `DEPOT_CONFIG_PATH`; in each the last by
    /// name first, as an operator means it who adds `50-own.yaml`.
    private static func files() throws(DepotError) -> [String] {
        return try folders().flatMap { folder in
            let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            return names.filter { $0.hasSuffix(".yaml") && !$0.hasPrefix(".") }.sorted().reversed()
                .map { "\(folder)/\($0)" }
        }
    }

    private static func folders() throws(DepotError) -> [String] {
        if let named = try CommandWords.environment("DEPOT_CONFIG_PATH") {
            return named.split(separator: ":").map(String.init)
        }
        var base = try CommandWords.environment("XDG_CONFIG_HOME")
        if base == nil { base = try CommandWords.environment("HOME").map { "\($0)/.config" } }
        return [base.map { "\($0)/depot" }, "/etc/depot"].compactMap(\.self)
    }

    private static func layer(of environment: [String: String]) -> Layer {
        Layer(
            provider: KeyMappingProvider(
                upstream: EnvironmentVariablesProvider(environmentVariables: environment),
                keyMapper: { $0.prepending(["depot"]) }),
            source: variable)
    }

    private static func variable(of key: String) -> String {
        "DEPOT_"
            + key.map { $0 == "." || $0 == "-" ? "_" : $0 }.map(String.init).joined().uppercased()
    }

    private static func layer(of file: SettingsFile) -> Layer {
        let values = file.entries.map { key, entry in
            (
                AbsoluteConfigKey(ConfigKey(key)),
                ConfigValue(.stringArray(entry.values), isSecret: false)
            )
        }
        let lines = file.entries.mapValues(\.line)
        let path = file.path
        return Layer(
            provider: InMemoryProvider(
                name: path, values: Dictionary(values, uniquingKeysWith: { first, _ in first })),
            source: { key in "\(path):\(lines[key] ?? 1)" })
    }

    /// What is said of a key; `nil` where nobody says anything.
    ///
    /// - Throws: `invalidArgument` for a variable whose value no option can have.
    subscript(key: String) -> Found? {
        get throws(DepotError) {
            guard let kind = vocabulary[key] else { return nil }
            for layer in layers {
                let source = layer.source(key)
                let result: LookupResult
                do {
                    result = try layer.provider.value(
                        forKey: AbsoluteConfigKey(ConfigKey(key)), type: .stringArray)
                } catch {
                    throw DepotError(.invalidArgument, "it cannot be read", object: source)
                }
                guard case .stringArray(var values)? = result.value?.content else { continue }
                if kind != .list { values = [values.joined(separator: ",")] }
                guard kind != .flag || ["true", "false"].contains(values.first) else {
                    throw DepotError(
                        .invalidArgument, "it is \(kind.words), found '\(values.first ?? "")'",
                        object: source)
                }
                return Found(values: values, source: source)
            }
            return nil
        }
    }
}
