import DepotCore
import Glibc
import UnixSignals

/// Lets a command that is interrupted clean up behind itself: half-written files go, connections
/// end.
enum Interruption {
    /// And what a shell says that a process ended with which died of one: 128 and the signal's
    /// number. A terminal that is closed is an interruption, too.
    private static let signals: [UnixSignal] = [.sighup, .sigint, .sigterm]

    /// Those that whoever started the process did not have ignored, as `nohup` does, and shells for
    /// what runs behind them.
    private static var heeded: [UnixSignal] {
        signals.filter { signal in
            var action = sigaction()
            guard sigaction(signal.rawValue, nil, &action) == 0 else { return true }
            return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
                != unsafeBitCast(SIG_IGN, to: Int.self)
        }
    }

    /// - Parameter left: what is said of an interruption: what is done, and how to go on.
    static func guarding<Value: Sendable>(
        saying left: @autoclosure @escaping @Sendable () -> String,
        _ body: @escaping @Sendable () async throws(DepotError) -> Value
    ) async throws(DepotError) -> Value {
        // Before anything is begun that would have to be cleaned up.
        let interruptions = await UnixSignalsSequence(trapping: heeded)
        let work = Task { () -> Result<Value, DepotError> in
            do throws(DepotError) {
                return .success(try await body())
            } catch {
                return .failure(error)
            }
        }
        let watch = Task {
            var code: Int32 = 0
            for await signal in interruptions {
                // A second one is for whoever does not want to wait: for a reader that reads no
                // more, say.
                if code != 0 { exit(code) }
                work.cancel()
                code = 128 + signal.rawValue
            }
            return code
        }
        let result = await work.value
        watch.cancel()
        let code = await watch.value
        if code != 0 {
            Output.note("interrupted: \(left())")
            exit(code)
        }
        return try result.get()
    }
}
