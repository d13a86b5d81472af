import ArgumentParser
import DepotClient
import DepotCore
import DepotWire

struct Undelete: AsyncParsableCommand, NamesFiles {
    static let configuration = CommandConfiguration(
        abstract: "Bring back deleted files, as they were.",
        discussion: """
            No byte is copied. With -r, everything below NAME/ that is deleted comes back, and NAME \
            itself. list --deleted tells what there is.

            EXAMPLES:
              depot undelete report.pdf
              depot undelete -r photos
            """)

    @Argument(help: "The files' names.", completion: .deletedNames) var names: [String]
    @Flag(name: .shortAndLong, help: "Bring back everything below NAME/, too.")
    var recursive = false
    @OptionGroup var options: ServerOptions

    private struct Body: Encodable {
        let restored: [RevertedBody]
        let failed: [FailedFiles.Entry]
    }

    func run() async throws {
        var parsed: [FileName] = []
        for name in names {
            parsed.append(try FileName(path: recursive ? name.withoutEndingSlashes : name))
        }
        let client = try options.client()
        var tally = NameTally<RevertedBody>(
            "undelete", options.output, "brought back", isAlone: parsed.count == 1 && !recursive)
        for name in parsed {
            if recursive {
                try await all(below: name, client, &tally)
            } else {
                await bring([name], client, &tally)
            }
        }
        try tally.finish(
            Body(restored: tally.done, failed: tally.failed.sorted),
            summary: recursive ? "\(Output.plural(tally.count, "name")) brought back" : nil)
    }

    private func bring(
        _ names: [FileName], _ client: FileServerClient, _ tally: inout NameTally<RevertedBody>
    ) async {
        await ManyNames.each(
            names, { name async throws(DepotError) in try await client.revert(name, to: nil) },
            onOutcome: { name, result in
                tally.take(name, result) {
                    "\(name) is back, as \(name)@\($0.sequence.short)\($0.shortfall)"
                }
            })
    }

    /// A page at a time: what came back is in the list no more.
    private func all(
        below root: FileName, _ client: FileServerClient, _ tally: inout NameTally<RevertedBody>
    ) async throws(DepotError) {
        let before = tally.count
        if try await client.files(.beforeDeletion, prefix: root.text, after: nil).files.first?.name
            == root
        {
            await bring([root], client, &tally)
        }
        var pages = NamePages(client, .beforeDeletion, prefix: "\(root)/")
        while let page = try await pages.next() {
            await bring(page.map(\.name), client, &tally)
        }
        guard tally.count > before || tally.failed.count > 0 else {
            throw DepotError(
                .notFound, "nothing that is kept was deleted there", object: root.text)
        }
    }
}
