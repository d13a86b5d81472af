import ArgumentParser
import DepotClient
import DepotCore
import DepotWire

struct List: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List files.",
        discussion: """
            Size, level, time of the content, name. A name that ends with / is a folder's.

            EXAMPLES:
              depot list photos/2026
              depot list --at 2h                # as it was two hours ago
              depot list --deleted photos       # what undelete brings back
            """)

    @Argument(help: "What names begin with.", completion: .fileNames) var prefix = ""
    @Option(
        help: ArgumentHelp(
            "As it was at that time: 2026-11-30T08:46:00Z, a day, @SECONDS, or 2h for two hours ago.",
            valueName: "time"), transform: Instant.parsePast)
    var at: Instant?

    @Flag(help: "What deleted names were; undelete brings it back.")
    var deleted = false

    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard at != nil, deleted else { return }
        throw ValidationError("--at and --deleted are two lists; give one of them")
    }

    private struct Entry: Encodable {
        let name: FileName
        let kind: String
        /// Of a symbolic link.
        let target: String?
        /// Of a pipe, a socket or a device, which it is.
        let special: String?
        let size: UInt64
        let level: ReplicationLevel
        let manifest: ChunkID
        let modified: String

        /// As `ls -F` and `ls -l` show folders and links; others with what they are.
        var shown: String {
            if let target { return "\(name) -> \(target)" }
            if let special { return "\(name)  (\(special))" }
            return kind == "folder" ? "\(name)/" : name.text
        }
    }

    private struct Body: Encodable { let files: [Entry] }

    func run() async throws {
        let client = try options.client()
        try await KeptTime.note(of: at, prefix: prefix, client, options.output)
        var entries: [Entry] = []
        var pages = NamePages(
            client, deleted ? .beforeDeletion : at.map { .at($0.seconds) } ?? .now, prefix: prefix)
        // Nobody waits for what cannot be written.
        while Output.failure == nil, let page = try await pages.next() {
            let rows = page.map(Self.entry)
            if options.output.json {
                entries += rows
            } else if !options.output.quiet {
                Self.show(rows)
            }
        }
        if options.output.json { Output.json(Body(files: entries)) }
    }

    private static func entry(_ file: FileBody) -> Entry {
        let modified = file.metadata.modified?.seconds ?? file.time
        return Entry(
            name: file.name, kind: file.metadata.kind.word, target: file.metadata.kind.target?.text,
            special: file.metadata.kind.special?.description,
            size: file.size, level: file.level, manifest: file.manifest.id,
            modified: Output.timestamp(modified))
    }

    private static func show(_ entries: [Entry]) {
        Output.table(
            entries.map {
                [
                    "\(ByteCount($0.size))", "×\($0.level)",
                    $0.modified.replacing("T", with: " ").replacing("Z", with: ""), $0.shown,
                ]
            }, rightAligned: [0])
    }
}
