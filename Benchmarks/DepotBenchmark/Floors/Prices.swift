/// What a byte costs at each place that it has to pass: CPU seconds per GiB, as measured in this run. Everything that a
/// case costs beyond the sum of these is waste.
struct Prices {
    private let cut: Double
    private let hash: Double
    /// Through a socket, both ends.
    private let socket: Double
    /// Out of one file and into another.
    private let copy: Double

    /// - Returns: `nil` where one of them was not measured.
    init?(_ measurements: [Measurement]) {
        func price(_ name: String) -> Double? {
            measurements.first { $0.name == name }?.cpuPerGiB
        }
        guard let cut = price("stage: cut"), let hash = price("floor: openssl speed sha256"),
            let socket = price("floor: loopback, one copy"), let copy = price("floor: cp")
        else { return nil }
        (self.cut, self.hash, self.socket, self.copy) = (cut, hash, socket, copy)
    }

    func priced(_ one: Measurement) -> Measurement {
        var priced = one
        (priced.floor, priced.floorOf) = floor(of: one.name)
        return priced
    }

    private func floor(of name: String) -> (Double?, String?) {
        if name.hasPrefix("deposit new"), let level = Self.level(in: name) {
            return (
                cut + hash + socket + Double(level) * (socket + hash + copy),
                "cut, hash, socket; for each copy a socket, a hash and a write"
            )
        }
        if name.hasPrefix("retrieve, "), name.contains("client") {
            return (2 * socket + hash, "two sockets, hash")
        }
        switch name {
        case "deposit again": return (cut + hash, "cut, hash")
        case "retrieve to /dev/null": return (2 * socket + hash, "two sockets, hash")
        case "retrieve to a file": return (2 * socket + hash + copy, "two sockets, hash, write")
        case "verify, unpaced": return (hash, "hash")
        default: return (nil, nil)
        }
    }

    private static func level(in name: String) -> Int? {
        name.firstMatch(of: /level ([0-9]+)/).flatMap { Int($0.1) }
    }
}
