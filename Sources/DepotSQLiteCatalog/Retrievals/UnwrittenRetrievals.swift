import DepotCore
import DepotSQLite
import Synchronization

// A client that reads has a lease, and a lease is a row. A full disk of the catalog would make
// reading fail, though nothing that is read lies on it. A lease that cannot be written is therefore
// kept in memory. The lease protects from a collection, and a collection writes: so each change,
// before it does anything else, writes down all leases that are kept here. A change that succeeds
// has them in the catalog when it looks whether something is used; a change that fails changes
// nothing.

/// Leases of retrievals that could not be written yet.
final class UnwrittenRetrievals: Sendable {
    /// Manifests that are held, about 60 bytes each: bounds what readers take while the disk is
    /// full.
    static let countMax = 131_072

    struct Lease: Hashable, Sendable {
        let retrieval: RetrievalID
        let manifest: Int64
    }

    private let deadlines = Mutex<[Lease: Int64]>([:])

    /// - Throws: `busy` where too many are held.
    func hold(
        _ manifests: [Int64], of retrieval: RetrievalID, until deadline: Int64, now: Int64
    ) throws(DepotError) {
        let hasRoom = deadlines.withLock { deadlines in
            if deadlines.count + manifests.count > Self.countMax {
                deadlines = deadlines.filter { $0.value > now }
            }
            guard deadlines.count + manifests.count <= Self.countMax else { return false }
            for manifest in manifests {
                deadlines[Lease(retrieval: retrieval, manifest: manifest)] = deadline
            }
            assert(deadlines.count <= Self.countMax, "what is held is bounded")
            return true
        }
        guard hasRoom else {
            throw DepotError(
                .busy,
                "too many retrievals are under way while the catalog's disk is full; make room "
                    + "there, or try again later", object: retrieval.description)
        }
    }

    /// The manifests that a retrieval holds here, with the end of each lease.
    func held(by retrieval: RetrievalID) -> [Int64: Int64] {
        deadlines.withLock { deadlines in
            guard !deadlines.isEmpty else { return [:] }
            var held: [Int64: Int64] = [:]
            for (lease, deadline) in deadlines where lease.retrieval == retrieval {
                held[lease.manifest] = deadline
            }
            return held
        }
    }

    func letGo(_ retrieval: RetrievalID) {
        deadlines.withLock { deadlines in
            guard !deadlines.isEmpty else { return }
            deadlines = deadlines.filter { $0.key.retrieval != retrieval }
        }
    }

    /// Writes all of them down.
    ///
    /// - Returns: the leases for `wasWritten`, which is called when the change is committed.
    func write(_ session: Session) throws -> [Lease: Int64] {
        session.assertChange()
        let held = deadlines.withLock { $0 }
        guard !held.isEmpty else { return held }
        // A manifest that was forgotten before it was held is left out: the retrieval that holds
        // it looks again.
        let writing = try session.statement(
            """
            INSERT INTO retrieval (uuid, manifest, deadline)
            SELECT ?1, ?3, ?2 WHERE ?3 = \(ManifestTable.empty)
                OR EXISTS (SELECT 1 FROM manifest m WHERE m.chunk = ?3)
                OR EXISTS (SELECT 1 FROM chunk c WHERE c.id = -?3)
            ON CONFLICT DO UPDATE SET deadline = max(deadline, excluded.deadline)
            """)
        for (lease, deadline) in held {
            try writing.run(lease.retrieval, deadline, lease.manifest)
        }
        return held
    }

    func wasWritten(_ written: [Lease: Int64]) {
        guard !written.isEmpty else { return }
        deadlines.withLock { deadlines in
            deadlines = deadlines.filter { written[$0.key] != $0.value }
        }
    }
}
