import DepotMetrics
import Testing

/// Alarms, dashboard and documents speak of the metrics that there are, and each alarm leads to what cures it.
@Suite struct MonitoringTests {
    private static let folder = "docker/monitoring"
    private static let families = Set(MetricFamily.ofFileServer + MetricFamily.ofReplica)

    private let repository: Repository
    private let rules: String
    private let ruleTests: String
    private let dashboard: String

    init() throws {
        repository = try Repository.this.get()
        rules = try #require(repository.texts["\(Self.folder)/alerts.yml"])
        ruleTests = try #require(repository.texts["\(Self.folder)/alerts.test.yml"])
        dashboard = try #require(
            repository.texts["\(Self.folder)/grafana/dashboards/depot.json"])
    }

    /// Each alarm with the lines of its rule.
    private var alarms: [(name: String, rule: Substring)] {
        let parts = rules.split(separator: "- alert: ").dropFirst()
        return parts.map { ($0.prefix { !$0.isNewline }, $0) }.map { (String($0), $1) }
    }

    /// What stands in a text as a name of a metric.
    private static func metrics(in text: String) -> Set<String> {
        Set(text.matches(of: /\b(?:depot|process)_[a-z_]+/).map { String($0.0) })
    }

    /// Series that stand for a family.
    private static func names(of family: MetricFamily) -> [String] {
        guard case .histogram = family.kind else { return [family.name] }
        return ["_bucket", "_sum", "_count"].map { family.name + $0 }
    }

    @Test func `what alarms, their tests and the dashboard ask for is told`() {
        let told = Set(Self.families.flatMap(Self.names))
        for (text, most) in [(rules, 20), (ruleTests, 20), (dashboard, 40)] {
            let asked = Self.metrics(in: text)
            #expect(asked.count >= most)
            #expect(asked.subtracting(told).sorted() == [])
        }
    }

    @Test func `each alarm says what it is, how bad, and where the cure is written`() throws {
        let guide = try #require(repository.documents.first { $0.path == "docs/Alarms.md" })
        #expect(alarms.count > 20)
        #expect(Set(alarms.map(\.name)).count == alarms.count)
        for (name, rule) in alarms {
            #expect(rule.contains(/severity: (?:critical|warning|info)\b/), "\(name)")
            for part in ["summary:", "description:"] { #expect(rule.contains(part), "\(name)") }
            let anchor = rule.firstMatch(of: /guide: docs\/Alarms\.md#([\w-]+)/).map {
                String($0.1)
            }
            let found = try #require(anchor, "\(name)")
            #expect(guide.anchors.contains(found), "\(name)")
            let text = repository.texts[guide.path] ?? ""
            #expect(text.contains("| [\(name)](#\(found)) |"), "\(name) is in the guide's table")
        }
    }

    @Test func `each alarm is made to ring, and seen not to`() {
        for (name, _) in alarms {
            let wanted = ruleTests.matches(of: /alertname: (\w+)\n +exp_alerts:( \[\])?/)
                .filter { $0.1 == name }
            #expect(wanted.contains { $0.2 == nil }, "\(name) rings")
            #expect(wanted.contains { $0.2 != nil }, "\(name) does not")
        }
    }

    @Test func `the table of metrics is the one in the code`() throws {
        let article = try #require(
            repository.texts["Sources/DepotMetrics/DepotMetrics.docc/Metrics.md"])
        let rows = Set(article.split(separator: "\n").filter { $0.hasPrefix("| `") })
        let expected = Self.families.map { family in
            let labels = family.labels.map { "`\($0)`" }.joined(separator: ", ")
            return "| `\(family.name)` | \(family.kind.word) | \(labels) | \(family.help) |"
        }
        for row in expected { #expect(rows.contains(Substring(row)), "\(row)") }
        #expect(rows.count == expected.count)
    }

    // MARK: That the checks see

    @Test func `a metric that is gone is seen`() {
        #expect(
            Self.metrics(in: "sum(rate(depot_gone_total{a=\"b\"}[5m])) / process_gone")
                == ["depot_gone_total", "process_gone"])
    }
}

extension MetricFamily.Kind {
    fileprivate var word: String {
        switch self {
        case .counter: "counter"
        case .gauge: "gauge"
        case .histogram: "histogram"
        }
    }
}
