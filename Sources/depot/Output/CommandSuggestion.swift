import ArgumentParser

// The parser takes a mistyped command for an argument that nobody asked for; where a command has a
// default, it may even be taken for a file.

/// What is said of a command that there is not.
enum CommandSuggestion {
    /// The parser takes a word such as `-dash`, a file perhaps, for single letters, finds the `h` of
    /// help among them, and the command ends well without having done anything.
    private static func checkLetters(_ words: [String]) throws {
        for word in words.prefix(while: { $0 != "--" }) {
            let letters = word.prefix { $0 != "=" }.dropFirst()
            guard word.hasPrefix("-"), !letters.hasPrefix("-"), letters.count > 1,
                letters.contains("h")
            else { continue }
            throw ValidationError(
                "'\(word)' is no option; write -h alone for help, and put a name that begins with "
                    + "a hyphen behind --"
            )
        }
    }

    /// - Throws: where a word stands in the place of a command and is none, what it may have been.
    static func check(_ words: [String], in root: any ParsableCommand.Type) throws {
        try checkLetters(words)
        var (command, path) = (root, "")
        for word in words {
            let subcommands = command.configuration.subcommands
            guard !subcommands.isEmpty, !word.hasPrefix("-"), word != "help" else { return }
            if let next = subcommands.first(where: { $0._commandName == word }) {
                (command, path) = (next, "\(path)\(word) ")
                continue
            }
            let near = Suggestion.nearest(to: word, among: subcommands.map { $0._commandName })
            // Words behind a command that has a default are that one's, unless they look mistyped.
            if command.configuration.defaultSubcommand != nil, near.isEmpty { return }
            let question = Suggestion.question(near.map { path + $0 })
            throw ValidationError(
                "there is no command '\(path)\(word)'; "
                    + (question ?? "'depot --help' lists them"))
        }
    }
}
