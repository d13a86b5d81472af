import DepotCore
import NIOCore
import Synchronization

/// Which connections there are and who waits for one. Pure: it says what to do, and
/// `ConnectionPool` does it.
struct PoolState<Connection> {
    enum Lease {
        case reuse(Connection)
        case connect
        case wait
    }

    private var idle: [Connection] = []
    private var open = 0
    private var waiters: [UInt64] = []
    private var isClosed = false
    let connectionsMax: Int

    init(connectionsMax: Int) { self.connectionsMax = connectionsMax }

    /// The newest idle one first, of those that are preferred where there are any: the others may
    /// then time out.
    mutating func lease(
        for waiter: UInt64, preferring isPreferred: (Connection) -> Bool = { _ in true }
    ) -> Lease? {
        guard !isClosed else { return nil }
        if let index = idle.lastIndex(where: isPreferred) ?? idle.indices.last {
            return .reuse(idle.remove(at: index))
        }
        if open < connectionsMax {
            open += 1
            return .connect
        }
        waiters.append(waiter)
        return .wait
    }

    enum Handover {
        case none
        case pass(to: UInt64)
        case close
    }

    /// A connection that can be used again: it goes to who waits longest, or becomes idle.
    mutating func giveBack(_ connection: Connection) -> Handover {
        if isClosed { return .close }
        if !waiters.isEmpty { return .pass(to: waiters.removeFirst()) }
        idle.append(connection)
        return .none
    }

    /// A connection that is gone: who waits longest may make a new one.
    mutating func drop() -> Handover {
        guard !isClosed, !waiters.isEmpty else {
            open -= 1
            return .none
        }
        return .pass(to: waiters.removeFirst())
    }

    /// - Returns: whether it was still waiting.
    mutating func giveUp(_ waiter: UInt64) -> Bool {
        guard let index = waiters.firstIndex(of: waiter) else { return false }
        waiters.remove(at: index)
        return true
    }

    mutating func close() -> (idle: [Connection], waiters: [UInt64]) {
        isClosed = true
        defer {
            idle = []
            waiters = []
        }
        return (idle, waiters)
    }
}

/// The connections to one endpoint.
final class ConnectionPool: Sendable {
    private struct Guarded {
        var state: PoolState<WireConnection>
        var next: UInt64 = 0
        var waiting: [UInt64: CheckedContinuation<Result<WireConnection?, DepotError>, Never>] = [:]
    }

    private let endpoint: Endpoint
    private let configuration: TransportConfiguration
    private let tls: ClientTLS
    private let group: any EventLoopGroup
    private let guarded: Mutex<Guarded>
    /// Whether a connection was ever made.
    let hasConnected = Atomic(false)

    init(endpoint: Endpoint, configuration: TransportConfiguration, group: any EventLoopGroup) {
        self.endpoint = endpoint
        self.configuration = configuration
        tls = ClientTLS(endpoint, configuration.trust)
        self.group = group
        guarded = Mutex(
            Guarded(state: PoolState(connectionsMax: configuration.connectionsMax)))
    }

    /// A connection that is ready to begin an exchange, and whether it was used before.
    func lease() async throws(DepotError) -> (connection: WireConnection, isReused: Bool) {
        while true {
            guard let connection = try await place() else { return (try await connect(), false) }
            let isWorn =
                connection.certificate != nil
                && NIODeadline.now() - connection.begun > configuration.securedLifetime
            if !isWorn, await connection.begin() { return (connection, true) }
            connection.close()
            drop()
        }
    }

    /// An idle connection, or `nil`: the right to make one.
    private func place() async throws(DepotError) -> WireConnection? {
        // On the loop that the task runs on, neither has to wake the other's thread.
        let loop = LoopExecutor.current?.loop
        let result = await withCheckedContinuation { continuation in
            let lease = guarded.withLock { guarded in
                guarded.next += 1
                let waiter = guarded.next
                let lease = guarded.state.lease(for: waiter) { $0.channel.eventLoop === loop }
                if case .wait = lease {
                    guarded.waiting[waiter] = continuation
                    scheduleGivingUp(waiter)
                }
                return lease
            }
            switch lease {
            case nil: continuation.resume(returning: .failure(closed))
            case .reuse(let connection): continuation.resume(returning: .success(connection))
            case .connect: continuation.resume(returning: .success(nil))
            case .wait: break
            }
        }
        return try result.get()
    }

    private func scheduleGivingUp(_ waiter: UInt64) {
        group.next().scheduleTask(in: configuration.patience) { [self] in
            let continuation = guarded.withLock { guarded in
                guarded.state.giveUp(waiter) ? guarded.waiting.removeValue(forKey: waiter) : nil
            }
            continuation?.resume(
                returning: .failure(
                    DepotError(
                        .busy,
                        "all \(configuration.connectionsMax) connections are in use; try again",
                        object: endpoint.description)))
        }
    }

    private var closed: DepotError {
        DepotError(.unreachable, "the transport was shut down", object: endpoint.description)
    }

    private func connect() async throws(DepotError) -> WireConnection {
        do {
            let connection = try await WireConnection.connect(
                to: endpoint, tls, timeout: configuration.connectTimeout,
                group: LoopExecutor.current?.loop ?? group)
            hasConnected.store(true, ordering: .relaxed)
            _ = await connection.begin()
            return connection
        } catch {
            drop()
            throw error
        }
    }

    func giveBack(_ connection: WireConnection) {
        settle(.success(connection)) { $0.giveBack(connection) }
    }

    /// A connection is gone, or was never made.
    func drop() { settle(.success(nil)) { $0.drop() } }

    private func settle(
        _ result: Result<WireConnection?, DepotError>,
        _ change: (inout PoolState<WireConnection>) -> PoolState<WireConnection>.Handover
    ) {
        let (handover, continuation) = guarded.withLock { guarded in
            let handover = change(&guarded.state)
            guard case .pass(let waiter) = handover else {
                return (
                    handover,
                    nil as CheckedContinuation<Result<WireConnection?, DepotError>, Never>?
                )
            }
            return (handover, guarded.waiting.removeValue(forKey: waiter))
        }
        continuation?.resume(returning: result)
        if case .close = handover, case .success(let connection?) = result { connection.close() }
    }

    func shutDown() {
        let (idle, continuations) = guarded.withLock { guarded in
            let (idle, waiters) = guarded.state.close()
            return (idle, waiters.compactMap { guarded.waiting.removeValue(forKey: $0) })
        }
        for connection in idle { connection.close() }
        for continuation in continuations { continuation.resume(returning: .failure(closed)) }
    }
}
