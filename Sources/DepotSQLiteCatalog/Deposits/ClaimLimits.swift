/// How much deposits may claim of a catalog.
public struct ClaimLimits: Sendable {
    /// Leases at once, idle ones included: a deposit holds its pins for as long as it is renewed.
    public var deposits = 4_096
    /// Pins in all: so many, and four more for each known chunk. Pins then take no more room than
    /// the chunks that they are of.
    public var pins = 1 << 24

    public init() {}
}
