import DepotCore
import DepotWire
import NIOCore

/// What names were, what is locked of it, and for how long it is kept.
extension FileServerClient {
    public func versions(
        of name: FileName, before: CommitSequence?
    ) async throws(DepotError) -> VersionListBody {
        var path = "\(Self.path(of: name))/versions?limit=\(WireLimits.pageEntriesMax)"
        if let before { path += "&before=\(before)" }
        return try await json(WireRequest(.GET, path))
    }

    /// Takes as long as its record takes to replicas.
    public func revert(
        _ name: FileName, to sequence: CommitSequence?
    ) async throws(DepotError) -> RevertedBody {
        try await json(
            .POST, "\(Self.path(of: name))/revert", headers: Self.newRequest,
            body: RevertBody(sequence: sequence))
    }

    public func purge(_ name: FileName) async throws(DepotError) -> PurgedBody {
        try await json(
            WireRequest(.POST, "\(Self.path(of: name))/purge", headers: Self.newRequest))
    }

    /// Takes as long as reading the catalog takes.
    public func purgePlan(
        _ name: FileName, isRecursive: Bool
    ) async throws(DepotError) -> PurgePlanBody {
        try await json(
            WireRequest(
                .GET, "\(Self.path(of: name))/purge?below=\(isRecursive)",
                patience: .hours(1)))
    }

    public func lock(
        _ version: VersionName, _ change: LockChange
    ) async throws(DepotError) -> LockedBody {
        let body = LockRequestBody(sequence: version.sequence, change)
        return try await json(
            .POST, "\(Self.path(of: version.name))/lock\(change.breaks ? "?break=true" : "")",
            headers: Self.newRequest, body: body)
    }

    public func policies() async throws(DepotError) -> PolicyListBody {
        try await json(WireRequest(.GET, FileServerRoute.policies))
    }

    public func setPolicy(
        _ policy: PolicyBody, prefix: String
    ) async throws(DepotError) -> PolicyListBody {
        try await json(
            .PUT, Self.policy(of: prefix), headers: Self.newRequest, body: policy)
    }

    public func removePolicy(prefix: String) async throws(DepotError) -> PolicyListBody {
        try await json(WireRequest(.DELETE, Self.policy(of: prefix), headers: Self.newRequest))
    }

    private static func policy(of prefix: String) -> String {
        "\(FileServerRoute.policies)?prefix=\(PercentEncoding.encode(prefix))"
    }
}
