import DepotClient
import DepotCore
import DepotWire
import Synchronization

/// What becomes of the files of a retrieval. Bad copies and failures are told as they come, and
/// kept only where JSON is asked for: without, nothing grows with the number of files.
final class RetrievalReporter: Sendable {
    private struct FileResult: Encodable {
        let name: FileName
        let size: UInt64
        let manifest: ChunkID
        let badCopies: [BadCopyReport]
        let warnings: [RestoreWarning]
        /// Only where it was not fetched: `unchanged`, `kept` or `leftOut`.
        let state: String?

        init(_ report: DownloadReport, state: String? = nil) {
            self.state = state
            name = report.file.name
            size = report.file.size
            manifest = report.file.manifest.id
            badCopies = report.badCopies
            warnings = report.warnings
        }
    }

    private struct TreeResult: Encodable {
        let files: [FileResult]
        let folders: [FileResult]
        let links: [FileResult]
        let specials: [FileResult]
        let deleted: Int
        let failed: [FailedFiles.Entry]
        let error: ErrorEnvelope.Body?
    }

    private struct State {
        var restored = EntryCounts()
        @ByteCount var bytes: UInt64 = 0
        var unchanged = EntryCounts()
        var kept = EntryCounts()
        var leftOut = EntryCounts()
        var deleted = 0
        var warnings = CountedWarnings<RestoreWarning>()
        var lastName: FileName?
        var failed = FailedFiles()
        var badCopies = 0
        /// Bad copies that are told when it is known what their replicas are called.
        var untold: [BadCopyLine] = []
        var asking: Task<Void, Never>?
        /// What ended the retrieval before its end.
        var ending: DepotError?
        var files = ByKind<FileResult>()
    }

    private struct BadCopyLine {
        let name: FileName
        let copy: BadCopyReport
    }

    private let state = Mutex(State())
    private let client: FileServerClient
    private let isTree: Bool
    private let isToStandardOutput: Bool
    private let output: OutputOptions
    private let progress: Progress

    init(
        _ client: FileServerClient, isTree: Bool, isToStandardOutput: Bool, output: OutputOptions,
        progress: Progress
    ) {
        self.client = client
        self.isTree = isTree
        self.isToStandardOutput = isToStandardOutput
        self.output = output
        self.progress = progress
    }

    func take(_ outcome: TreeRetrieval.Outcome) {
        switch outcome {
        case .done(let report):
            state.withLock { state in
                state.restored.add(report.file.metadata.kind)
                state.bytes += report.file.size
                state.lastName = report.file.name
                if output.json { state.files.add(FileResult(report), report.file.metadata.kind) }
            }
            tellBadCopies(report)
            for warning in report.warnings { tell(warning, of: report.file.name) }
        case .unchanged(let file, let warnings):
            state.withLock { state in
                state.unchanged.add(file.metadata.kind)
                guard output.json else { return }
                state.files.add(
                    FileResult(DownloadReport(file: file, warnings: warnings), state: "unchanged"),
                    file.metadata.kind)
            }
            for warning in warnings { tell(warning, of: file.name) }
        case .kept(let file):
            state.withLock { state in
                state.kept.add(file.metadata.kind)
                guard output.json else { return }
                state.files.add(
                    FileResult(DownloadReport(file: file, warnings: []), state: "kept"),
                    file.metadata.kind)
            }
        case .leftOut(let file, let warning):
            state.withLock { state in
                state.leftOut.add(file.metadata.kind)
                guard output.json else { return }
                state.files.add(
                    FileResult(DownloadReport(file: file, warnings: [warning]), state: "leftOut"),
                    file.metadata.kind)
            }
            tell(warning, of: file.name)
        case .failed(let name, let error):
            let isTold = state.withLock { $0.failed.add(name, error, output) }
            if isTold { progress.interrupt("depot: \(error.told(of: name))", .bad) }
        }
    }

    /// Whether something did not come back, so that what is there may not be compared with it.
    var hasFailed: Bool { state.withLock { $0.failed.count > 0 || $0.ending != nil } }

