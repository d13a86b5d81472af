import DepotCore

/// What all hedged fetches share.
struct Hedges: Sendable {
    let times = AnswerTimes()
    /// Answers of which only one will be used, beyond what callers have reserved. Without room
    /// nobody else is asked.
    let budget = MemoryBudget(size: 16 << 20)
}

/// Gets items from the first of their holders that gives them; asks the next one when a holder has
/// not what it should have, or when it takes much longer than usual.
struct HedgedFetch {
    /// A question to one replica, for items by their number.
    struct Question: Sendable {
        let replica: ReplicaID
        let items: [Int]
    }

    /// Holders of each item, the one to ask first at the front.
    var queues: [[ReplicaID]]
    let hedges: Hedges
    let clock: ServerClock

    private enum Event: Sendable {
        case answer(Question, [ChunkFetcher.Found?], Duration)
        /// So many questions have been asked for long.
        case late(Question)
    }

    /// - Returns: in order of the items; `nil` for what nobody gave.
    mutating func run(
        ask: @escaping @Sendable (Question) async -> [ChunkFetcher.Found?],
        bytes: @escaping @Sendable (Int) -> Int, isSlow: (ReplicaID) -> Void
    ) async -> [ChunkFetcher.Found?] {
        var found = [ChunkFetcher.Found?](repeating: nil, count: queues.count)
        var pending = [Int](repeating: 0, count: queues.count)
        var unanswered: [ReplicaID: Int] = [:]
        let (clock, hedges) = (clock, hedges)
        await withTaskGroup(of: Event?.self) { group in
            func send(_ questions: [Question], _ reservation: MemoryReservation? = nil) {
                for question in questions {
                    for item in question.items { pending[item] += 1 }
                    unanswered[question.replica, default: 0] += 1
                    let size = question.items.reduce(0) { $0 + bytes($1) }
                    let began = clock.elapsed()
                    group.addTask {
                        defer { withExtendedLifetime(reservation) {} }
                        let answer = await ask(question)
                        return .answer(question, answer, clock.elapsed() - began)
                    }
                    group.addTask {
                        let isDue = await clock.pause(hedges.times.patience(bytes: size))
                        return isDue ? .late(question) : nil
                    }
                }
            }
            send(next(for: queues.indices.map { $0 }))
            while let event = await group.next() {
                switch event {
                case .answer(let question, let answer, let duration):
                    unanswered[question.replica, default: 1] -= 1
                    for (item, one) in zip(question.items, answer) {
                        pending[item] -= 1
                        found[item] = found[item] ?? one
                    }
                    if answer.contains(where: { $0 != nil }) {
                        hedges.times.learn(
                            duration, bytes: question.items.reduce(0) { $0 + bytes($1) })
                    }
                    send(next(for: question.items.filter { found[$0] == nil && pending[$0] == 0 }))
                case .late(let question):
                    let items = question.items.filter { found[$0] == nil && !queues[$0].isEmpty }
                    guard unanswered[question.replica, default: 0] > 0, !items.isEmpty,
                        let room = hedges.budget.tryReserve(items.reduce(0) { $0 + bytes($1) })
                    else { continue }
                    isSlow(question.replica)
                    send(next(for: items), room)
                case nil: continue
                }
                if pending.allSatisfy({ $0 == 0 }) || !found.contains(where: { $0 == nil }) {
                    break
                }
            }
            group.cancelAll()
        }
        return found
    }

    /// Takes the next holder of each item from its queue.
    private mutating func next(for items: [Int]) -> [Question] {
        var asking: [ReplicaID: [Int]] = [:]
        for item in items where !queues[item].isEmpty {
            asking[queues[item].removeFirst(), default: []].append(item)
        }
        return asking.map { Question(replica: $0.key, items: $0.value) }
    }
}
