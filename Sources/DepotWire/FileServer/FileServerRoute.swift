import DepotCore

/// The FileServer's interface, version 1. Every route but `/health`, the page and the description wants
/// `Authorization: Bearer TOKEN`, or the cookie of a session; changes by a session want
/// `depot-page: 1`, too.
///
/// | method and path | body → answer |
/// |---|---|
/// | `GET /health` | → `HealthBody` |
/// | `GET /metrics` | → the text format of Prometheus, `text/plain; version=0.0.4` |
/// | `GET`, `HEAD /`, `/page/{name}` | → the page, and what it is made of |
/// | `GET /openapi.yaml` | → all of this by OpenAPI 3.1, for programs |
/// | `POST /v1/session` | signs in, with a token → `SessionBody`, and a cookie |
/// | `GET`, `DELETE /v1/session` | → `SessionBody`, or nothing (204) where nobody is signed in; `DELETE` signs out |
/// | `GET /v1/overview` | → `OverviewBody` |
/// | `GET /v1/events` | → server-sent events, each an `OverviewBody`; with `once=true` the first of them |
/// | `GET /v1/traffic` | → `TrafficBody`, of the last hour |
/// | `GET /v1/folders?prefix=&after=&limit=&health=true` | → `FolderBody` |
/// | `GET /v1/status` | → `StatusBody` |
/// | `POST /v1/deposits` | `OpenDepositBody` → `DepositBody` |
/// | `POST /v1/deposits/{id}/negotiation` | chunk references → lacking chunks |
/// | `PUT /v1/deposits/{id}/chunks` | object frames → `StoredBody` |
/// | `POST /v1/deposits/{id}/barrier` | chunk references → lacking chunks |
/// | `POST /v1/deposits/{id}/commits` | `CommitBody` → `CommitAnswerBody`; with `lines=true` both as lines, see `CommitLines.swift`; with `durable=true` files of one chunk need no barrier before |
/// | `DELETE /v1/deposits/{id}` | → nothing (204) |
/// | `POST /v1/retrievals` | `OpenRetrievalBody` → `RetrievalBody`; with `lines=true` as lines |
/// | `POST /v1/retrievals/{id}/chunks` | read requests → object frames |
/// | `DELETE /v1/retrievals/{id}` | → nothing (204) |
/// | `GET /v1/files?prefix=&after=&limit=` | → `FileListBody`; with `at=` as it was then, with `deleted=true` what deleted names were; with `lines=true` as lines, see `FileLines.swift` |
/// | `GET /v1/files/{name}/info?after=&limit=` | → `FileInfoBody` |
/// | `GET /v1/files/{name}/versions?before=&limit=` | → `VersionListBody` |
/// | `POST /v1/files/{name}/revert` | `RevertBody` → `RevertedBody`; `depot-request` |
/// | `POST /v1/files/{name}/purge` | → `PurgedBody`; `depot-request` |
/// | `GET /v1/files/{name}/purge?below=true` | → `PurgePlanBody` |
/// | `POST /v1/files/{name}/lock?break=true` | `LockRequestBody` → `LockedBody`; `depot-request` |
/// | `GET /v1/policies` | → `PolicyListBody` |
/// | `PUT /v1/policies?prefix=` | `PolicyBody` → `PolicyListBody`; `depot-request` |
/// | `DELETE /v1/policies?prefix=` | → `PolicyListBody`; `depot-request` |
/// | `POST /v1/files/{name}/level` | `ChangeLevelBody` → `LevelChangeBody`; `depot-request` |
/// | `GET`, `HEAD /v1/files/{name}/content?sequence=` | → bytes; `Range`, `If-Range`, `ETag`, conditions |
/// | `PUT /v1/files/{name}?level=3&requireAll=true` | the bytes → `ReceiptBody`; conditions |
/// | `DELETE /v1/files/{name}` | → nothing (204); conditions, `depot-request` |
/// | `POST /v1/verifications` | `VerifyBody` → `VerificationBody` |
/// | `GET /v1/verifications/{id}?after=` | → `VerificationBody`; problems after so many |
/// | `DELETE /v1/verifications/{id}` | stops it → nothing (204) |
/// | `GET /v1/coverage?days=30` | → `CoverageBody` |
/// | `POST /v1/collections` | `CollectBody` → `CollectionBody` |
/// | `POST /v1/receipts` | `ReceiptBody` → `ReceiptProofBody` |
/// | `POST /v1/replicas/drain` | `DrainRequestBody` → `DrainBody` |
/// | `GET`, `DELETE /v1/replicas/drain?replica=` | → `DrainBody`; `DELETE` stops it |
/// | `POST /v1/replicas/forget` | `ForgetRequestBody` → `ForgottenBody` |
/// | `POST /v1/replicas/simulation` | `SimulationRequestBody` → `SimulationBody` |
/// | `GET /v1/tokens` | → `TokenListBody` |
/// | `POST /v1/tokens` | `NewTokenBody` → `TokenBody` |
/// | `POST /v1/tokens/{name}/rotation` | `RotationBody` → `TokenBody` |
/// | `DELETE /v1/tokens/{name}` | revokes it → nothing (204) |
///
/// A list goes on after the `next` of a page, where it has one, and else after its last name.
///
/// Bodies but for object frames and content carry their `depot-sha256`; a request may leave it out.
///
/// Conditions are `If-Match`, `If-None-Match`, `If-Modified-Since`, `If-Unmodified-Since` (RFC
/// 9110, 13): one that does not hold is answered with 412, or 304 where it asks for news; a change
/// is made only if they hold in that moment.
///
/// `{name}` is percent-encoded, `/` may stay as it is; the last part of a `GET` path is the verb,
/// so a file that is called `content` has the path `/v1/files/content/content`. Lists of ids are
/// binary, see `ObjectLists.swift`; everything else is JSON. Errors are `ErrorEnvelope`, with the
/// status of `ErrorTable`.
public enum FileServerRoute {
    public static let deposits = "/v1/deposits"
    public static let retrievals = "/v1/retrievals"
    public static let files = "/v1/files"
    public static let policies = "/v1/policies"
    public static let tokens = "/v1/tokens"
    public static let receipts = "/v1/receipts"
    public static let replicas = "/v1/replicas"
    public static let status = "/v1/status"
    public static let verifications = "/v1/verifications"
    public static let coverage = "/v1/coverage"
    public static let collections = "/v1/collections"
    public static let health = "/health"
    public static let metrics = "/metrics"

    /// The header with the UUID of a deletion or a change of level: with the same one, a repeated
    /// request is the same request, and changes nothing again.
    public static let request = "depot-request"
}
