import ArgumentParser
import DepotClient
import DepotCore
import DepotWire

struct Undelete: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring back deleted files, as they were.",
        discussion: """
            No byte is copied. With -r, everything below NAME/ that is deleted comes back, and NAME \
            itself. list --deleted tells what there is.
            """)

    @Argument(help: "The files' names.") var names: [String]
    @Flag(name: .shortAndLong, help: "Bring back everything below NAME/, too.")
    var recursive = false
    @OptionGroup var options: ServerOptions

    private struct Body: Encodable { let restored: [RevertedBody] }

    func run() async throws {
        var parsed: [FileName] = []
        for name in names { parsed.append(try FileName(name)) }
        let client = try options.client()
        var restored: [RevertedBody] = []
        for name in parsed {
            restored += try await recursive ? all(below: name, client) : [one(name, client)]
        }
        if options.output.json { return Output.json(Body(restored: restored)) }
        if recursive, !options.output.quiet {
            Output.line("\(Output.plural(restored.count, "name")) brought back")
        }
    }

    private func one(
        _ name: FileName, _ client: FileServerClient
    ) async throws(DepotError) -> RevertedBody {
        let reverted = try await client.revert(name, to: nil)
        if !options.output.json, !options.output.quiet {
            Output.line("\(name) is back, as \(name)@\(reverted.sequence.short)")
        }
        return reverted
    }

    /// A page at a time: what came back is in the list no more.
    private func all(
        below root: FileName, _ client: FileServerClient
    ) async throws(DepotError) -> [RevertedBody] {
        var restored: [RevertedBody] = []
        if try await client.files(.beforeDeletion, prefix: root.text, after: nil).files.first?.name
            == root
        {
            restored.append(try await one(root, client))
        }
        var pages = NamePages(client, .beforeDeletion, prefix: "\(root)/")
        while let page = try await pages.next() {
            for file in page { restored.append(try await one(file.name, client)) }
        }
        guard !restored.isEmpty else {
            throw DepotError(
                .notFound, "nothing that is kept was deleted there", object: root.text)
        }
        return restored
    }
}
