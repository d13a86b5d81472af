/// Of several runs of each case the one that took the least CPU time, in the order in which the cases came first.
struct CheapestRuns {
    enum Item {
        case measurement(Measurement)
        case note(String)
    }

    private(set) var items: [Item] = []
    private var places: [String: Int] = [:]

    mutating func add(_ one: Measurement) {
        guard let place = places[one.name], case .measurement(let other) = items[place] else {
            places[one.name] = items.count
            items.append(.measurement(one))
            return
        }
        items[place] = .measurement(Self.cheaper(one, other))
    }

    /// Once, however often it is said.
    mutating func note(_ line: String) {
        guard places.updateValue(items.count, forKey: line) == nil else { return }
        items.append(.note(line))
    }

    /// Memory is what it may take: the highest peaks of both.
    private static func cheaper(_ left: Measurement, _ right: Measurement) -> Measurement {
        var best = left.cpu <= right.cpu ? left : right
        best.client.peakMiB = max(left.client.peakMiB, right.client.peakMiB)
        best.server.peakMiB = max(left.server.peakMiB, right.server.peakMiB)
        best.replicas.peakMiB = max(left.replicas.peakMiB, right.replicas.peakMiB)
        return best
    }
}
