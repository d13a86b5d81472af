import ArgumentParser
import DepotClient
import DepotCore
import DepotWire

struct Versions: AsyncParsableCommand, NamesFiles {
    static let configuration = CommandConfiguration(
        abstract: "List what a file was before.",
        discussion: """
            What is replaced or deleted is kept for as long as the FileServer says \
            (depot policy list). retrieve NAME@VERSION brings a version \
            back to this machine, revert NAME@VERSION makes it what the depot has.

            EXAMPLES:
              depot versions report.pdf
            """)

    @Argument(help: "The file's name.", completion: .fileNames) var name: String
    @OptionGroup var options: ServerOptions

    private struct Body: Encodable {
        let name: FileName
        let versions: [VersionListBody.Word]
    }

    func run() async throws {
        let name = try FileName(path: name)
        let client = try options.client()
        var words: [VersionListBody.Word] = []
        while true {
            let page = try await client.versions(of: name, before: words.last?.sequence)
            words += page.versions
            guard page.hasMore, !page.versions.isEmpty else { break }
        }
        if options.output.json { return Output.json(Body(name: name, versions: words)) }
        guard !options.output.quiet else { return }
        let older = words.dropFirst().map(Optional.some) + [nil]
        Output.table(
            zip(words, older).map { word, before in
                [
                    "\(name)@\(word.sequence.short)", Output.timestamp(word.time),
                    word.file.map { "\(ByteCount($0.size))" } ?? "",
                    word.file.map { "×\($0.level)" } ?? "",
                    Self.change(from: before, to: word) + (word.isCurrent ? "  (current)" : "")
                        + (word.lock.map { "  \($0.words)" } ?? ""),
                ]
            }, rightAligned: [2])
    }

    private static func change(
        from before: VersionListBody.Word?, to word: VersionListBody.Word
    ) -> String {
        guard let file = word.file else { return "deleted" }
        guard let old = before?.file else { return "content" }
        var changes: [String] = []
        if old.manifest.id != file.manifest.id { changes.append("content") }
        if old.level != file.level { changes.append("level") }
        var (metadata, before) = (file.metadata, old.metadata)
        (metadata.hardLinks, before.hardLinks) = (nil, nil)
        if metadata != before { changes.append("metadata") }
        return changes.isEmpty ? "the same" : changes.joined(separator: ", ")
    }
}
