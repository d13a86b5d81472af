/// What one case cost.
struct Measurement: Encodable, Sendable {
    var name: String
    /// Bytes that the user handed over or got; 0 where the case is counted in operations.
    let bytes: UInt64
    var operations: Int
    let seconds: Double
    var client: Usage
    var server: Usage
    var replicas: Usage
    /// Bytes that crossed the network.
    var sent: UInt64?
    /// By how much the stores have grown, all copies together.
    var stored: Int64?
    /// CPU seconds per GiB that nobody could do without, measured in the same run.
    var floor: Double?
    /// What the floor consists of.
    var floorOf: String?

    var cpu: Double { client.cpu + server.cpu + replicas.cpu }
    var gibibytes: Double { Double(bytes) / Double(1 << 30) }
    var cpuPerGiB: Double? { bytes > 0 ? cpu / gibibytes : nil }
    var megabytesPerSecond: Double { Double(bytes) / 1e6 / max(seconds, 1e-9) }
    /// Whether its cost is that of files, chunks or names, rather than of bytes.
    var isOfMany: Bool { operations > 1 && !name.hasPrefix("stage: ") }
    var millions: Double { Double(operations) / 1e6 }
    var cpuPerOperation: Double { cpu / Double(max(1, operations)) }
    var operationsPerSecond: Double { Double(operations) / max(seconds, 1e-9) }

    enum CodingKeys: String, CodingKey {
        case name, bytes, operations, seconds, client, server, replicas, floor, floorOf
        case sent, stored, cpuPerOperation, cpu, cpuPerGiB, megabytesPerSecond, operationsPerSecond
    }

    func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(name, forKey: .name)
        try values.encode(bytes, forKey: .bytes)
        try values.encode(operations, forKey: .operations)
        try values.encode(seconds, forKey: .seconds)
        try values.encode(client, forKey: .client)
        try values.encode(server, forKey: .server)
        try values.encode(replicas, forKey: .replicas)
        try values.encodeIfPresent(sent, forKey: .sent)
        try values.encodeIfPresent(stored, forKey: .stored)
        try values.encodeIfPresent(floor, forKey: .floor)
        try values.encodeIfPresent(floorOf, forKey: .floorOf)
        try values.encode(cpu, forKey: .cpu)
        try values.encodeIfPresent(cpuPerGiB, forKey: .cpuPerGiB)
        try values.encode(cpuPerOperation, forKey: .cpuPerOperation)
        try values.encode(megabytesPerSecond, forKey: .megabytesPerSecond)
        try values.encode(operationsPerSecond, forKey: .operationsPerSecond)
    }
}

extension Measurement {
    /// A stage or floor that runs in one process, or needs no server.
    init(_ name: String, bytes: UInt64, operations: Int = 1, seconds: Double, cpu: Double) {
        self.init(
            name: name, bytes: bytes, operations: operations, seconds: seconds,
            client: Usage(cpu: cpu), server: Usage(), replicas: Usage())
    }

    func named(_ name: String) -> Measurement {
        var renamed = self
        renamed.name = name
        return renamed
    }

    /// Two that were made one after the other, as one.
    static func + (left: Measurement, right: Measurement) -> Measurement {
        var sum = Measurement(
            name: left.name, bytes: left.bytes + right.bytes,
            operations: left.operations + right.operations, seconds: left.seconds + right.seconds,
            client: left.client + right.client, server: left.server + right.server,
            replicas: left.replicas + right.replicas)
        if let one = left.sent, let other = right.sent { sum.sent = one + other }
        if let one = left.stored, let other = right.stored { sum.stored = one + other }
        return sum
    }
}
