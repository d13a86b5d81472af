import DepotCluster
import DepotCore
import DepotWire
import Synchronization

/// What a verification has found and done so far. Written by those who work, read by whoever asks.
final class VerificationLog: Sendable {
    /// Problems that are kept with all their details; of more only the count is.
    static let problemsMax = DamageNotes.countMax

    private struct State {
        var body: VerificationBody
        var problems: [VerificationProblem] = []
        var endedAt: Duration?
    }

    let id: VerificationID
    private let clock: ServerClock
    private let beganAt: Duration
    private let state: Mutex<State>

    init(_ id: VerificationID, clock: ServerClock) {
        self.id = id
        self.clock = clock
        beganAt = clock.elapsed()
        state = Mutex(State(body: VerificationBody(verification: id)))
    }

    func update(_ change: (inout VerificationBody) -> Void) {
        state.withLock { change(&$0.body) }
    }

    /// Changes how far the reading of one replica is.
    func update(
        replica name: String, _ change: (inout VerificationBody.ReplicaProgress) -> Void
    ) {
        state.withLock { state in
            let index = state.body.replicas.firstIndex { $0.name == name }
            if index == nil { state.body.replicas.append(.init(name: name)) }
            change(&state.body.replicas[index ?? state.body.replicas.count - 1])
        }
    }

    func add(_ problem: VerificationProblem) {
        state.withLock { state in
            state.body.problemCount += 1
            if state.problems.count < Self.problemsMax { state.problems.append(problem) }
        }
    }

    /// Objects of which a replica's copy is listed.
    func objects(on replica: String) -> Set<ObjectID> {
        state.withLock { state in
            Set(state.problems.lazy.filter { $0.replica == replica }.compactMap(\.object))
        }
    }

    var problems: [VerificationProblem] { state.withLock { $0.problems } }

    /// Says of each problem, in order, whether it is no more.
    func note(repaired: [Bool]) {
        state.withLock { state in
            for (index, isRepaired) in repaired.enumerated() {
                state.problems[index].isRepaired = isRepaired
            }
            // What is not listed is not known to be repaired.
            state.body.repairedCount = repaired.count { $0 }
        }
    }

    func end(_ error: DepotError?) {
        state.withLock { state in
            state.body.phase = error == nil ? .done : .failed
            state.body.error = error.map { ErrorEnvelope($0).error }
            state.endedAt = clock.elapsed()
        }
    }

    var isOver: Bool { state.withLock { $0.endedAt != nil } }

    /// - Parameter after: how many problems the asker has seen.
    func body(after: Int, limit: Int) -> VerificationBody {
        state.withLock { state in
            var body = state.body
            body.seconds = ((state.endedAt ?? clock.elapsed()) - beganAt) / .seconds(1)
            body.problems = Array(state.problems.dropFirst(max(0, after)).prefix(limit))
            return body
        }
    }
}
