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

        init(_ report: DownloadReport) {
            name = report.file.name
            size = report.file.size
            manifest = report.file.manifest.id
            badCopies = report.badCopies
            warnings = report.warnings
        }
    }

    private struct TreeResult: Encodable {
        let files: [FileResult]
        let failed: [FailedFiles.Entry]
        let error: ErrorEnvelope.Body?
    }

    private struct State {
        var count = 0
        @ByteCount var bytes: UInt64 = 0
        /// How many files each was for. The first is told when it comes, the others are counted:
        /// there may be as many as files.
        var warnings: [RestoreWarning: Int] = [:]
        var lastName: FileName?
        var failed = FailedFiles()
        /// What ended the retrieval before its end.
        var ending: DepotError?
        var files: [FileResult] = []
    }

    private let state = Mutex(State())
    private let isTree: Bool
    private let isToStandardOutput: Bool
    private let output: OutputOptions
    private let progress: Progress

    init(isTree: Bool, isToStandardOutput: Bool, output: OutputOptions, progress: Progress) {
        self.isTree = isTree
        self.isToStandardOutput = isToStandardOutput
        self.output = output
        self.progress = progress
    }

    func take(_ outcome: TreeRetrieval.Outcome) {
        switch outcome {
        case .done(let report):
            state.withLock { state in
                state.count += 1
                state.bytes += report.file.size
                state.lastName = report.file.name
                if output.json { state.files.append(FileResult(report)) }
            }
            tellBadCopies(report)
            for warning in report.warnings { tell(warning, of: report.file.name) }
        case .failed(let name, let error):
            state.withLock { $0.failed.add(name.text, error, keeps: output.json) }
            if !output.json { progress.interrupt("depot: \(name): \(error)") }
        }
    }

    private func tellBadCopies(_ report: DownloadReport) {
        guard !output.json, !output.quiet else { return }
        for copy in report.badCopies {
            progress.interrupt(
                "bad copy: \(report.file.name): chunk \(copy.chunk) is \(copy.reason) on replica "
                    + "\(copy.replica); another copy was used")
        }
    }

    private func tell(_ warning: RestoreWarning, of name: FileName) {
        guard !output.json else { return }
        let count = state.withLock { state in
            state.warnings[warning, default: 0] += 1
            return state.warnings[warning]
        }
        if count == 1 {
            progress.interrupt(FileWarning(name: name, warning: "\(warning)").description)
        }
    }

    private static func tellCounted(_ warnings: [RestoreWarning: Int]) {
        for (warning, count) in warnings.sorted(by: { "\($0.key)" < "\($1.key)" }) where count > 1 {
            Output.note("warning: of \(Output.plural(count, "file")) in all: \(warning)")
        }
    }

    /// Nothing more comes, though not everything was dealt with.
    func end(with error: DepotError) { state.withLock { $0.ending = error } }

    /// Writes the result; throws what went wrong.
    ///
    /// - Parameter target: where the files went.
    func finish(_ target: String) throws(DepotError) {
        progress.end()
        let state = state.withLock { $0 }
        let total = state.count + state.failed.count
        if let error = state.ending, total == 0 { throw error }
        Self.tellCounted(state.warnings)
        if output.json { showJSON(state) } else { show(state, target) }
        guard let error = state.ending ?? state.failed.summary(outOf: total, "retrieved") else {
            return
        }
        if output.json { Failure.end(ErrorTable.row(for: error.code).exitCode) }
        throw error
    }

    private func show(_ state: State, _ target: String) {
        guard !output.quiet, !isToStandardOutput else { return }
        let what = isTree ? Output.plural(state.count, "file") : state.lastName?.text ?? ""
        Output.line("\(what)  \(ByteCount(state.bytes))  verified  → \(target)")
    }

    private func showJSON(_ state: State) {
        if isTree {
            return Output.json(
                TreeResult(
                    files: state.files.sorted { $0.name < $1.name },
                    failed: state.failed.sorted, error: state.ending.map { ErrorEnvelope($0).error }
                )
            )
        }
        guard let file = state.files.first else { return }
        Output.json(file, to: isToStandardOutput ? .error : .output)
    }
}
