import DepotCore

/// Who belongs to a cluster whose catalog is lost, as its replicas have it. A value: nothing is
/// asked by making it.
struct RebuildCensus: Sendable {
    /// One answer to the question who it is.
    struct Answer: Sendable {
        let url: String
        let standing: ReplicaStanding
    }

    let cluster: ClusterID
    /// The highest that any of them saw.
    let epoch: UInt32
    /// In order.
    let members: [ReplicaID]
    /// Members that did not answer.
    let missing: [ReplicaID]

    /// Copies of this many members are more than half.
    var majority: Int { members.count / 2 + 1 }

    /// The lists of the highest epoch count. At one epoch replicas may have different lists,
    /// because one of them was away when a member came or was forgotten. A member is who at least
    /// half of the *others* name: one that was forgotten while it was away still names itself.
    ///
    /// - Throws: `notEnoughReplicas` where none answered; `clusterMismatch` where they are of
    ///   several clusters, or one of none; `conflict` where one answers at two addresses or was
    ///   forgotten.
    init(_ answers: [Answer]) throws(DepotError) {
        var memberships: [ReplicaID: ClusterMembership] = [:]
        for answer in answers {
            let replica = answer.standing.replica
            guard let membership = answer.standing.membership else {
                throw DepotError(
                    .clusterMismatch,
                    "replica \(replica) belongs to no cluster: it is new, and holds nothing to "
                        + "rebuild from. Leave it out now; the FileServer takes it in afterwards",
                    object: answer.url)
            }
            guard memberships.updateValue(membership, forKey: replica) == nil else {
                throw DepotError(
                    .conflict,
                    "replica \(replica) answers at two of the addresses: its folder was copied, or "
                        + "one daemon has two addresses. Name one of them", object: answer.url)
            }
        }
        guard let first = memberships.values.first else {
            throw DepotError(.notEnoughReplicas, "no replica answered")
        }
        cluster = first.cluster
        guard memberships.values.allSatisfy({ $0.cluster == first.cluster }) else {
            throw Self.mixture(answers)
        }
        let highest = memberships.values.map(\.epoch).max() ?? first.epoch
        epoch = highest
        let lists = memberships.filter { $0.value.epoch == highest }.mapValues { Set($0.members) }
        let named = lists.values.reduce(into: Set<ReplicaID>()) { $0.formUnion($1) }
        members = named.filter { Self.belongs($0, lists) }.sorted()
        missing = members.filter { memberships[$0] == nil }
        for answer in answers where !members.contains(answer.standing.replica) {
            throw DepotError(
                .conflict,
                "replica \(answer.standing.replica) is not on the member list of epoch \(highest): "
                    + "it was forgotten, and may hold what is older than anything known. Leave "
                    + "it out",
                object: answer.url)
        }
    }

    private static func belongs(_ replica: ReplicaID, _ lists: [ReplicaID: Set<ReplicaID>]) -> Bool
    {
        let others = lists.filter { $0.key != replica }
        return 2 * others.values.count { $0.contains(replica) } >= others.count
    }

    private static func mixture(_ answers: [Answer]) -> DepotError {
        let found = answers.map { answer in
            "\(answer.url) is of \(answer.standing.membership?.cluster.description ?? "none")"
        }
        return DepotError(
            .clusterMismatch,
            "these replicas are of different clusters; name those of one only. "
                + found.joined(separator: ", "))
    }

    /// - Parameter problems: why addresses gave no answer.
    /// - Throws: `notEnoughReplicas` where fewer than a majority answered; or not all, unless that
    ///   is accepted.
    func require(acceptMissing: Bool, problems: [String]) throws(DepotError) {
        guard !missing.isEmpty else { return }
        let found = members.count - missing.count
        let who = missing.map(\.description).joined(separator: ", ")
        let why = problems.isEmpty ? "" : "; no answer from " + problems.joined(separator: ", ")
        guard found >= majority else {
            throw DepotError(
                .notEnoughReplicas,
                "\(found) of \(members.count) members answered, \(majority) are needed; missing: "
                    + "\(who)\(why)")
        }
        guard acceptMissing else {
            throw DepotError(
                .notEnoughReplicas,
                "\(found) of \(members.count) members answered; missing: \(who)\(why). What only "
                    + "they hold would not come back until they do: bring them back, or say "
                    + "--accept-missing")
        }
    }
}
