import DepotCore

extension Settings {
    /// The words of a command with those that are set, behind the command's name.
    func complete(_ words: [String]) throws(DepotError) -> [String] {
        guard let command = words.first, let options = vocabulary.options[command] else {
            return words
        }
        let given = words.prefix { $0 != "--" }
        var added: [String] = []
        let isTree = given.askForTree
        for option in options where !Self.isGiven(option, in: given) {
            // One that a command refuses with a file is meant for its folders.
            if !isTree, SettingsVocabulary.ofFolders.contains("\(command).\(option.name)") {
                continue
            }
            guard let found = try self.found(for: option.name, of: command) else { continue }
            if option.isFlag {
                if found.values == ["true"] { added.append("--\(option.name)") }
                continue
            }
            for value in found.values { added.append("--\(option.name)=\(value)") }
        }
        return [command] + added + words.dropFirst()
    }

    /// That of the command counts more than that of all.
    private func found(for option: String, of command: String) throws(DepotError) -> Found? {
        if let own = try self["\(command).\(option)"] { return own }
        guard let key = SettingsVocabulary.general.first(where: { $0.value == option })?.key else {
            return nil
        }
        return try self[key]
    }

    private static func isGiven(
        _ option: CommandOptions.Option, in words: ArraySlice<String>
    ) -> Bool {
        words.contains { word in
            option.spellings.contains { word == $0 || word.hasPrefix("\($0)=") }
        }
    }
}
