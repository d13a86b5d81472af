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
        _ names: [FileName], onOutcome: (FileName, Result<Void, DepotError>) -> Void
    ) async {
        await ManyNames.each(
            names, { name async throws(DepotError) in try await delete(name) }, onOutcome: onOutcome
        )
    }

    func delete(_ name: FileName) async throws(DepotError) {
        do throws(DepotError) {
            try await client.delete(name)
        } catch {
            // What was deleted before may be purged as well.
            guard purges, error.code == .notFound, try await purge(name).versions > 0 else {
                throw error
            }
            return
        }
        if purges { _ = try await purge(name) }
    }

    private func purge(_ name: FileName) async throws(DepotError) -> PurgedBody {
        let purged = try await client.purge(name)
        if let locked = purged.locked?.wrappedValue, locked > 0 {
            throw DepotError(
                .conflict,
                "it is deleted, but \(Output.plural(locked, "version")) of it "
                    + "\(locked == 1 ? "is" : "are") locked and stay; 'depot versions' says until when",
                object: name.text)
        }
        return purged
    }

    func outcome(of name: FileName) async -> Result<Void, DepotError> {
        do throws(DepotError) {
            return .success(try await delete(name))
        } catch {
            return .failure(error)
        }
    }
}
