import Testing

@testable import DepotMetrics

@Suite struct ExpositionTests {
    private static let named = MetricFamily(
        "test_named", .gauge, by: ["replica"], "Says \"so\", with \\ and\na second line.")
    private static let state = MetricFamily(
        "test_state", .gauge, by: ["replica", "state"], "A state.")
    private static let counted = MetricFamily("test_counted_total", .counter, "Counted.")

    private func text(_ collect: (inout CollectedSamples) -> Void) -> String {
        var samples = CollectedSamples()
        collect(&samples)
        return MetricRegistry([Self.named, Self.state, Self.counted]).exposition(with: samples)
    }

    @Test func `nothing in a name or a help can end its line or its quotes`() {
        let name = "a\"} 7\ntest_named{replica=\"b\\"
        let text = text { $0.set(Self.named, LabelValue(replica: name), to: 1) }
        #expect(
            text == """
                # HELP test_named Says "so", with \\\\ and\\na second line.
                # TYPE test_named gauge
                test_named{replica="a\\"} 7\\ntest_named{replica=\\"b\\\\"} 1

                """)
    }

    @Test func `families are in their order, and series in that of their labels`() {
        let text = text { samples in
            samples.set(Self.counted, to: 3)
            samples.set(
                Self.state, LabelValue(replica: "r2"), LabelValue(DaemonRole.replica), to: true)
            samples.set(
                Self.state, LabelValue(replica: "r1"), LabelValue(DaemonRole.replica), to: false)
        }
        #expect(
            text == """
                # HELP test_state A state.
                # TYPE test_state gauge
                test_state{replica="r1",state="replica"} 0
                test_state{replica="r2",state="replica"} 1
                # HELP test_counted_total Counted.
                # TYPE test_counted_total counter
                test_counted_total 3

                """)
    }

    @Test func `labels are told once, with the value that came last`() {
        let text = text { samples in
            samples.set(Self.named, LabelValue(replica: "r"), to: 1)
            samples.set(Self.named, LabelValue(replica: "r"), to: 2)
        }
        #expect(text.contains("test_named{replica=\"r\"} 2\n"))
        #expect(!text.contains("} 1\n"))
    }

    @Test func `a name is cut off where it is too long`() {
        let long = String(repeating: "e\u{301}", count: 5_000)
        #expect(LabelValue(replica: long).text.unicodeScalars.count == 64)
        #expect(LabelValue(replica: "ä名").text == "ä名")
    }

    // MARK: The list

    private static let all = MetricFamily.ofFileServer + MetricFamily.ofReplica

    /// As Prometheus' guide to naming has it.
    @Test func `names say their unit and kind, and no name stands for two things`() {
        for list in [MetricFamily.ofFileServer, MetricFamily.ofReplica] {
            #expect(Set(list.map(\.name)).count == list.count)
        }
        let families = Set(Self.all)
        #expect(Set(families.map(\.name)).count == families.count)
        for family in families {
            let isCounter = family.kind == .counter
            #expect(family.name.hasSuffix("_total") == isCounter, "\(family.name)")
            #expect(family.name.hasPrefix("depot_") || family.name.hasPrefix("process_"))
            #expect(family.name.wholeMatch(of: /[a-z][a-z_]*[a-z]/) != nil)
            #expect(!family.help.isEmpty && !family.help.contains("\n"))
            if case .histogram = family.kind { #expect(family.name.hasSuffix("_seconds")) }
            #expect(Set(family.labels).count == family.labels.count)
            #expect(!family.labels.contains("le"))
        }
    }

    @Test func `labels are those whose values are bounded`() {
        let labels = Set(Self.all.flatMap(\.labels))
        #expect(
            labels == [
                "budget", "kind", "replica", "role", "route", "state", "status", "version",
            ])
    }

    @Test func `a process knows what it takes`() throws {
        let usage = ProcessUsage.now()
        var samples = CollectedSamples()
        samples.add(usage)
        #if os(Linux)
            let memory = try #require(usage.residentBytes)
            #expect((1 << 20...1 << 40).contains(memory))
            #expect(try #require(usage.descriptorsOpen) > 2)
            #expect(try #require(usage.startTime) > 1_600_000_000)
        #endif
        #expect(try #require(usage.cpuSeconds) > 0)
        #expect(try #require(usage.descriptorsMax) > 0)
    }
}
