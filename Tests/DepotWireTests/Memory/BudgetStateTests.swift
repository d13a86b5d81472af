import DepotTestSupport
import Testing

@testable import DepotWire

@Suite struct BudgetStateTests {
    private static let (one, other) = (
        Borrower(token: "", address: "one"), Borrower(token: "", address: "other")
    )

    /// One client with a hundred requests kept everybody else behind all of them.
    @Test func `of those who wait the one that holds the least is next`() {
        var budget = BudgetState(size: 100, shareMax: 100)
        #expect(budget.take(60, for: Self.one) == true)
        #expect(budget.take(40, for: Self.other) == true)
        for ticket in 1...3 as ClosedRange<UInt64> {
            #expect(budget.wait(ticket, bytes: 40, for: Self.one) == [])
        }
        #expect(budget.wait(4, bytes: 40, for: Self.other) == [])
        #expect(budget.giveBack(40, from: Self.other) == [4])
        #expect(budget.giveBack(60, from: Self.one) == [1])
        #expect(budget.giveBack(40, from: Self.other) == [2])
    }

    @Test func `one borrower never has more than its share, and keeps nobody else waiting`() {
        var budget = BudgetState(size: 100, shareMax: 75)
        #expect(budget.take(70, for: Self.one) == true)
        #expect(budget.take(10, for: Self.one) == false)
        #expect(budget.wait(1, bytes: 10, for: Self.one) == [])
        #expect(budget.isWanted(from: Self.one) && !budget.isWanted(from: Self.other))
        #expect(budget.take(20, for: Self.other) == true)
        #expect(budget.giveBack(5, from: Self.one) == [1])
    }

    /// Uploads that each held a part and waited for the rest waited for each other for ever.
    @Test func `loans that grow do not wait for each other`() {
        var budget = BudgetState(size: 100, shareMax: 100)
        budget.open(1, claim: 60, for: Self.one)
        budget.open(2, claim: 60, for: Self.other)
        #expect(budget.take(50, for: Self.one, loan: 1) == true)
        // With 50 each, neither could have the 10 that it still needs.
        #expect(budget.take(50, for: Self.other, loan: 2) == false)
        #expect(budget.take(40, for: Self.other, loan: 2) == true)
        #expect(budget.take(10, for: Self.other, loan: 2) == false)
        #expect(budget.wait(7, bytes: 10, for: Self.other, loan: 2) == [])
        // What was claimed is there, though another one waits.
        #expect(budget.take(10, for: Self.one, loan: 1) == true)
        #expect(budget.close(1) == [7])
        #expect(budget.close(2) == [])
        #expect(budget.free == 100)
    }

    @Test func `who holds something goes before who holds nothing`() {
        var budget = BudgetState(size: 100, shareMax: 100)
        budget.open(1, claim: 60, for: Self.one)
        #expect(budget.take(40, for: Self.one, loan: 1) == true)
        #expect(budget.take(60, for: Self.other) == true)
        #expect(budget.wait(8, bytes: 20, for: Borrower(token: "", address: "third")) == [])
        #expect(budget.wait(9, bytes: 20, for: Self.one, loan: 1) == [])
        #expect(budget.giveBack(20, from: Self.other) == [9])
        #expect(budget.shrink(1, by: 30) == [8])
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `whoever comes, grows and goes, everybody comes to an end`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let size = 1_000
        var budget = BudgetState(size: size, shareMax: 750)
        struct Work {
            let borrower: Borrower
            let claim: Int
            var held = 0
            var asked: Int?
        }
        var open: [UInt64: Work] = [:]
        var tickets: [UInt64: UInt64] = [:]
        var (number, ended) = (0 as UInt64, 0)
        func granted(_ list: [UInt64]) {
            for ticket in list {
                guard let loan = tickets.removeValue(forKey: ticket) else { continue }
                guard var work = open[loan] else { continue }
                work.held += work.asked ?? 0
                work.asked = nil
                open[loan] = work
            }
        }
        while ended < 100 {
            if open.count < 20 {
                number += 1
                let work = Work(
                    borrower: Borrower(token: "", address: "\(number % 3)"),
                    claim: Int.random(in: 1...750, using: &generator))
                budget.open(number, claim: work.claim, for: work.borrower)
                open[number] = work
            }
            // A client whose loan need not wait does its next step; without any, all wait for each other.
            let ready = open.filter { $0.value.asked == nil }.keys.sorted()
            guard let loan = ready.randomElement(using: &generator), let work = open[loan] else {
                Issue.record("all \(open.count) wait, seed \(seed)")
                return
            }
            if work.held == work.claim {
                open[loan] = nil
                ended += 1
                granted(budget.close(loan))
                continue
            }
            let step = min(work.claim - work.held, Int.random(in: 1...100, using: &generator))
            if budget.take(step, for: work.borrower, loan: loan) {
                open[loan]?.held += step
            } else {
                number += 1
                open[loan]?.asked = step
                tickets[number] = loan
                granted(budget.wait(number, bytes: step, for: work.borrower, loan: loan))
            }
            #expect(open.values.reduce(0) { $0 + $1.held } + budget.free == size)
        }
    }
}
