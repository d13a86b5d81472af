import ArgumentParser
import DepotClient
import DepotCore
import DepotWire
import Glibc

// Somebody waits with a finger on a key. So a second is all there is, and nothing is said of what goes wrong: a complaint
// would stand in the middle of the line that is typed. The token comes from where it always comes from, the environment or
// a file, and is in no list of processes.

extension CompletionKind {
    /// Names of files, a folder at a time.
    static let fileNames = asking { try await names(.now, $0, $1) }

    /// The same, and versions behind an `@`.
    static let fileVersions = asking { question, client in
        if let found = try await versions(question, client) { return found }
        return try await names(.now, question, client)
    }

    static let deletedNames = asking { try await names(.beforeDeletion, $0, $1) }

    static let replicaNames = asking { _, client in try await client.status().replicas.map(\.name) }

    static let tokenNames = asking { _, client in
        try await client.tokens().tokens.filter { $0.state != .revoked }.map(\.name.text)
    }

    static let policyNames = asking { _, client in
        try await client.policies().policies.map { $0.prefix.isEmpty ? "/" : $0.prefix }
    }

    private static let limit = Duration.seconds(1)

    private static func asking(
        _ find:
            @escaping @Sendable (CompletionQuestion, FileServerClient) async throws -> [String]
    ) -> CompletionKind {
        .custom { words, _, typed async in
            let question = CompletionQuestion(
                words: words, typed: typed, shell: CompletionShell.requesting)
            // Whatever it is that takes long, a name's address or an answer: the process is there for this alone.
            let watch = Task.detached {
                try await Task.sleep(for: limit)
                _exit(0)
            }
            defer { watch.cancel() }
            guard let client = try? question.client(),
                let found = try? await find(question, client)
            else { return [] }
            client.shutDown()
            return found.filter { $0.printable == $0 && $0.utf8.starts(with: question.typed.utf8) }
                .map(question.answer)
        }
    }

    private static func names(
        _ moment: ListMoment, _ question: CompletionQuestion, _ client: FileServerClient
    ) async throws(DepotError) -> [String] {
        var typed = question.typed
        while true {
            var parts = NextParts(behind: typed)
            var pages = NamePages(client, moment, prefix: typed)
            while !parts.isFull, let page = try await pages.next() {
                for file in page { parts.take(file.name) }
                if let place = parts.behindLast { pages.skip(to: place) }
            }
            if question.isRecursive {
                return parts.words.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
            }
            // A shell would put a space behind a word that is the only one.
            guard let folder = parts.onlyFolder else { return parts.words }
            typed = folder
        }
    }

    /// - Returns: `nil` where what is typed is not a name with an `@` behind it.
    private static func versions(
        _ question: CompletionQuestion, _ client: FileServerClient
    ) async throws(DepotError) -> [String]? {
        guard let mark = question.typed.lastIndex(of: "@"),
            let name = try? FileName(path: String(question.typed[..<mark]))
        else { return nil }
        let found = try await client.versions(of: name, before: nil).versions
        return found.isEmpty
            ? nil : found.filter { $0.file != nil }.map { "\(name)@\($0.sequence.short)" }
    }
}
