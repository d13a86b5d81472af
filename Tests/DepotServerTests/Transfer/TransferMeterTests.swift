import Testing

@testable import DepotServer

@Suite struct TransferMeterTests {
    private static let rules: TransferRules = {
        var rules = TransferRules()
        rules.always = .init(bytesPerSecond: 1_000, grace: .seconds(10))
        rules.whileUncrowded = .init(bytesPerSecond: 1_000, grace: .seconds(50))
        rules.whileWanted = .init(bytesPerSecond: 10_000, grace: .seconds(2))
        return rules
    }()

    typealias Look = TransferMeter.Look

    /// - Returns: what is found, and after how many looks of a second each; 100 at the most.
    private static func found(_ look: Look) -> (TransferMeter.Finding, looks: Int) {
        var meter = TransferMeter(rules)
        for number in 1...100 {
            let finding = meter.look(after: .seconds(1), look)
            if finding != .goesOn, finding != .standsStill { return (finding, number) }
        }
        return (.goesOn, 100)
    }

    @Test(arguments: [
        // Nothing comes.
        (Look(isBodyAwaited: true), TransferMeter.Finding.bodyTooSlow(bytesPerSecond: 1_000), 10),
        (Look(isBodyAwaited: true, isWanted: true), .bodyTooSlow(bytesPerSecond: 10_000), 2),
        // A thin line is slow enough only where others wait; half the least rate lasts twice as long.
        (Look(received: 1_000, isBodyAwaited: true), .goesOn, 100),
        (Look(received: 500, isBodyAwaited: true), .bodyTooSlow(bytesPerSecond: 1_000), 19),
        (
            Look(received: 1_000, isBodyAwaited: true, isWanted: true),
            .bodyTooSlow(bytesPerSecond: 10_000), 3
        ),
        (Look(received: 10_000, isBodyAwaited: true, isWanted: true), .goesOn, 100),
        // Nobody waits for the client: its time does not run.
        (Look(isWanted: true), .goesOn, 100),
        // A pager may stand still for long where there is room.
        (Look(isAnswerUntaken: true), .answerTooSlow, 50),
        (Look(isAnswerUntaken: true, isCrowded: true), .answerTooSlow, 10),
        (Look(isAnswerUntaken: true, isWanted: true), .answerTooSlow, 2),
        (Look(sent: 1_000, isAnswerUntaken: true), .goesOn, 100),
        (Look(isHalfClosed: true), .isGone, 6),
        (Look(sent: 1_000, isAnswerUntaken: true, isHalfClosed: true), .goesOn, 100),
    ])
    func `time runs against whoever is waited for`(
        look: Look, finding: TransferMeter.Finding, after: Int
    ) {
        let (found, looks) = Self.found(look)
        #expect(found == finding)
        #expect(looks == after)
    }

    @Test func `a burst buys no more than the grace`() {
        var meter = TransferMeter(Self.rules)
        #expect(
            meter.look(after: .seconds(1), Look(received: .max, isBodyAwaited: true)) == .goesOn)
        for _ in 1...8 {
            #expect(meter.look(after: .seconds(1), Look(isBodyAwaited: true)) == .goesOn)
        }
        #expect(
            meter.look(after: .seconds(1), Look(isBodyAwaited: true))
                == .bodyTooSlow(bytesPerSecond: 1_000))
    }

    @Test func `an answer that stands still is told apart from one that is slow`() {
        var meter = TransferMeter(Self.rules)
        let still = Look(isAnswerUntaken: true)
        #expect(meter.look(after: .seconds(1), still) == .standsStill)
        #expect(meter.look(after: .seconds(1), Look(sent: 1, isAnswerUntaken: true)) == .goesOn)
    }
}
