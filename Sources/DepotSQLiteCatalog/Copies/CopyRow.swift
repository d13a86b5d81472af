import DepotCore

/// What is believed of the copies of one chunk. Of a member's copy one thing is believed: a bit in
/// one of the masks, or a verdict.
struct CopyRow: Equatable {
    var good = CopyMask.none
    /// A bit that was its member's before its log went back is as good as one in here, wherever it
    /// is.
    var unproved = CopyMask.none
    /// Copies that are bad or released, by member.
    var verdicts: [Int: HoldingState] = [:]

    /// - Parameter state: `nil` where there is no copy any more.
    mutating func set(_ state: HoldingState?, of member: Int, _ members: MemberTable) {
        let bits = members.bits(of: member)
        good = good.without(bits)
        unproved = unproved.without(bits)
        if !verdicts.isEmpty { verdicts[member] = nil }
        switch state {
        case .good: good |= members.bit(of: member)
        case .unproved: unproved |= members.bit(of: member)
        case .bad, .released: verdicts[member] = state
        case nil: break
        }
    }

    func state(of member: Int, _ members: MemberTable) -> HoldingState? {
        if let verdict = verdicts[member] { return verdict }
        if !(good & members.bit(of: member)).isEmpty { return .good }
        return ((good | unproved) & members.bits(of: member)).isEmpty ? nil : .unproved
    }

    /// - Throws: where a bit is set that is no member's and was none's.
    func states(_ members: MemberTable) throws -> [Int: HoldingState] {
        var states: [Int: HoldingState] = [:]
        for bit in (good | unproved).numbers {
            guard let member = try members.owner(ofBit: bit) else { continue }
            states[member] = state(of: member, members)
        }
        return states.merging(verdicts) { $1 }
    }

    /// Whether any member has a copy, in whatever state.
    func isHeld(_ members: MemberTable) -> Bool {
        !verdicts.isEmpty || !((good | unproved) & members.known).isEmpty
    }
}
