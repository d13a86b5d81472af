import DepotCore

// Whether the catalog may be relied on for writing.

extension ReplicaPool {
    /// - Throws: `conflict` where a replica has seen commits that this catalog does not know;
    ///   `notEnoughReplicas` while fewer than a majority have confirmed that it is the newest;
    ///   `storeFailed` where it is damaged.
    package func requireCurrentCatalog() throws(DepotError) {
        let (damage, ahead, listed) = shared.withLock {
            ($0.catalogDamage, $0.ahead.values.first, $0.listedAhead.values.first)
        }
        if let damage {
            throw DepotError(
                .storeFailed, "the FileServer is read-only: \(damage.message)",
                object: damage.object, cause: damage.cause)
        }
        try refuseStranger()
        if let found = ahead ?? listed {
            throw DepotError(
                .conflict,
                "the FileServer is read-only: \(found). The catalog was lost or is an older copy; "
                    + "restore the right one, or run 'depot rebuild-catalog'")
        }
        try requireClaim()
    }

    /// From here on nothing is written.
    ///
    /// - Returns: whether the catalog was taken for sound until now.
    func catalogFound(damaged error: DepotError) -> Bool {
        shared.withLock { $0.catalogFound(damaged: error) }
    }

    /// Why nothing is written, or nothing is collected, for people to read.
    ///
    /// - Parameter isNaming: whether it may say what a file is called.
    package func problemWithCatalog(namingFiles isNaming: Bool) -> String? {
        do throws(DepotError) {
            try requireCurrentCatalog()
            let found = shared.withLock { $0.unexplained.values.min { $0.named < $1.named } }
            return isNaming ? found?.named : found?.nameless
        } catch {
            return "\(error)"
        }
    }

    /// Keeps, for people to read, whether an inventory showed what the catalog cannot explain.
    ///
    /// - Parameters:
    ///   - count: records that the catalog cannot explain.
    ///   - first: the name of one of them; `nil` where there is none.
    func noteUnexplained(_ count: Int, first: FileName?, on replica: ReplicaID) {
        let found = first.map { name in
            func sentence(_ example: String) -> String {
                "nothing is collected: replica \(self.name(of: replica)) holds \(count) records "
                    + "that the catalog cannot explain\(example); run 'depot rebuild-catalog', or "
                    + "deposit what that lists as incomplete again"
            }
            return UnexplainedRecords(
                named: sentence(", '\(name)' among them"), nameless: sentence(""))
        }
        shared.withLock { $0.inventoried(replica, unexplained: found) }
    }
}
