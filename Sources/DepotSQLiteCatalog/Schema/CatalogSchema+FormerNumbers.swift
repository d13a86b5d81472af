import GRDB

// Rows that name a member by its number outlive the member, see `FormerNumbers`. So they refer to a
// member or to a former number, which no foreign key can say.

extension CatalogSchema {
    static let formerNumbers = """
        -- Numbers of members that were forgotten, under which something may be left.
        -- swept: up to this chunk no setback is.
        CREATE TABLE former_number (
            number INTEGER PRIMARY KEY CHECK (number BETWEEN 0 AND 62), swept INTEGER NOT NULL
        );

        """

    /// Reads nothing that grows with the depot.
    static func registerFormerNumbers(in migrator: inout DatabaseMigrator) {
        migrator.registerMigration(
            "14 numbers of forgotten members", foreignKeyChecks: .immediate
        ) { database in
            try database.execute(sql: "PRAGMA writable_schema = 1")
            try database.execute(
                sql: """
                    UPDATE sqlite_master SET sql = replace(
                        sql, 'replica INTEGER NOT NULL REFERENCES member', 'replica INTEGER NOT NULL')
                    WHERE type = 'table'
                        AND name IN ('holding', 'verdict', 'record_holding', 'segment')
                    """)
            try database.execute(sql: "PRAGMA writable_schema = RESET")
            // Making a table tells all connections that the schema is another one.
            try database.execute(sql: formerNumbers)
        }
    }
}
