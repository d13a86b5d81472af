import ArgumentParser
import DepotCore
import DepotSQLiteCatalog
import DepotServer
import DepotUpkeep
import DepotWire
import Glibc
import Logging

struct RebuildCatalog: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rebuild-catalog",
        abstract: "Make the FileServer's catalog again from the replicas.",
        discussion: """
            The FileServer has to be stopped; the replicas have to run. Needs DEPOT_CLUSTER_TOKEN \
            or DEPOT_CLUSTER_TOKEN_FILE. The old catalog is moved aside, never deleted. Cut off \
            anywhere, it can be run again. Ends with 0 where everything is back that a record \
            names, with 2 otherwise; with 4, and nothing changed, where the newest word on a name \
            is only a minority's.

            EXAMPLES:
              depot rebuild-catalog --data /srv/depot --replica http://10.0.0.11:7401 \\
                  --replica http://10.0.0.12:7401 --replica http://10.0.0.13:7401
            """)

    @Option(help: "The folder of the catalog.", completion: .directory) var data: String
    @Option(
        help:
            "A replica, as [NAME=]https://HOST:PORT or [NAME=]http://HOST:PORT; once for each member."
    )
    var replica: [String]
    @Flag(help: "Do without members that do not answer, as long as a majority does.")
    var acceptMissing = false
    @Flag(
        help: "Take the newest word on a name also where only a minority of its replicas gives it.")
    var acceptMinority = false
    @OptionGroup(title: "TLS") var tls: TLSOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var log: LogOptions

    private struct Body: Encodable {
        let report: RebuildReport
        let isComplete: Bool
        /// Where the old catalog is now.
        let movedAside: String?
    }

    func run() async throws {
        let replicas = try replica.map(Serve.parse(replica:))
        let clusterToken = try Secret.cluster.read()
        let keeper = try tls.fileServer(asking: replicas.map { try Endpoint($0.url) })
        let replacement = try CatalogReplacement(folder: data)
        let rebuilder = CatalogRebuilder(
            replicas: replicas, acceptMissing: acceptMissing, acceptMinority: acceptMinority,
            links: { replica, cluster throws(DepotError) in
                try FileServerSetup.link(to: replica, of: cluster, token: clusterToken, keeper)
            },
            makeCatalog: { cluster throws(DepotError) in try await replacement.make(cluster) },
            logger: log.logger("rebuild"))
        let isSilent = output.json || output.quiet
        let report = try await rebuilder.run { progress in
            if !isSilent { Self.show(progress) }
        }
        let movedAside = try replacement.replace()
        if output.json {
            Output.json(
                Body(report: report, isComplete: report.isComplete, movedAside: movedAside))
        } else if !output.quiet || !report.isComplete {
            Self.show(report, movedAside)
        }
        if !report.isComplete { throw ExitCode(2) }
    }

    private static func show(_ progress: CatalogRebuilder.Progress) {
        switch progress {
        case .inventory(let replica, let chunks) where chunks > 0:
            Output.note("\(replica): \(Output.plural(chunks, "chunk"))")
        case .inventory: break
        case .records(let done, let all):
            Output.note("\(done) of \(Output.plural(all, "record"))")
        }
    }

    private static func show(_ report: RebuildReport, _ movedAside: String?) {
        Output.line("cluster \(report.cluster), epoch \(report.epoch)")
        Output.line(
            "  \(Output.plural(report.files, "file")) (\(ByteCount(report.bytes))), "
                + "\(Output.plural(report.tombstones, "deleted name")), "
                + "\(Output.plural(report.copies, "copy", many: "copies")) of chunks")
        if report.versions + report.incompleteVersions > 0 {
            let lacking = report.incompleteVersions
            Output.line(
                "  \(Output.plural(report.versions, "version")) of what names were"
                    + (lacking > 0 ? "; of \(lacking) more something is missing" : ""))
        }
        if let movedAside { Output.line("  the old catalog is kept: \(movedAside)") }
        for replica in report.missing {
            Output.line(
                "  missing: \(replica); nothing is collected or dropped until it is back or "
                    + "forgotten")
        }
        if let known = report.newestKnown {
            Output.line(
                "  the newest commit that is known, \(known), is in no record here: the missing "
                    + "members may have newer words on some names")
        }
        for word in report.minorityWordsListed { Output.line("  taken from a minority: \(word)") }
        if report.minorityWords > report.minorityWordsListed.count {
            Output.line("  … and \(report.minorityWords - report.minorityWordsListed.count) more")
        }
        list(report.olderVersionsListed, of: report.olderVersions, "older version restored")
        list(report.incompleteListed, of: report.incomplete, "NOT RESTORED")
        for record in report.unreadableListed { Output.line("  unreadable record: \(record)") }
        if report.foreignRecords > 0 {
            Output.line("  \(Output.plural(report.foreignRecords, "record")) of another cluster")
        }
    }

    private static func list(
        _ names: [RebuildReport.Incomplete], of count: Int, _ word: String
    ) {
        for name in names {
            let restored = name.restored.map { " (now \($0))" } ?? ""
            Output.line("  \(word): \(name.name) \(name.sequence)\(restored): \(name.problem)")
        }
        if count > names.count { Output.line("  … and \(count - names.count) more") }
    }
}
