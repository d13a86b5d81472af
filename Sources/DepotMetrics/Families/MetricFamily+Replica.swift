// What a replica tells of its own store. What takes a look at all segments is up to some minutes
// old.

extension MetricFamily {
    public static let ofReplica: [MetricFamily] =
        ofDaemon + [
            storeWritable, storeCapacity, storeUsed, storeFree, storeChunks, storeSegments,
            storeLive, storeGarbage, storedObjects, storedObjectBytes, readObjects,
            readObjectBytes, deletedObjects, barrier, scrubbedBytes, scrubbedCopies,
            scrubTime, corruptCopies, compactions, freedBytes,
        ]

    public static let storeWritable = MetricFamily(
        "depot_store_writable", .gauge, "Whether the store takes writes; not after an I/O error.")
    public static let storeCapacity = MetricFamily(
        "depot_store_capacity_bytes", .gauge, "What it can hold in all.")
    public static let storeUsed = MetricFamily(
        "depot_store_used_bytes", .gauge, "Bytes of its segments.")
    public static let storeFree = MetricFamily(
        "depot_store_free_bytes", .gauge, "Bytes that it can still take.")
    public static let storeChunks = MetricFamily(
        "depot_store_chunks", .gauge, "Live chunks that it holds.")
    public static let storeSegments = MetricFamily(
        "depot_store_segments", .gauge, "Segments, the open one among them.")
    public static let storeLive = MetricFamily(
        "depot_store_live_bytes", .gauge, "Bytes of segments that live copies take.")
    public static let storeGarbage = MetricFamily(
        "depot_store_garbage_bytes", .gauge,
        "The other bytes of segments; compaction gives them back.")

    public static let storedObjects = MetricFamily(
        "depot_store_written_objects_total", .counter, by: ["kind"],
        "Objects that were handed to the store, those among them that it had.")
    public static let storedObjectBytes = MetricFamily(
        "depot_store_written_bytes_total", .counter, by: ["kind"], "Bytes of them.")
    public static let readObjects = MetricFamily(
        "depot_store_read_objects_total", .counter, by: ["kind"],
        "Objects that were read for the FileServer.")
    public static let readObjectBytes = MetricFamily(
        "depot_store_read_bytes_total", .counter, by: ["kind"], "Bytes of them.")
    public static let deletedObjects = MetricFamily(
        "depot_store_deleted_objects_total", .counter, by: ["kind"], "Objects that were deleted.")
    public static let barrier = MetricFamily(
        "depot_store_barrier_duration_seconds", .histogram(.syncs),
        "A barrier: the sync of all that was appended, and the look at what is asked for.")

    public static let scrubbedBytes = MetricFamily(
        "depot_store_scrubbed_bytes_total", .counter, "Bytes of segments that scrubs have read.")
    public static let scrubbedCopies = MetricFamily(
        "depot_store_scrubbed_copies_total", .counter, "Copies that scrubs have hashed.")
    public static let scrubTime = MetricFamily(
        "depot_store_scrub_timestamp_seconds", .gauge,
        "When a scrub last read something, in seconds since 1970. Absent before the first one.")
    public static let corruptCopies = MetricFamily(
        "depot_store_corrupt_copies_total", .counter,
        "Copies that were read from the disk, hashed, and found to be wrong.")
    public static let compactions = MetricFamily(
        "depot_store_compactions_total", .counter, "Segments that were rewritten.")
    public static let freedBytes = MetricFamily(
        "depot_store_freed_bytes_total", .counter, "Bytes of files that went thereby.")
}
