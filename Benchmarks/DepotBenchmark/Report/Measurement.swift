/// What one case cost.
struct Measurement: Encodable {
    let name: String
    /// Bytes that the user handed over or got; 0 where the case is counted in operations.
    let bytes: UInt64
    let operations: Int
    let seconds: Double
    let client: Usage
    let server: Usage
    let replicas: Usage
    /// CPU seconds per GiB that nobody could do without, measured in the same run.
    var floor: Double?
    /// What the floor consists of.
    var floorOf: String?

    var cpu: Double { client.cpu + server.cpu + replicas.cpu }
    var gibibytes: Double { Double(bytes) / Double(1 << 30) }
    var cpuPerGiB: Double? { bytes > 0 ? cpu / gibibytes : nil }
    var megabytesPerSecond: Double { Double(bytes) / 1e6 / max(seconds, 1e-9) }
    var operationsPerSecond: Double { Double(operations) / max(seconds, 1e-9) }

    enum CodingKeys: String, CodingKey {
        case name, bytes, operations, seconds, client, server, replicas, floor, floorOf
        case cpu, cpuPerGiB, megabytesPerSecond, operationsPerSecond
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
        try values.encodeIfPresent(floor, forKey: .floor)
        try values.encodeIfPresent(floorOf, forKey: .floorOf)
        try values.encode(cpu, forKey: .cpu)
        try values.encodeIfPresent(cpuPerGiB, forKey: .cpuPerGiB)
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
}
