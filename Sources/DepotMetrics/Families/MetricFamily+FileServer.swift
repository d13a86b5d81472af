// What a FileServer tells. What takes a look at the whole catalog is as old as `censusAge` says.

extension MetricFamily {
    public static let ofFileServer: [MetricFamily] =
        ofDaemon + [
            writable, catalogDamaged, catalogUnexplained, members, membersWritable, cutOffAnswers,
            depositBarrier,
            files, degradedFiles, versions, logicalBytes, uniqueBytes, storedBytes, versionBytes,
            underReplicated, unreadable, repairQueue, holdings, depositsOpen, retrievalsOpen,
            recordsPending, censusAge, censusDuration,
            catalogTransaction, catalogChanges, catalogView,
        ] + ofReplicas + ofUpkeep

    // MARK: Whether it writes

    public static let writable = MetricFamily(
        "depot_fileserver_writable", .gauge,
        "Whether changes are taken: the catalog is sound and the newest, this FileServer is the one "
            + "that writes, and a majority of the members takes changes.")
    public static let catalogDamaged = MetricFamily(
        "depot_catalog_damaged", .gauge, "Whether the catalog's file was found damaged.")
    public static let catalogUnexplained = MetricFamily(
        "depot_catalog_unexplained", .gauge,
        "Whether a replica holds records that the catalog cannot explain; nothing is collected.")
    public static let members = MetricFamily(
        "depot_members", .gauge, "Replicas that belong to the cluster.")
    public static let membersWritable = MetricFamily(
        "depot_members_writable", .gauge, "Members that take changes now.")

    public static let cutOffAnswers = MetricFamily(
        "depot_http_cut_off_total", .counter,
        "Answers that ended before their end: the client went, or a chunk could not be read.")

    public static let depositBarrier = MetricFamily(
        "depot_barrier_duration_seconds", .histogram(.syncs),
        "A deposit's barrier: until all replicas that were asked have said what is durable there.")

    // MARK: What the catalog says

    public static let files = MetricFamily("depot_files", .gauge, "Names that have a file.")
    public static let degradedFiles = MetricFamily(
        "depot_files_degraded", .gauge,
        "Files with a chunk that has fewer good copies than their level asks for.")
    public static let versions = MetricFamily(
        "depot_versions", .gauge, "What names were before and is kept.")
    public static let logicalBytes = MetricFamily(
        "depot_logical_bytes", .gauge, "The sizes of all files.")
    public static let uniqueBytes = MetricFamily(
        "depot_unique_bytes", .gauge,
        "Each chunk that a file uses, or a version, counted once.")
    public static let storedBytes = MetricFamily(
        "depot_stored_bytes", .gauge, "Each good copy of a chunk.")
    public static let versionBytes = MetricFamily(
        "depot_version_bytes", .gauge, "Each chunk that nothing but versions use, counted once.")
    public static let underReplicated = MetricFamily(
        "depot_chunks_under_replicated", .gauge,
        "Chunks in use with fewer good copies than their target, on members that are neither being "
            + "emptied nor away for longer than their grace time.")
    public static let unreadable = MetricFamily(
        "depot_chunks_unreadable", .gauge,
        "Chunks in use of which no member, present or away, has a good copy.")
    public static let repairQueue = MetricFamily(
        "depot_repair_queue_chunks", .gauge, "Chunks that repair is to make copies of.")
    public static let holdings = MetricFamily(
        "depot_holdings", .gauge, by: ["replica", "state"],
        "Copies of chunks by replica and by what the catalog believes of them.")
    public static let depositsOpen = MetricFamily(
        "depot_deposits_open", .gauge, "Deposits whose lease has not ended.")
    public static let retrievalsOpen = MetricFamily(
        "depot_retrievals_open", .gauge, "Retrievals whose lease has not ended.")
    public static let recordsPending = MetricFamily(
        "depot_records_pending", .gauge,
        "Records, alone or in batches, that are not yet at all replicas where they belong.")
    public static let censusAge = MetricFamily(
        "depot_census_age_seconds", .gauge, "How long ago all this was found in the catalog.")
    public static let censusDuration = MetricFamily(
        "depot_census_duration_seconds", .gauge, "How long that took.")

    // MARK: The catalog itself

    public static let catalogTransaction = MetricFamily(
        "depot_catalog_transaction_duration_seconds", .histogram(.syncs),
        "A transaction of the catalog, its sync included; it serves several changes.")
    public static let catalogChanges = MetricFamily(
        "depot_catalog_changes_total", .counter, "Changes that transactions were asked for.")
    public static let catalogView = MetricFamily(
        "depot_catalog_view_duration_seconds", .histogram(.syncs),
        "A question to the catalog, from when it has a connection.")
}
