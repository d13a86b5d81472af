import DepotClient
import DepotCore
import DepotWire
import FoundationEssentials

/// Has a verification run, and shows how far it is and what it finds.
struct VerificationWatch: Sendable {
    private static let interval = Duration.milliseconds(300)

    let client: FileServerClient
    let output: OutputOptions

    /// A verification as `--json` prints it: with all of its problems, and its exit code.
    private struct Report: Encodable {
        let verification: VerificationBody
        let exitCode: Int32
    }

    /// - Returns: the last word of it.
    func run(_ body: VerifyBody) async throws(DepotError) -> VerificationBody {
        let began = ContinuousClock.now
        let progress = Progress("verify", options: output)
        var state = try await client.startVerification(body)
        var problems = state.problems
        show(state.problems, progress)
        var bytes: UInt64 = 0
        while state.phase == .scrubbing || state.phase == .repairing {
            do {
                try await Task.sleep(for: Self.interval)
            } catch {
                await stop(body.verification)
                throw DepotError(.unreachable, "stopped; what was read counts")
            }
            state = try await next(body, after: problems.count, since: began)
            show(state.problems, progress)
            problems += state.problems
            let total = state.replicas.total { $0.bytes }
            let done = state.replicas.total { $0.bytesRead }
            progress.set(total: total)
            progress.advance(done > bytes ? done - bytes : 0)
            bytes = done
        }
        progress.end()
        if let error = state.error { throw error.depotError }
        state.problems = try await all(state)
        if output.json {
            Output.json(Report(verification: state, exitCode: state.exitCode))
        } else if !output.quiet {
            conclude(state)
        }
        return state
    }

    /// Where the FileServer was started again, begins again with what is unread since this command
    /// began.
    private func next(
        _ body: VerifyBody, after seen: Int, since began: ContinuousClock.Instant
    ) async throws(DepotError) -> VerificationBody {
        do throws(DepotError) {
            return try await client.verification(body.verification, after: seen)
        } catch  where error.code == .notFound {
            let seconds = Int(clamping: (ContinuousClock.now - began).components.seconds)
            return try await client.startVerification(
                VerifyBody(
                    verification: body.verification, replicas: body.replicas,
                    budgetSeconds: body.budgetSeconds?.wrappedValue,
                    ageSecondsMax: min(seconds, body.ageSecondsMax?.wrappedValue ?? seconds),
                    repairs: body.repairs, isUnpaced: body.isUnpaced))
        }
    }

    private func stop(_ verification: VerificationID) async {
        // The command was cancelled, so a task of its own has to carry the word.
        let client = client
        let result = await Task { () -> DepotError? in
            do throws(DepotError) {
                try await client.stopVerification(verification)
                return nil
            } catch {
                return error
            }
        }.value
        if let result { Output.complain("the verification goes on: \(result)") }
    }

    /// Its problems from the first to the last, with what is known of them in the end.
    private func all(_ state: VerificationBody) async throws(DepotError) -> [VerificationProblem] {
        var problems: [VerificationProblem] = []
        while problems.count < state.problemCount {
            let page = try await client.verification(
                state.verification, after: problems.count
            ).problems
            if page.isEmpty { break }
            problems += page
        }
        return problems
    }

    // MARK: Words

    private func show(_ problems: [VerificationProblem], _ progress: Progress) {
        guard !output.json else { return }
        for problem in problems {
            progress.clear()
            Output.line(Self.describe(problem))
        }
    }

    static func describe(_ problem: VerificationProblem) -> String {
        var words = [problem.kind.rawValue]
        if let object = problem.object {
            words.append(object.kind == .chunk ? "chunk \(object.hash)" : "record \(object.hash)")
        }
        words.append("on \(problem.replica)")
        if let segment = problem.segment { words.append("in segment \(segment)") }
        if let detail = problem.detail { words.append("(\(detail))") }
        if !problem.files.isEmpty {
            words.append("of \(problem.files.map(\.text).joined(separator: ", "))")
        }
        return words.joined(separator: " ")
    }

    private func conclude(_ state: VerificationBody) {
        for replica in state.replicas {
            if let why = replica.skipped { Output.line("not read: \(replica.name): \(why)") }
        }
        for name in state.lost {
            Output.line("lost: \(name); what it held is to be whole elsewhere")
        }
        let bytes = state.replicas.total { $0.bytesRead }
        let copies = state.replicas.total { $0.copies }
        let rate = ByteCount(rounding: state.seconds > 0 ? Double(bytes) / state.seconds : 0)
        Output.line(
            "\(Output.plural(copies, "copy", many: "copies")) read and hashed, \(ByteCount(bytes)) "
                + "in \(Self.rounded(state.seconds)) s (\(rate)/s)")
        if state.problemCount > 0 {
            Output.line(
                "\(Output.plural(state.problemCount, "problem")) found, \(state.repairedCount) "
                    + "repaired")
        }
        if state.copiesMade > 0 {
            Output.line(
                "\(Output.plural(state.copiesMade, "copy", many: "copies")) made "
                    + "(\(ByteCount(state.bytesCopied)))")
        }
        if state.underReplicated > 0 {
            Output.line(
                "\(Output.plural(state.underReplicated, "chunk")) with fewer good copies than "
                    + "wanted, \(state.unreadable) of them with none"
                    + (state.shortage.map { "; \($0)" } ?? ""))
        }
        switch state.exitCode {
        case 0: Output.line("clean")
        case 1: Output.line("all that was found is repaired")
        case 8: Output.line("no damage is left where it was read, but not all could be: see above")
        default: Output.line("not clean: see above")
        }
    }

    private static func rounded(_ seconds: Double) -> String {
        let tenths = Count(rounding: seconds * 10).wrappedValue
        return "\(tenths / 10).\(tenths % 10)"
    }
}
