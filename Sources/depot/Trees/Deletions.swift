import DepotClient
import DepotCore
import DepotWire

/// Deletes names.
struct Deletions: Sendable {
    let client: FileServerClient
    /// Whether what the names were is forgotten, too.
    let purges: Bool

    /// - Parameter onOutcome: told of each when it is known, in no order.
    func delete(
        _ names: [FileName], onOutcome: (FileName, Result<DeletedName, DepotError>) -> Void
    ) async {
        await ManyNames.each(
            names, { name async throws(DepotError) in try await delete(name) }, onOutcome: onOutcome
        )
    }

    /// Purges names that are deleted. Told of are those of which something went: of others all that is
    /// left is locked, and they may have been told of before.
    func purgeDeleted(
        _ names: [FileName], onOutcome: (FileName, Result<DeletedName, DepotError>) -> Void
    ) async {
        let purge = { @Sendable (name: FileName) async throws(DepotError) -> (DeletedName, Bool) in
            let purged = try await client.purge(name)
            let done = DeletedName(name: name, lockedVersions: purged.lockedVersions)
            return (done, purged.versions > 0)
        }
        await ManyNames.each(names, purge) { name, result in
            switch result {
            case .success((let done, true)): onOutcome(name, .success(done))
            case .success((_, false)): break
            case .failure(let error): onOutcome(name, .failure(error))
            }
        }
    }

    func delete(_ name: FileName) async throws(DepotError) -> DeletedName {
        do throws(DepotError) {
            try await client.delete(name)
        } catch {
            guard purges, error.code == .notFound else { throw error }
            // What was deleted before may be purged as well.
            let purged = try await client.purge(name)
            guard purged.versions > 0 || purged.lockedVersions > 0 else { throw error }
            return DeletedName(name: name, lockedVersions: purged.lockedVersions)
        }
        let locked = purges ? try await client.purge(name).lockedVersions : 0
        return DeletedName(name: name, lockedVersions: locked)
    }

    func outcome(of name: FileName) async -> Result<DeletedName, DepotError> {
        do throws(DepotError) {
            return .success(try await delete(name))
        } catch {
            return .failure(error)
        }
    }
}

struct DeletedName: Encodable, Sendable {
    let name: FileName
    /// Those that stay though all should go.
    let lockedVersions: Int

    /// For people to read.
    var words: String {
        guard lockedVersions > 0 else { return "deleted \(name)" }
        return "deleted \(name); \(Output.plural(lockedVersions, "locked version")) "
            + (lockedVersions == 1 ? "stays until its lock ends" : "stay until their locks end")
    }
}

extension PurgedBody {
    var lockedVersions: Int { locked?.wrappedValue ?? 0 }
}