    /// What was in the folder and not in the depot is gone.
    func deleted(_ count: Int) { state.withLock { $0.deleted = count } }

    private func tellBadCopies(_ report: DownloadReport) {
        guard !output.json, !output.quiet, !report.badCopies.isEmpty else { return }
        state.withLock { state in
            let room = output.verbose ? .max : max(0, FailedFiles.toldMax - state.badCopies)
            state.badCopies += report.badCopies.count
            state.untold += report.badCopies.prefix(room).map {
                BadCopyLine(name: report.file.name, copy: $0)
            }
            state.asking = state.asking ?? Task { await tellUntold() }
        }
    }

    /// Waits until all bad copies are told.
    func settle() async { await state.withLock { $0.asking }?.value }

    private func tellUntold() async {
        let names = await ReplicaNames(asking: client)
        let lines = state.withLock { state in
            defer { (state.untold, state.asking) = ([], nil) }
            return state.untold
        }
        for line in lines {
            progress.interrupt(
                "bad copy: \(line.name): chunk \(line.copy.chunk) is \(line.copy.reason) on "
                    + "\(names[line.copy.replica]); another copy was used", .warning)
        }
    }

    private func tell(_ warning: RestoreWarning, of name: FileName) {
        guard !output.json else { return }
        if state.withLock({ $0.warnings.add(warning) }) {
            progress.interrupt(FileWarning(name: name, warning: "\(warning)").description)
        }
    }

    /// What an interruption leaves.
    var left: String {
        progress.end()
        guard isTree else { return "nothing is left of the file that was being written" }
        let restored = state.withLock { $0.restored }
        let done = restored.total > 0 ? "\(restored)" : "nothing"
        return "\(done) retrieved so far, all of it whole; run the same command again, and only "
            + "the rest is fetched"
    }

    /// Nothing more comes, though not everything was dealt with.
    func end(with error: DepotError) { state.withLock { $0.ending = error } }

    /// Writes the result; throws what went wrong.
    ///
    /// - Parameter target: where the files went.
    func finish(_ target: String) async throws(DepotError) {
        await settle()
        progress.end()
        let state = state.withLock { $0 }
        let total =
            [state.restored, state.unchanged, state.kept, state.leftOut].reduce(
                state.failed.count
            ) { $0 + $1.total }
        if let error = state.ending, total == 0 { throw error }
        state.warnings.tell()
        if state.badCopies > FailedFiles.toldMax, !output.verbose, !output.json, !output.quiet {
            Output.note(
                "bad copies: \(state.badCopies) in all; with --verbose each of them is told",
                .warning)
        }
        if output.json { showJSON(state) } else { show(state, target) }
        guard let error = state.ending ?? state.failed.summary(outOf: total, "retrieved", output)
        else {
            return
        }
        if output.json { Failure.end(ErrorTable.row(for: error.code).exitCode) }
        throw error
    }

    private func show(_ state: State, _ target: String) {
        guard !output.quiet, !isToStandardOutput else { return }
        let what = isTree ? "\(state.restored)" : state.lastName?.text ?? ""
        var line = "\(what)  \(ByteCount(state.bytes))  verified"
        if state.unchanged.total > 0 { line += "  unchanged: \(state.unchanged)" }
        if state.kept.total > 0 { line += "  kept: \(state.kept)" }
        if state.leftOut.total > 0 { line += "  left out: \(state.leftOut)" }
        if state.deleted > 0 { line += "  deleted: \(state.deleted)" }
        Output.line("\(line)  → \(target)")
    }

    private func showJSON(_ state: State) {
        if isTree {
            return Output.json(
                TreeResult(
                    files: state.files.files.sorted { $0.name < $1.name },
                    folders: state.files.folders.sorted { $0.name < $1.name },
                    links: state.files.links.sorted { $0.name < $1.name },
                    specials: state.files.specials.sorted { $0.name < $1.name },
                    deleted: state.deleted, failed: state.failed.sorted,
                    error: state.ending.map { ErrorEnvelope($0).error }
                )
            )
        }
        guard let file = state.files.all.first else { return }
        Output.json(file, to: isToStandardOutput ? .error : .output)
    }
}
