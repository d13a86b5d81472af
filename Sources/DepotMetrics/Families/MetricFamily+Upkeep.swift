// What a FileServer tells of each replica, by its name, and of what keeps files whole.

extension MetricFamily {
    static let ofReplicas: [MetricFamily] = [
        replicaUp, replicaState, replicaAnswerAge, replicaCapacity, replicaUsed, replicaFree,
        replicaCertificateExpiry, replicaMisbehaviours, replicaCorrupt,
    ]

    public static let replicaUp = MetricFamily(
        "depot_replica_up", .gauge, by: ["replica"],
        "Whether the replica answers, as the one that is expected there.")
    public static let replicaState = MetricFamily(
        "depot_replica_state", .gauge, by: ["replica", "state"],
        "1 for the state that `depot status` shows, and 0 for the others.")
    public static let replicaAnswerAge = MetricFamily(
        "depot_replica_answer_age_seconds", .gauge, by: ["replica"],
        "How long ago it last said how it is. Absent where it has not since the start.")
    public static let replicaCapacity = MetricFamily(
        "depot_replica_capacity_bytes", .gauge, by: ["replica"], "What it can hold in all.")
    public static let replicaUsed = MetricFamily(
        "depot_replica_used_bytes", .gauge, by: ["replica"], "Bytes of its segments.")
    public static let replicaFree = MetricFamily(
        "depot_replica_free_bytes", .gauge, by: ["replica"], "Bytes that it can still take.")
    public static let replicaCertificateExpiry = MetricFamily(
        "depot_replica_certificate_expiry_timestamp_seconds", .gauge, by: ["replica"],
        "When the certificate expires that it last showed, in seconds since 1970. Absent without TLS."
    )
    public static let replicaMisbehaviours = MetricFamily(
        "depot_replica_misbehaviours_total", .counter, by: ["replica"],
        "Answers that no replica may give; they were used for nothing.")
    public static let replicaCorrupt = MetricFamily(
        "depot_replica_corrupt_copies_total", .counter, by: ["replica"],
        "Copies that the replica read from its disk and found to be wrong when it was asked to.")

    // MARK: Upkeep

    static let ofUpkeep: [MetricFamily] = [
        scrubAge, scrubSegments, scrubUnread, repairCopies, repairBytes, repairDrops,
    ]

    public static let scrubAge = MetricFamily(
        "depot_scrub_oldest_age_seconds", .gauge, by: ["replica"],
        "How long ago the segment was read and hashed that was not for longest.")
    public static let scrubSegments = MetricFamily(
        "depot_scrub_segments", .gauge, by: ["replica"],
        "Segments that the FileServer knows of: those of the last verification.")
    public static let scrubUnread = MetricFamily(
        "depot_scrub_unread_segments", .gauge, by: ["replica"],
        "Sealed ones among them that were never read to their end.")
    public static let repairCopies = MetricFamily(
        "depot_repair_copies_total", .counter, "Copies that repair has made.")
    public static let repairBytes = MetricFamily(
        "depot_repair_bytes_total", .counter, "Bytes of them.")
    public static let repairDrops = MetricFamily(
        "depot_repair_dropped_copies_total", .counter,
        "Copies that repair has let go: bad ones, and those above their target.")
}
