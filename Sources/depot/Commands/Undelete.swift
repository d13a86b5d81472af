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
        var tally = Tally(output: options.output)
        for name in parsed {
            if recursive {
                try await all(below: name, client, &tally)
            } else {
                await bring([name], client, &tally)
            }
        }
        if let failure = tally.failure { throw failure }
        if options.output.json { return Output.json(Body(restored: tally.restored)) }
        if recursive, !options.output.quiet {
            Output.line("\(Output.plural(tally.count, "name")) brought back")
        }
    }

    private struct Tally {
        let output: OutputOptions
        private(set) var count = 0
        /// For JSON.
        private(set) var restored: [RevertedBody] = []
        private(set) var failure: DepotError?

        mutating func take(_ name: FileName, _ result: Result<RevertedBody, DepotError>) {
            switch result {
            case .success(let reverted):
                count += 1
                if output.json { return restored.append(reverted) }
                guard !output.quiet else { return }
                Output.line(
                    "\(name) is back, as \(name)@\(reverted.sequence.short)\(reverted.shortfall)")
            case .failure(let error):
                if failure != nil, !output.json { Output.complain("\(name): \(error)") }
                failure = failure ?? error
            }
        }
    }

    private func bring(
        _ names: [FileName], _ client: FileServerClient, _ tally: inout Tally
    ) async {
        await ManyNames.each(
            names, { name async throws(DepotError) in try await client.revert(name, to: nil) },
            onOutcome: { tally.take($0, $1) })
    }

    /// A page at a time: what came back is in the list no more.
    private func all(
        below root: FileName, _ client: FileServerClient, _ tally: inout Tally
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
        guard tally.count > before || tally.failure != nil else {
            throw DepotError(
                .notFound, "nothing that is kept was deleted there", object: root.text)
        }
    }
}
