import NIOCore
import NIOPosix
import Synchronization

/// A server that does to each connection what a test says, to the byte.
public final class ScriptedServer: Sendable {
    /// What to do to a connection; they are counted from 1. It is closed when this returns.
    public typealias Script = @Sendable (_ number: Int, inout RawConnection) async throws -> Void

    private struct Counts {
        var accepted = 0
        var open = 0
        var openMax = 0
    }

    public let port: Int
    private let counts = Mutex(Counts())

    private init(port: Int) { self.port = port }

    /// Connections so far.
    public var accepted: Int { counts.withLock { $0.accepted } }
    /// The most that were open at once.
    public var openMax: Int { counts.withLock { $0.openMax } }

    /// Listens while `body` runs; what is still going on then is cancelled.
    public static func run<Result>(
        _ script: @escaping Script, _ body: (ScriptedServer) async throws -> Result
    ) async throws -> Result {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0) { channel in
                channel.eventLoop.makeCompletedFuture { try RawConnection.wrap(channel) }
            }
        let server = ScriptedServer(port: channel.channel.localAddress?.port ?? 0)
        let serving = Task {
            try await channel.executeThenClose { connections in
                try await withThrowingDiscardingTaskGroup { group in
                    for try await connection in connections {
                        group.addTask { await server.serve(connection, script) }
                    }
                }
            }
        }
        do {
            let result = try await body(server)
            serving.cancel()
            _ = await serving.result
            return result
        } catch {
            serving.cancel()
            _ = await serving.result
            throw error
        }
    }

    private func serve(_ connection: RawConnection.Bytes, _ script: Script) async {
        let number = counts.withLock { counts in
            counts.accepted += 1
            counts.open += 1
            counts.openMax = max(counts.openMax, counts.open)
            return counts.accepted
        }
        defer { counts.withLock { $0.open -= 1 } }
        // A client that has gone is what many scripts end with.
        try? await RawConnection.serve(connection) { try await script(number, &$0) }
    }
}
