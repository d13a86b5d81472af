import DepotCore
import DepotWire

/// Makes tokens and takes them away, one change after the other. A change is durable before it
/// holds; one that takes something away holds although it cannot be kept, and says so.
actor TokenService {
    private let table: AccessTable
    private let keeper: any TokenKeeper
    private let time: @Sendable () -> Int64
    private var grants: [TokenGrant]

    /// - Parameter time: seconds since 1970.
    init(
        table: AccessTable, keeper: any TokenKeeper, time: @escaping @Sendable () -> Int64
    ) throws(DepotError) {
        self.table = table
        self.keeper = keeper
        self.time = time
        grants = try keeper.load()
        try table.replace(with: grants)
    }

    /// Those that were revoked stay in it until others need their places.
    func list() -> TokenListBody { TokenListBody(grants, at: time()) }

    /// - Throws: `conflict` where a live token has the name, or another one is the same; the same
    ///   request again changes nothing.
    func create(_ body: NewTokenBody) throws(DepotError) -> TokenBody {
        let now = time()
        let grant = try TokenGrant(
            name: body.name, scope: body.scope, prefixes: body.prefixes, created: now,
            expires: body.expires, digest: body.digest)
        if let known = grants.first(where: { $0.name == body.name && $0.isLive(at: now) }) {
            guard known.isSame(as: grant) else {
                throw DepotError(
                    .conflict,
                    "there is a token of this name; rotate or revoke it, or take another name",
                    object: body.name.text)
            }
            return TokenBody(known, at: now)
        }
        try refuseKnown(body.digest)
        var grants = grants.filter { $0.name != body.name }
        try Self.makeRoom(in: &grants, at: now)
        grants.append(grant)
        try change(to: grants)
        return TokenBody(grant, at: now)
    }

    private func refuseKnown(_ digest: TokenDigest) throws(DepotError) {
        guard grants.contains(where: { $0.keys.contains { $0.digest == digest } }) else { return }
        throw DepotError(.conflict, "this token was used before; make another one")
    }

    private static func makeRoom(
        in grants: inout [TokenGrant], at now: Int64
    ) throws(DepotError) {
        guard grants.count >= AccessTable.grantsMax else { return }
        guard let oldest = grants.firstIndex(where: { !$0.isLive(at: now) }) else {
            throw DepotError(
                .tooLarge,
                "there are \(AccessTable.grantsMax) tokens, and there can be no more; revoke some")
        }
        grants.remove(at: oldest)
    }

    /// - Throws: `notFound` where no live token has the name.
    func rotate(_ name: TokenName, _ body: RotationBody) throws(DepotError) -> TokenBody {
        let now = time()
        guard let index = grants.firstIndex(where: { $0.name == name && $0.isLive(at: now) })
        else { throw Self.unknown(name) }
        if grants[index].keys.last?.digest != body.digest {
            try refuseKnown(body.digest)
            var grants = grants
            let (until, isOver) = now.addingReportingOverflow(Int64(clamping: body.overlapSeconds))
            grants[index].rotate(to: body.digest, keepingOthers: isOver ? .max : until)
            try change(to: grants)
        }
        return TokenBody(grants[index], at: now)
    }

    /// A token that was revoked before stays it.
    ///
    /// - Throws: `notFound` where there never was one of the name; what the keeper throws: nobody
    ///   comes in with it all the same, until the FileServer is started again.
    func revoke(_ name: TokenName) throws(DepotError) {
        guard let index = grants.firstIndex(where: { $0.name == name }) else {
            throw Self.unknown(name)
        }
        guard grants[index].revoked == nil else { return try keeper.keep(grants) }
        grants[index].revoke(at: time())
        try table.replace(with: grants)
        try keeper.keep(grants)
    }

    private static func unknown(_ name: TokenName) -> DepotError {
        DepotError(
            .notFound, "there is no such token; 'depot token list' lists them", object: name.text)
    }

    private func change(to new: [TokenGrant]) throws(DepotError) {
        try keeper.keep(new)
        try table.replace(with: new)
        grants = new
    }
}

extension TokenGrant {
    /// Whether the same was asked for.
    fileprivate func isSame(as other: Self) -> Bool {
        scope == other.scope && prefixes == other.prefixes && expires == other.expires
            && keys.map(\.digest) == other.keys.map(\.digest)
    }
}
