import DepotCore
import DepotWire

// Who looks at the page once a week wants to know whether to do anything, before any figure. So
// each rule makes one sentence of what is the matter, and one of what cures it. Nothing is said
// about what is as it should be.

/// Finds out what needs attention. Pure.
struct Attention: Sendable {
    /// Less than this share of a disk left is nearly full, and less than that is full.
    private static let roomWarning = 0.10
    private static let roomUrgent = 0.03
    /// Days of a certificate that are left.
    private static let certificateWarning = 14
    private static let certificateUrgent = 3

    let status: StatusBody
    let repair: OverviewBody.Repair
    let coverage: CoverageBody?
    /// How long the FileServer has run.
    let runs: Duration
    /// Segments are read again after so long, and somebody looks after them so often.
    let verificationAge: Duration
    let verificationPeriod: Duration

    /// The most urgent first.
    var notices: [OverviewBody.Notice] {
        let found =
            catalog + chunks + status.replicas.flatMap { state($0) + room($0) + certificate($0) }
            + ownCertificate + scrubs
        // Sorting keeps no order among equals.
        return OverviewBody.Notice.Urgency.allCases.flatMap { urgency in
            found.filter { $0.urgency == urgency }
        }
    }

    private var catalog: [OverviewBody.Notice] {
        guard let problem = status.problem else { return [] }
        return [
            OverviewBody.Notice(
                .urgent, Self.sentence(problem),
                cure: problem.contains("rebuild-catalog")
                    ? nil : "Look at the FileServer's log and at its disk.",
                command: problem.contains("rebuild-catalog") ? "depot rebuild-catalog" : nil)
        ]
    }

    private var chunks: [OverviewBody.Notice] {
        var found: [OverviewBody.Notice] = []
        if repair.unreadable > 0 {
            let names = repair.files.prefix(3).map { "'\($0)'" }.joined(separator: ", ")
            found.append(
                OverviewBody.Notice(
                    .urgent,
                    "\(Self.count(repair.unreadable, "chunk")) "
                        + "\(repair.unreadable == 1 ? "has" : "have") no good copy that can be "
                        + "read now" + (names.isEmpty ? "." : ", of \(names)."),
                    cure: "Bring the replicas back that are away, then read all back; what is lost "
                        + "for good can be deposited again.",
                    command: "depot verify", action: .verify))
        }
        let degraded = repair.waiting - repair.unreadable
        if degraded > 0 {
            found.append(
                OverviewBody.Notice(
                    .warning,
                    "\(Self.count(degraded, "chunk")) \(degraded == 1 ? "has" : "have") fewer good "
                        + "copies than files ask for.",
                    cure: "Repair makes them while enough replicas are up and have room."))
        }
        return found
    }

    private func state(_ replica: StatusBody.Replica) -> [OverviewBody.Notice] {
        let (name, problem) = (replica.name, replica.problem ?? "no reason is known")
        func notice(
            _ urgency: OverviewBody.Notice.Urgency, _ text: String, cure: String? = nil,
            command: String? = nil
        ) -> [OverviewBody.Notice] {
            [
                OverviewBody.Notice(
                    urgency, text, cure: cure, command: command, replica: name)
            ]
        }
        switch replica.state {
        case .up: return []
        case .down:
            return notice(
                .warning,
                "Replica \(name) does not answer: \(Self.sentence(problem, inside: true))",
                cure:
                    "Start it, or mend what keeps it away; one that is gone for good is forgotten.",
                command: "depot forget \(name)")
        case .lost:
            return notice(
                .warning,
                "Replica \(name) has been away for so long that its copies are made elsewhere.",
                cure: "Start it; one that is gone for good is forgotten.",
                command: "depot forget \(name)")
        case .maintenance:
            return notice(
                .notice, "Replica \(name) was stopped for maintenance.",
                cure: "Start it again before its time is over.")
        case .readOnly:
            return notice(
                .warning,
                "Replica \(name) takes no writes: \(Self.sentence(problem, inside: true))",
                cure: "Look at its disk and its log.")
        case .refused:
            return notice(
                .urgent,
                "Replica \(name) is not let in: \(Self.sentence(problem, inside: true))",
                cure: "Nothing is asked of it until that is mended.")
        case .slow where problem.hasPrefix("misbehaving"):
            return notice(
                .warning, "Replica \(name) is \(Self.sentence(problem, inside: true))",
                cure: "Look at what it runs, and at its network; drain it if it goes on.",
                command: "depot drain \(name)")
        case .slow:
            return notice(
                .notice, "Replica \(name) stalled lately, and gets no new copies for a while.")
        case .draining:
            return notice(
                .notice, "Replica \(name) is being emptied.",
                cure: "Wait until it is empty, then forget it.",
                command: "depot forget \(name)")
        }
    }

