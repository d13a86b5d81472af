import ArgumentParser
import DepotClient
import DepotCore
import DepotWire

struct Info: AsyncParsableCommand, NamesFiles {
    static let configuration = CommandConfiguration(
        abstract: "Tell everything about a file, and how many copies there are of it.",
        discussion: """
            EXAMPLES:
              depot info photos/2026/march.jpg
              depot info photos/2026/march.jpg --chunks   # and who holds each of them
            """)

    @Argument(help: "The file's name.", completion: .fileNames) var name: String
    @Flag(help: "List its chunks, and which replicas hold them.") var chunks = false
    @OptionGroup var options: ServerOptions

    private struct Body: Encodable {
        let name: FileName
        let size: UInt64
        let manifest: ChunkID
        let level: ReplicationLevel
        let degraded: Bool
        let sequence: CommitSequence
        let metadata: FileMetadata
        let lock: ContentLock?
        let chunks: [FileInfoBody.Chunk]
    }

    func run() async throws {
        let name = try FileName(path: name)
        let client = try options.client()
        var page = try await client.info(of: name, after: nil)
        var chunks = page.chunks
        while page.hasMore, let last = page.chunks.last {
            page = try await client.info(of: name, after: last.id)
            chunks += page.chunks
        }
        let level = page.file.level
        let body = Body(
            name: page.file.name, size: page.file.size, manifest: page.file.manifest.id,
            level: level, degraded: chunks.contains { $0.good < level.copies },
            sequence: page.file.sequence, metadata: page.file.metadata,
            lock: page.file.lock, chunks: chunks)
        if options.output.json { return Output.json(body) }
        guard !options.output.quiet else { return }
        show(body)
        if self.chunks { show(chunks, await ReplicaNames(asking: client)) }
    }

    private static func rows(of metadata: FileMetadata) -> [[String]] {
        var rows: [[String]] = []
        switch metadata.kind {
        case .file: break
        case .folder: rows.append(["  kind", "folder"])
        case .link(let target): rows.append(["  kind", "symbolic link to \(target.text)"])
        case .special(let special): rows.append(["  kind", special.words])
        }
        if let modified = metadata.modified {
            rows.append(["  modified", "\(Output.timestamp(modified.seconds)) (\(modified))"])
        }
        if let mode = metadata.mode { rows.append(["  mode", String(mode, radix: 8)]) }
        if let owner = metadata.ownership {
            let user = owner.userName.map { "\($0) (\(owner.user))" } ?? "\(owner.user)"
            let group = owner.groupName.map { "\($0) (\(owner.group))" } ?? "\(owner.group)"
            rows.append(["  owner", "\(user), group \(group)"])
        }
        if let extended = metadata.extended {
            rows.append(["  attributes", extended.values.keys.sorted().joined(separator: ", ")])
        }
        if let holes = metadata.holes { rows.append(["  holes", "\(holes.ranges.count)"]) }
        if let links = metadata.hardLinks { rows.append(["  links", "\(links)"]) }
        return rows
    }

    private func show(_ body: Body) {
        Output.line(body.name.text)
        Output.table(Self.rows(of: body.metadata))
        let degraded = body.degraded ? "  DEGRADED: some chunks have fewer good copies" : ""
        Output.table(
            [
                ["  size", "\(ByteCount(body.size)) (\(body.size) bytes)"],
                ["  level", "\(body.level)\(degraded)"],
                ["  manifest", "\(body.manifest)"],
                ["  sequence", "\(body.sequence)"],
            ], tone: { row, column in row == 1 && column == 1 && body.degraded ? .bad : .plain })
        if let lock = body.lock { Output.line("  \(lock.words)") }
        let counts = Dictionary(grouping: body.chunks, by: \.good).mapValues(\.count)
        for (copies, count) in counts.sorted(by: { $0.key < $1.key }) {
            Output.line(
                "  \(Output.plural(count, "chunk")) with "
                    + "\(Output.plural(copies, "good copy", many: "good copies"))",
                copies == 0 ? .bad : copies < body.level.copies ? .warning : .plain)
        }
    }

    private func show(_ chunks: [FileInfoBody.Chunk], _ names: ReplicaNames) {
        Output.table(
            [["  CHUNK", "BYTES", "COPIES"]]
                + chunks.map { chunk in
                    // What is not said of a copy is that it is good.
                    let holdings = chunk.holdings.map { holding in
                        names[holding.replica]
                            + (holding.state == .good ? "" : " (\(holding.state.rawValue))")
                    }
                    return [
                        "  \(chunk.id)", "\(chunk.length)",
                        holdings.sorted().joined(separator: ", "),
                    ]
                }, rightAligned: [1])
    }
}

extension FileInfoBody.Chunk {
    var good: Int { counted?.wrappedValue ?? holdings.filter { $0.state == .good }.count }
}
