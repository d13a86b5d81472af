import DepotCore

/// The StorageReplica's interface, version 1, which only FileServers use. Every route but `/health`
/// wants the cluster token as `Authorization: Bearer TOKEN`; all but it, `metrics`, `standing` and
/// `cluster` also want `depot-cluster` and `depot-epoch`, and are refused where the replica belongs
/// elsewhere or has seen a higher epoch. What changes something or vouches wants `depot-writer`,
/// too, the claim that the replica keeps: `WriterClaim`. `depot-deposit` says for which deposit a
/// batch is.
///
/// | method and path | body → answer |
/// |---|---|
/// | `GET /health` | → `HealthBody` |
/// | `GET /metrics` | → the text format of Prometheus; opened by a token of its own, too |
/// | `GET /r1/standing` | → `ReplicaStanding` |
/// | `POST /r1/cluster` | `AdoptionBody` → `ReplicaStanding` |
/// | `PUT /r1/objects` | object frames → nothing (204); all were appended |
/// | `POST /r1/vouch` | object ids → one byte each: `Vouch` |
/// | `POST /r1/read` | object ids → object frames |
/// | `POST /r1/check` | object ids → one byte each: `CheckVerdict` |
/// | `GET /r1/inventory?after=&limit=` | → entries: kind 1, hash 32, length 4, segment 4 bytes |
/// | `POST /r1/condemn` | object ids → `CondemnToken` |
/// | `POST /r1/delete?token=` | object ids → object ids that are gone |
/// | `GET /r1/segments?after=&limit=` | → `[SegmentInfo]` |
/// | `POST /r1/scrub` | `ScrubBody` → `ScrubStep`, binary |
/// | `POST /r1/compact` | `SegmentID` → `CompactionReport` |
///
/// Whole bodies, both ways, carry their `depot-sha256`, but for object frames, whose objects have
/// hashes of their own; one that does not fit is refused. Every answer, errors too, repeats its
/// request's `depot-exchange`. To a request with the token, and to no other, it says who gave it
/// (`depot-replica`) and how far its log is (`depot-position`: `opens.segment.offset`).
public enum ReplicaRoute: String, CaseIterable, Sendable {
    case health = "/health"
    case metrics = "/metrics"
    case standing = "/r1/standing"
    case cluster = "/r1/cluster"
    case objects = "/r1/objects"
    case vouch = "/r1/vouch"
    case read = "/r1/read"
    case check = "/r1/check"
    case inventory = "/r1/inventory"
    case condemn = "/r1/condemn"
    case delete = "/r1/delete"
    case segments = "/r1/segments"
    case scrub = "/r1/scrub"
    case compact = "/r1/compact"
}

public enum ReplicaHeader {
    public static let cluster = "depot-cluster"
    public static let epoch = "depot-epoch"
    public static let writer = "depot-writer"
    public static let deposit = "depot-deposit"
    public static let replica = "depot-replica"
    public static let position = "depot-position"
}
