import DepotCore
import DepotSQLite

// A policy is an empty file of a reserved name, whose record's annotations say it: it is kept on
// replicas, rebuilt, and has versions as every file. Lists of files leave these names out.

/// Policies of scopes.
struct PolicyTable {
    private let session: Session

    init(_ session: Session) { self.session = session }

    /// What holds for a name: that of the narrowest scope.
    func policy(for name: FileName) throws -> VersionPolicy {
        guard try session.hasPolicies() else { return session.versions }
        for scope in PolicyScope.containing(name) {
            if let policy = try policy(of: scope) { return policy }
        }
        return session.versions
    }

    func policy(of scope: PolicyScope) throws -> VersionPolicy? {
        guard let name = try? scope.recordName else { return nil }
        return try FileTable(session).known(name).map {
            VersionPolicy($0.entry.metadata.annotations)
        }
    }

    func isAny() throws -> Bool {
        try session.statement(
            "SELECT EXISTS (SELECT 1 FROM file f WHERE \(Self.isPolicy("f.name")))"
        ).first { try $0.get(0) } ?? false
    }

    func count() throws -> Int {
        try session.statement("SELECT count(*) FROM file f WHERE \(Self.isPolicy("f.name"))").first
        {
            try $0.get(0)
        } ?? 0
    }

    /// At most `PolicyScope.countMax`.
    func all() throws -> [PolicyList.Entry] {
        var entries: [PolicyList.Entry] = []
        try session.statement(
            FileTable.selection + "WHERE \(Self.isPolicy("f.name")) ORDER BY f.name LIMIT ?"
        ).visit(PolicyScope.countMax) { row in
            let entry = try FileTable.Found(row).entry
            if let scope = PolicyScope(recordName: entry.name) {
                entries.append(.init(scope, VersionPolicy(entry.metadata.annotations)))
            }
            return true
        }
        return entries
    }

    /// Whether a name is the depot's own. Names in order, '0' comes behind '/'.
    static func isPolicy(_ name: String) -> String {
        "\(name) >= '.depot/' AND \(name) < '.depot0'"
    }
}
