import DepotCore

/// What asking for a chunk came to.
package enum Obtained<Value: Sendable>: Sendable {
    case found(Value)
    /// Nobody gave it. Who is believed to have it and did not answer may have it: that is a restart
    /// or a cable, and no damage.
    case absent(silent: [ReplicaID])

    package var value: Value? {
        if case .found(let value) = self { value } else { nil }
    }
}
