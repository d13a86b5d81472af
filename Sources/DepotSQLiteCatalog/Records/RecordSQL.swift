/// How rows name records; see `CatalogSchema.batches`.
enum RecordSQL {
    /// The object that keeps the record of a number.
    static func object(of number: String) -> String {
        """
        CASE WHEN \(number) > 0 THEN \(number)
            ELSE (SELECT record FROM line WHERE id = -\(number)) END
        """
    }

    /// Whether a number is that of a record which the object `o` keeps.
    static func isKept(_ number: String) -> String {
        """
        \(number) BETWEEN coalesce(1 - o.line - o.lines, o.id) AND coalesce(-o.line, o.id)
        """
    }

    /// Text and hash of the record of a number, by two joins and these columns.
    static func joinText(of number: String) -> String {
        """
        LEFT JOIN record alone ON alone.id = \(number) LEFT JOIN line l ON l.id = -\(number)
        """
    }
    static let text = "coalesce(l.text, alone.text), coalesce(l.hash, alone.hash)"

    /// Whether some member is known to have the object. What is left of members that were forgotten
    /// counts for nothing.
    static func isHeld(_ object: String) -> String {
        """
        EXISTS (SELECT 1 FROM record_holding held CROSS JOIN member ON member.id = held.replica
            WHERE held.record = \(object).id)
        """
    }

    /// Whether some member is known to have the object, or may get it.
    static func isAround(_ object: String) -> String {
        "(\(object).pending = 1 OR \(isHeld(object)))"
    }
}
