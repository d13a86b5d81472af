// What both daemons tell.

extension MetricFamily {
    public static let ofDaemon: [MetricFamily] = [
        buildInfo, requests, requestDuration, receivedBytes, sentBytes, refusedRequests,
        connections, connectionsMax, budgetBytes, budgetUsedBytes, budgetWaiting,
        certificateExpiry, processCPU, processMemory, processDescriptors, processDescriptorsMax,
        processStart,
    ]

    public static let buildInfo = MetricFamily(
        "depot_build_info", .gauge, by: ["role", "version"],
        "1; what the daemon is, and of which version.")

    public static let requests = MetricFamily(
        "depot_http_requests_total", .counter, by: ["route", "status"],
        "Requests that were answered, by what was asked for and the class of the status.")
    public static let requestDuration = MetricFamily(
        "depot_http_request_duration_seconds", .histogram(.requests), by: ["route"],
        "From the end of a request's head to the end of its answer.")
    public static let receivedBytes = MetricFamily(
        "depot_http_received_bytes_total", .counter, by: ["route"],
        "Bytes of requests' bodies that were read.")
    public static let sentBytes = MetricFamily(
        "depot_http_sent_bytes_total", .counter, by: ["route"],
        "Bytes of answers' bodies that were sent to their end.")
    public static let refusedRequests = MetricFamily(
        "depot_http_refused_total", .counter,
        "Requests that were refused before anybody looked at what they ask for: without a good "
            + "token, not well-formed, or without a place.")

    public static let connections = MetricFamily(
        "depot_connections", .gauge, "Connections that are open.")
    public static let connectionsMax = MetricFamily(
        "depot_connections_max", .gauge, "Connections that may be open.")

    public static let budgetBytes = MetricFamily(
        "depot_memory_budget_bytes", .gauge, by: ["budget"],
        "Bytes of content that may be in memory, by what for.")
    public static let budgetUsedBytes = MetricFamily(
        "depot_memory_budget_used_bytes", .gauge, by: ["budget"], "Bytes of these that are lent.")
    public static let budgetWaiting = MetricFamily(
        "depot_memory_budget_waiting", .gauge, by: ["budget"],
        "Requests that wait for some of them.")

    public static let certificateExpiry = MetricFamily(
        "depot_certificate_expiry_timestamp_seconds", .gauge,
        "When the daemon's certificate expires, in seconds since 1970. Absent without TLS.")

    // These names are the same in every program that Prometheus looks at.
    public static let processCPU = MetricFamily(
        "process_cpu_seconds_total", .counter, "Processor time that the process took.")
    public static let processMemory = MetricFamily(
        "process_resident_memory_bytes", .gauge, "Memory that the process has.")
    public static let processDescriptors = MetricFamily(
        "process_open_fds", .gauge, "Descriptors that are open.")
    public static let processDescriptorsMax = MetricFamily(
        "process_max_fds", .gauge, "Descriptors that may be open.")
    public static let processStart = MetricFamily(
        "process_start_time_seconds", .gauge,
        "When the process was started, in seconds since 1970.")
}

/// What memory is lent for.
public enum BudgetName: CaseIterable, Sendable {
    /// Of a FileServer.
    case deposits, retrievals, bodies, work
    /// Of a replica.
    case objects
}
