import ArgumentParser
import DepotCluster
import DepotCore
import DepotServer

/// When a FileServer does what nobody asks it for.
struct TimingOptions: ParsableArguments {
    @Option(
        help: Self.help(
            "A replica that has not answered for so long counts as lost: its copies are made "
                + "elsewhere.",
            \.lossGrace), transform: TimeSpan.parse)
    var lossGrace = Self.span(\.lossGrace)

    @Option(
        help: Self.help("The same for one that was stopped cleanly.", \.maintenanceGrace),
        transform: TimeSpan.parse)
    var maintenanceGrace = Self.span(\.maintenanceGrace)

    @Option(
        help: Self.help(
            "Between two looks for chunks with too few or too many copies.", \.repairPeriod),
        transform: TimeSpan.parse)
    var repairPeriod = Self.span(\.repairPeriod)

    @Option(
        help: Self.help("Between two collections.", \.collectionPeriod), transform: TimeSpan.parse)
    var collectionPeriod = Self.span(\.collectionPeriod)

    @Option(
        help: Self.help(
            "What nobody uses is kept for so long before it is collected.", \.collectionGrace),
        transform: TimeSpan.parse)
    var collectionGrace = Self.span(\.collectionGrace)

    @Option(
        help: ArgumentHelp(
            "What a name was is kept for so long after it was replaced or deleted, where no policy "
                + "says otherwise; 0s keeps nothing. "
                + "(default: \(TimeSpan(VersionPolicy.usual.duration)))", valueName: "time"),
        transform: TimeSpan.parse)
    var keepVersions = TimeSpan(VersionPolicy.usual.duration)

    @Option(
        help: Self.help("Between two verifications that nobody asked for.", \.verificationPeriod),
        transform: TimeSpan.parse)
    var verificationPeriod = Self.span(\.verificationPeriod)

    @Option(
        help: Self.help("They read what was not read for so long.", \.verificationAge),
        transform: TimeSpan.parse)
    var verificationAge = Self.span(\.verificationAge)

    @Option(
        help: Self.help(
            "What a deposit was promised is kept for so long after its client's last word.",
            \.depositLease), transform: TimeSpan.parse)
    var depositLease = Self.span(\.depositLease)

    func validate() throws {
        let periods = [
            ("repair-period", repairPeriod), ("collection-period", collectionPeriod),
            ("verification-period", verificationPeriod), ("deposit-lease", depositLease),
        ]
        for (name, period) in periods where period.seconds < 1 {
            throw ValidationError("--\(name) has to be 1s at least")
        }
    }

    func apply(to timing: inout ServerTiming) {
        timing.lossGrace = lossGrace.duration
        timing.maintenanceGrace = maintenanceGrace.duration
        timing.repairPeriod = repairPeriod.duration
        timing.collectionPeriod = collectionPeriod.duration
        timing.collectionGrace = collectionGrace.duration
        timing.verificationPeriod = verificationPeriod.duration
        timing.verificationAge = verificationAge.duration
        timing.depositLease = depositLease.duration
    }

    var versions: VersionPolicy { VersionPolicy(keepingFor: keepVersions.duration) }

    private static func span(_ time: KeyPath<ServerTiming, Duration>) -> TimeSpan {
        TimeSpan(ServerTiming()[keyPath: time])
    }

    /// The parser does not show the defaults of options that are transformed.
    private static func help(
        _ text: String, _ time: KeyPath<ServerTiming, Duration>
    ) -> ArgumentHelp {
        ArgumentHelp("\(text) (default: \(span(time)))", valueName: "time")
    }
}