    private func room(_ replica: StatusBody.Replica) -> [OverviewBody.Notice] {
        let total = Double(replica.usedBytes) + Double(replica.freeBytes)
        guard replica.usedBytes > 0, total > 0 else { return [] }
        let share = Double(replica.freeBytes) / total
        guard share < Self.roomWarning else { return [] }
        return [
            OverviewBody.Notice(
                share < Self.roomUrgent ? .urgent : .warning,
                "The disk of replica \(replica.name) has \(ByteCount(replica.freeBytes)) left, "
                    + "\(Int((share * 100).rounded(.down))) % of what it may take.",
                cure: "Give it a larger disk or add a replica; collecting frees what nobody uses.",
                command: "depot collect", action: .collect, replica: replica.name)
        ]
    }

    private func certificate(_ replica: StatusBody.Replica) -> [OverviewBody.Notice] {
        Self.certificate(
            of: "replica \(replica.name)", left: replica.certificateDaysLeft?.wrappedValue,
            replica: replica.name)
    }

    private var ownCertificate: [OverviewBody.Notice] {
        Self.certificate(
            of: "the FileServer", left: status.certificateDaysLeft?.wrappedValue, replica: nil)
    }

    private static func certificate(
        of whom: String, left: Int?, replica: String?
    ) -> [OverviewBody.Notice] {
        guard let left, left < certificateWarning else { return [] }
        return [
            OverviewBody.Notice(
                left < certificateUrgent ? .urgent : .warning,
                "The certificate of \(whom) \(left < 1 ? "expires within a day, or has expired" : "expires in \(count(left, "day"))").",
                cure: "Make a new one; the daemon takes it over without a restart.",
                command: "depot tls init", replica: replica)
        ]
    }

    private var scrubs: [OverviewBody.Notice] {
        guard let coverage else { return [] }
        let daysMax = verificationAge * 2 / .seconds(86_400)
        let late = coverage.replicas.filter { replica in
            guard replica.copies > 0 else { return false }
            guard let oldest = replica.oldestDays else {
                // What was written lately is read with the next verification, or the one after.
                return runs > verificationPeriod * 3 && replica.checkedCopies == 0
            }
            return oldest > daysMax
        }
        return late.map { replica in
            OverviewBody.Notice(
                .warning,
                replica.oldestDays.map {
                    "Some of replica \(replica.name) was not read back for "
                        + "\(Self.count(Int($0), "day"))."
                } ?? "Nothing of replica \(replica.name) was ever read back.",
                cure: "Read it back: only that finds what a disk has lost.",
                command: "depot verify --replica \(replica.name)", action: .verify,
                replica: replica.name)
        }
    }

    // MARK: Words

    private static func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }

    /// With a period at its end and, unless it goes on in a sentence, a capital at its beginning.
    private static func sentence(_ text: String, inside: Bool = false) -> String {
        let end = text.hasSuffix(".") ? "" : "."
        return (inside ? text.prefix(1).description : text.prefix(1).uppercased())
            + text.dropFirst() + end
    }
}
