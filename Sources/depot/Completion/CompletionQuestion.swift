import ArgumentParser
import DepotClient
import DepotCore
import Glibc

/// What a shell asks when a key is pressed: the command line so far, and which of its words is to be completed.
struct CompletionQuestion: Sendable {
    /// As they are typed, quotes and all; the command's own name is the first.
    let words: [String]
    /// What is typed of the word that is wanted, without quotes.
    let typed: String
    let shell: CompletionShell?

    init(words: [String], typed: String, shell: CompletionShell?) {
        self.words = words
        self.typed = Self.unquoted(typed)
        self.shell = shell
    }

    /// Folders are wanted as they are, and not only as what leads to files.
    var isRecursive: Bool { words.askForTree }

    /// - Throws: what is wrong with the options that say which FileServer it is.
    func client() throws -> FileServerClient {
        let given = ["list"] + option("--server") + option("--ca") + ["--patience", "1s"]
        let complete = try Settings.current?.complete(given) ?? given
        return try ServerOptions.parse(Array(complete.dropFirst())).client()
    }

    /// An option and its value, in either spelling; empty where it is not given.
    private func option(_ name: String) -> [String] {
        if let place = words.lastIndex(of: name), place + 1 < words.count {
            return [name, Self.unquoted(words[place + 1])]
        }
        guard let joined = words.last(where: { $0.hasPrefix("\(name)=") }) else { return [] }
        return [name, Self.unquoted(String(joined.dropFirst(name.count + 1)))]
    }

    // What the shell's script makes of an answer is not the same in all of them: bash expands each word as if it were
    // typed, `$(…)` included, and zsh takes what stands behind a colon for an explanation.

    /// A word in the form in which the script that asks takes it as it is.
    func answer(_ word: String) -> String {
        switch shell {
        case .bash: "'" + word.replacing("'", with: "'\\''") + "'"
        case .zsh: word.replacing("\\", with: "\\\\").replacing(":", with: "\\:")
        default: word
        }
    }

    /// Close enough to what shells do: where it is not, nothing is found.
    static func unquoted(_ text: String) -> String {
        var result = ""
        var quote: Character?
        var isEscaped = false
        for character in text {
            switch (character, quote) {
            case (_, _) where isEscaped:
                result.append(character)
                isEscaped = false
            case ("\\", nil), ("\\", "\""): isEscaped = true
            case ("'", nil), ("\"", nil): quote = character
            case (_, let open?) where character == open: quote = nil
            default: result.append(character)
            }
        }
        return result
    }
}
