import DepotClient
import DepotCluster
import DepotCore
import DepotWire

/// A command that is given names of the depot's.
protocol NamesFiles {
    var options: ServerOptions { get }
}

/// Says of a name that is not there which one may have been meant.
struct NameSuggestion {
    let client: FileServerClient

    /// What ended a command, with what may have been meant where that can be found.
    static func explained(
        _ error: any Error, asking options: ServerOptions
    ) async -> any Error {
        guard !options.output.json, let error = error as? DepotError, error.code == .notFound,
            let name = error.object, let client = try? options.client()
        else { return error }
        let suggestion = NameSuggestion(client: client)
        let words = try? await Courtesy.limit.run("a suggestion") { () async throws(DepotError) in
            try await suggestion.words(for: name)
        }
        guard let words else { return error }
        return DepotError(error.code, "\(error.message); \(words)", object: name)
    }

    private func words(for name: String) async throws(DepotError) -> String? {
        let below = try await client.files(.now, prefix: "\(name)/", after: nil)
        if !below.files.isEmpty { return "there are names below \(name)/, for which -r is" }
        let cut = name.lastIndex(of: "/").map { name.index(after: $0) } ?? name.startIndex
        let (folder, last) = (String(name[..<cut]), String(name[cut...]))
        return Suggestion.question(
            Suggestion.nearest(to: last, among: try await others(in: folder, like: last))
                .map { folder + $0 })
    }

    /// Names and folders that lie beside a name. Of the first letters as many count as there is
    /// something for: a page of a large depot is not all of it.
    private func others(
        in folder: String, like name: String
    ) async throws(DepotError) -> Set<String> {
        var beginning = name
        while true {
            beginning = String(beginning.dropLast((beginning.count + 1) / 2))
            let page = try await client.files(.now, prefix: folder + beginning, after: nil)
            let found = page.files.compactMap { file in
                file.name.text.dropFirst(folder.count).split(separator: "/").first.map(String.init)
            }
            if !found.isEmpty || beginning.isEmpty { return Set(found) }
        }
    }
}
