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
            for await signal in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
                work.cancel()
                return signal == .sigint ? Int32(130) : 143
            }
            return 0 as Int32
        }
        let result = await work.value
        watch.cancel()
        let code = await watch.value
        if code != 0 { exit(code) }
        return try result.get()
    }
}
