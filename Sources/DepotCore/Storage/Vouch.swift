/// What a barrier says of one object.
public enum Vouch: UInt8, Sendable {
    case absent = 0
    case durable = 1
}

/// What a check found.
public enum CheckVerdict: UInt8, Sendable {
    case absent = 0
    case good = 1
    /// Two readings, the second past the cache, both not what the id says.
    case bad = 2
}
