import DepotCore
import Glibc
import UnixSignals

/// Lets a command that is interrupted clean up behind itself: half-written files go, connections end.
enum Interruption {
    static func guarding<Value: Sendable>(
        _ body: @escaping @Sendable () async throws(DepotError) -> Value
    ) async throws(DepotError) -> Value {
        let work = Task { () -> Result<Value, DepotError> in
            do throws(DepotError) {
                return .success(try await body())
            } catch {
                return .failure(error)
            }
        }
        let watch = Task {
            var code: Int32 = 0
            for await signal in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
                // A second one is for whoever does not want to wait: for a reader that reads no more, say.
                if code != 0 { exit(code) }
                work.cancel()
                code = signal == .sigint ? 130 : 143
            }
            return code
        }
        let result = await work.value
        watch.cancel()
        let code = await watch.value
        if code != 0 { exit(code) }
        return try result.get()
    }
}
