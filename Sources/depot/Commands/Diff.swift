import ArgumentParser
import DepotClient
import DepotCore
import DepotWire

struct Diff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tell what has changed between two times.",
        discussion: """
            Each line is a name: + came, - went, ~ changed. Of a single time, it is compared with now. \
            Times are those of list --at.

            EXAMPLES:
              depot diff --at 2h                       # since two hours ago
              depot diff www --at 2026-11-01 --at 2026-12-01
            """)

    @Argument(help: "What names begin with.", completion: .fileNames) var prefix = ""
    @Option(
        help: ArgumentHelp("One of the times; given once or twice.", valueName: "time"),
        transform: Instant.parsePast)
    var at: [Instant] = []
    @OptionGroup var options: ServerOptions

    func validate() throws {
        guard (1...2).contains(at.count) else {
            throw ValidationError("say --at TIME once, or twice")
        }
    }

    private struct Change: Encodable {
        enum Kind: String, Encodable {
            case added, changed, gone

            var sign: String {
                switch self {
                case .added: "+"
                case .changed: "~"
                case .gone: "-"
                }
            }
        }

        let name: FileName
        let change: Kind
        let bytesBefore: UInt64?
        let bytesAfter: UInt64?
    }

    private struct Body: Encodable { let changes: [Change] }

    func run() async throws {
        let client = try options.client()
        let times = at.map(\.seconds).sorted()
        let first = times.first.map { Instant(seconds: $0) }
        try await KeptTime.note(of: first, prefix: prefix, client, options.output)
        let moments: [ListMoment] = times.map { .at($0) } + (times.count == 1 ? [.now] : [])
        var before = Side(NamePages(client, moments[0], prefix: prefix))
        var after = Side(NamePages(client, moments[1], prefix: prefix))
        var (changes, count, added, removed) = ([Change](), 0, UInt64(0), UInt64(0))
        // Nobody waits for what cannot be written.
        while Output.failure == nil, let change = try await Self.next(&before, &after) {
            count += 1
            added.increase(by: change.bytesAfter ?? 0)
            removed.increase(by: change.bytesBefore ?? 0)
            if options.output.json {
                changes.append(change)
            } else if !options.output.quiet {
                let sizes = [change.bytesBefore, change.bytesAfter].compactMap { $0 }
                    .map { "\(ByteCount($0))" }.joined(separator: " → ")
                Output.line("\(change.change.sign) \(change.name)  \(sizes)")
            }
        }
        if options.output.json { return Output.json(Body(changes: changes)) }
        guard !options.output.quiet else { return }
        Output.line(
            "\(Output.plural(count, "name")): \(ByteCount(removed)) before, \(ByteCount(added)) after"
        )
    }

    /// One of two lists that are gone through side by side.
    private struct Side {
        private var pages: NamePages
        private var rest: ArraySlice<FileBody> = []

        init(_ pages: NamePages) { self.pages = pages }

        mutating func first() async throws(DepotError) -> FileBody? {
            while rest.isEmpty, let page = try await pages.next() { rest = page[...] }
            return rest.first
        }

        mutating func pass() { rest = rest.dropFirst() }
    }

    private static func next(
        _ before: inout Side, _ after: inout Side
    ) async throws(DepotError) -> Change? {
        while true {
            let (old, new) = (try await before.first(), try await after.first())
            guard let name = [old?.name, new?.name].compactMap({ $0 }).min() else { return nil }
            let (was, isNow) = (old?.name == name ? old : nil, new?.name == name ? new : nil)
            if was != nil { before.pass() }
            if isNow != nil { after.pass() }
            if let was, let isNow, was.manifest.id == isNow.manifest.id,
                was.metadata == isNow.metadata
            {
                continue
            }
            return Change(
                name: name, change: was == nil ? .added : isNow == nil ? .gone : .changed,
                bytesBefore: was?.size, bytesAfter: isNow?.size)
        }
    }
}
