import ArgumentParser
import DepotClient
import DepotCore
import DepotWire

struct Drain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Empty a replica, so that it may be removed.",
        discussion: """
            The FileServer does the work; this waits for it, and may be interrupted. A replica \
            that is being emptied is read from, but gets nothing new. When it is empty, depot \
            forget takes it off the list. Where the others cannot take what is left, as with \
            --force, this says so after two minutes and ends with 5; the FileServer goes on when \
            they can.

            EXAMPLES:
              depot drain r2
              depot drain r2 --stop
            """)

    private static let pollInterval = Duration.seconds(1)
    /// Nobody waits longer for a drain that has a problem and gets no further, unless --patience says so.
    private static let patience = Duration.seconds(120)

    @Argument(help: "The replica, by name, address or UUID.", completion: .replicaNames)
    var replica: String
    @Flag(help: "Stop emptying it; it takes copies again.") var stop = false
    @Flag(help: "Begin though files' levels cannot be kept without it.") var force = false
    @Flag(help: "Do not wait until it is empty.") var noWait = false
    @OptionGroup var options: ServerOptions

    private struct Body: Encodable {
        let drain: DrainBody
        let isSafeToRemove: Bool
        let simulation: SimulatedLoss?
    }

    func run() async throws {
        let client = try options.client()
        if stop {
            let drain = try await client.stopDrain(of: replica)
            return finish(drain, simulation: nil)
        }
        let simulation = try await SimulatedLoss(of: [replica], client)
        if !options.output.json, !options.output.quiet { simulation.show(filesMax: 0) }
        var drain = try await client.startDrain(DrainRequestBody(replica: replica, force: force))
        if !noWait {
            let begun = drain
            drain = try await Interruption.guarding(
                saying: "the FileServer goes on; 'depot drain \(begun.name)' shows how far it is, "
                    + "'depot drain \(begun.name) --stop' ends it"
            ) { () async throws(DepotError) in try await wait(begun, client) }
        }
        finish(drain, simulation: simulation)
        if !noWait, drain.state == .draining {
            throw ExitCode(ErrorTable.row(for: .notEnoughReplicas).exitCode)
        }
    }

    private func wait(
        _ begun: DrainBody, _ client: FileServerClient
    ) async throws(DepotError) -> DrainBody {
        let progress = Progress("drain", total: begun.bytesLeft, options: options.output)
        var drain = begun
        var shown: String?
        // Counted, and not read from a clock: what slept in between has not waited.
        var stuckFor = Duration.zero
        while drain.state == .draining {
            do {
                try await Task.sleep(for: Self.pollInterval)
            } catch {
                throw DepotError(.unreachable, "stopped waiting", object: replica)
            }
            let next = try await client.drainStatus(of: replica)
            if drain.bytesLeft > next.bytesLeft {
                progress.advance(drain.bytesLeft - next.bytesLeft)
            }
            if let problem = next.problem, problem != shown {
                shown = problem
                if !options.output.json, !options.output.quiet {
                    progress.interrupt("\(next.name): \(problem)")
                }
            }
            let isStuck = next.problem != nil && Self.work(of: next) == Self.work(of: drain)
            stuckFor = isStuck ? stuckFor + Self.pollInterval : .zero
            drain = next
            if stuckFor > options.patience?.duration ?? Self.patience { break }
        }
        progress.end()
        return drain
    }

    /// What is left to be done, of everything.
    private static func work(of drain: DrainBody) -> [UInt64] {
        [
            UInt64(drain.chunksLeft), drain.bytesLeft, UInt64(drain.recordsLeft),
            UInt64(drain.depositsLeft),
        ]
    }

    private func finish(_ drain: DrainBody, simulation: SimulatedLoss?) {
        if options.output.json {
            return Output.json(
                Body(drain: drain, isSafeToRemove: drain.isSafeToRemove, simulation: simulation))
        }
        guard !options.output.quiet else { return }
        switch drain.state {
        case .drained:
            Output.line(
                "\(drain.name)  empty: safe to remove; then depot forget \(drain.name)")
            if drain.unusedChunks > 0 {
                Output.line(
                    "  \(Output.plural(drain.unusedChunks, "chunk")) there that nobody uses: left "
                        + "alone")
            }
        case .draining:
            Output.line(
                "\(drain.name)  draining: \(Output.plural(drain.chunksLeft, "chunk")) "
                    + "(\(ByteCount(drain.bytesLeft))), "
                    + "\(Output.plural(drain.recordsLeft, "record")), "
                    + "\(Output.plural(drain.depositsLeft, "deposit")) left")
            if let problem = drain.problem { Output.line("  \(problem)") }
        case .stopped:
            Output.line("\(drain.name)  not draining; it takes copies")
        }
    }
}
