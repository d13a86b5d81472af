import DepotCore
import DepotSQLite

// Whether a chunk is used is looked up whenever it matters, and never stored. What is stored is
// since when nobody was found to use it, which only ever delays a deletion: entering a chunk, as a
// deposit does before it relies on it, takes the note away. That look goes into indexes; whoever is
// about to let something go marks what is unused before, and there the indexes are compared with
// their tables, see `IndexWitness`.

/// Conditions on what is used, and on what is known of it.
enum ChunkUse {
    /// Whether a file, or what one was before, uses a chunk: its manifest does, or the file is that
    /// chunk alone.
    ///
    /// - Parameter chunk: the chunk's number, in SQL.
    static func isInFile(_ chunk: String) -> String {
        """
        (\(isInCurrentFile(chunk))
            OR EXISTS (SELECT 1 FROM version w WHERE w.manifest = -\(chunk))
            OR EXISTS (
                SELECT 1 FROM reference r CROSS JOIN version w ON w.manifest = r.manifest
                WHERE r.chunk = \(chunk)))
        """
    }

    /// The same of files as they are.
    static func isInCurrentFile(_ chunk: String) -> String {
        """
        (EXISTS (SELECT 1 FROM file f WHERE f.manifest = -\(chunk))
            OR EXISTS (
                SELECT 1 FROM reference r CROSS JOIN file f ON f.manifest = r.manifest
                WHERE r.chunk = \(chunk)))
        """
    }

    /// Whether a file, what one was before, one that a retrieval still reads, or one that was replaced
    /// (see `ReplacedFiles`), is the chunk `c` alone.
    private static let isAlone = """
        (EXISTS (SELECT 1 FROM file f WHERE f.manifest = -c.id)
            OR EXISTS (SELECT 1 FROM version w WHERE w.manifest = -c.id)
            OR EXISTS (SELECT 1 FROM retrieval v WHERE v.manifest = -c.id)
            OR EXISTS (SELECT 1 FROM replaced p WHERE p.manifest = -c.id))
        """

    /// Whether a file, what one was before, a replaced file, a lease or a retrieval uses the chunk `c`. Leases that are
    /// over were ended before.
    static let isUsed = """
        (\(isAlone)
            OR EXISTS (
                SELECT 1 FROM reference r WHERE r.chunk = c.id AND (
                    EXISTS (SELECT 1 FROM file f WHERE f.manifest = r.manifest)
                    OR EXISTS (SELECT 1 FROM version w WHERE w.manifest = r.manifest)
                    OR EXISTS (SELECT 1 FROM retrieval v WHERE v.manifest = r.manifest)
                    OR EXISTS (SELECT 1 FROM replaced p WHERE p.manifest = r.manifest)))
            OR EXISTS (SELECT 1 FROM retrieval v WHERE v.manifest = c.id)
            OR EXISTS (SELECT 1 FROM file f WHERE f.manifest = c.id)
            OR EXISTS (SELECT 1 FROM version w WHERE w.manifest = c.id)
            OR \(PinSQL.isPinned("c.id")))
        """

    /// Whether there is nothing of the chunk `c` but its name. A late word for a copy that was
    /// deleted is told from a new one by its invalidation, so the chunk stays while there is one.
    static func isNameOnly(_ session: Session) -> String {
        """
        \(CopySQL.isHeldByNobody(session))
        AND NOT \(isAlone)
        AND NOT EXISTS (SELECT 1 FROM reference r WHERE r.chunk = c.id)
        AND NOT EXISTS (SELECT 1 FROM manifest m WHERE m.chunk = c.id)
        AND NOT \(PinSQL.isPinned("c.id"))
        AND NOT EXISTS (SELECT 1 FROM setback s WHERE s.chunk = c.id)
        """
    }

    /// Pages of one manifest come faster than this one after the other, even where the lease ended
    /// between them and was opened again: the ones that came before must then be there still.
    static let stagingMax = Duration.seconds(3_600)

    /// A manifest `m`, the chunk `c`, that no file uses or has used before, no replaced one and no
    /// retrieval, and that no deposit is about to commit. One of which pages are missing still stays for `stagingMax`:
    /// the first value is the running time before which it must have become unused.
    static let isAbandonedManifest = """
        (m.complete = 1 OR c.unused <= ?1)
        AND NOT EXISTS (SELECT 1 FROM file f WHERE f.manifest = m.chunk)
        AND NOT EXISTS (SELECT 1 FROM version w WHERE w.manifest = m.chunk)
        AND NOT EXISTS (SELECT 1 FROM retrieval v WHERE v.manifest = m.chunk)
        AND NOT EXISTS (SELECT 1 FROM replaced p WHERE p.manifest = m.chunk)
        AND NOT \(PinSQL.isPinned("m.chunk"))
        """

    // MARK: What must be known

    /// - Throws: `conflict` where nobody can say what is in use.
    static func requireKnown(_ session: Session) throws {
        guard try !ClusterTable(session).isPartial() else {
            throw DepotError(
                .conflict,
                "the catalog was rebuilt without some replicas; nothing is collected before they "
                    + "are back or forgotten")
        }
        try refuseUnexplained(session)
    }

    /// The same, and that each file's chunks are known: reads all files, once for many changes.
    ///
    /// - Throws: `conflict`, `manifestInvalid` where nobody can say what is in use.
    static func requireAllKnown(_ session: Session) throws {
        try requireKnown(session)
        try refuseUnknownManifest(session)
    }

    private static func refuseUnexplained(_ session: Session) throws {
        let unexplained = try session.statement(
            "SELECT name, unexplained FROM member WHERE unexplained IS NOT NULL LIMIT 1"
        ).first { try (replica: $0.get(0, as: String.self), file: $0.get(1, as: String.self)) }
        guard let unexplained else { return }
        throw DepotError(
            .conflict,
            "replica \(unexplained.replica) holds a record of this file that the catalog cannot "
                + "explain, so nothing is collected; run 'depot rebuild-catalog', or deposit the "
                + "file again where that has listed it as incomplete", object: unexplained.file)
    }

    private static func refuseUnknownManifest(_ session: Session) throws {
        let unknown = try session.statement(
            """
            SELECT f.name FROM (
                SELECT name, manifest FROM file UNION ALL SELECT name, manifest FROM version) f
            LEFT JOIN manifest m ON m.chunk = f.manifest
            LEFT JOIN chunk c ON c.id = -f.manifest
            WHERE f.manifest <> \(ManifestTable.empty)
                AND coalesce(m.complete, c.id IS NOT NULL) = 0 LIMIT 1
            """
        ).first { try $0.get(0, as: FileName.self) }
        guard let unknown else { return }
        throw DepotError(
            .manifestInvalid,
            "the catalog does not know all chunks of this file, so nothing is collected; run "
                + "'depot rebuild-catalog'", object: unknown.text)
    }
}
