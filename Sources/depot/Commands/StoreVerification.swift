import ArgumentParser
import DepotCore
import DepotStore
import Logging
import Synchronization

/// `depot verify --store`: reads a stopped replica's folder, without any server.
struct StoreVerification {
    let folder: String
    let output: OutputOptions

    func run() async throws {
        let progress = Progress("verify", options: output)
        let report = try StoreCheck(folder: folder, logger: Logger(label: "depot")).run {
            read, total in
            progress.set(total: total)
            progress.advance(read)
        }
        progress.end()
        let code: Int32 = report.isClean ? 0 : 2
        if output.json {
            Output.json(report)
        } else if !output.quiet {
            show(report)
        }
        throw ExitCode(code)
    }

    private func show(_ report: StoreCheck.Report) {
        for bad in report.badMembers {
            let what = bad.object.map { "\($0.kind == .chunk ? "chunk" : "record") \($0.hash)" }
            Output.line(
                "corrupt \(what ?? "member") in segment \(bad.segment) at byte \(bad.offset)"
                    + (bad.hasGoodCopy ? "; a whole copy lies elsewhere in this folder" : ""))
        }
        for (segment, problems) in report.problems.sorted(by: { $0.key < $1.key }) {
            for problem in problems {
                Output.line("segment \(segment) at byte \(problem.offset): \(problem.what)")
            }
        }
        Output.line(
            "\(Output.plural(report.members, "copy", many: "copies")) in "
                + "\(Output.plural(report.segments, "segment")) read and hashed, "
                + "\(ByteCount(report.bytes))")
        if report.unsealedSegments > 0 {
            Output.line(
                "\(Output.plural(report.unsealedSegments, "segment")) not sealed; the next start "
                    + "does that"
                    + (report.tornBytes > 0
                        ? ", and sets \(report.tornBytes) torn bytes aside" : ""))
        }
        Output.line(
            report.isClean ? "clean" : "not clean: other replicas may have what is damaged here")
    }
}
