import DepotCore
import DepotTestSupport
import Testing

@testable import DepotSQLiteCatalog

/// Pins of neighbouring chunks share rows.
@Suite struct DepositPinTests {
    private static let level = 2

    /// An open deposit of its own, and its number.
    private static func deposit(_ fixture: CatalogFixture, _ catalog: SQLiteCatalog) async throws
        -> Int64
    {
        let deposit = try await fixture.open(level: level)
        return try await catalog.queue.view { try Leases($0).live(deposit).number }
    }

    private static func anyPin(_ random: inout SeededGenerator) -> Pin {
        Pin(
            isNew: Bool.random(using: &random),
            vouched: CopyMask(UInt64.random(in: 0...3, using: &random)))
    }

    private static func rows(of deposit: Int64, _ session: Session) throws -> [PinRow] {
        try session.statement("SELECT \(PinRow.columns) FROM pin_page WHERE deposit = ?")
            .all(deposit) { try PinRow($0) }
    }

    private static func pins(of deposit: Int64, _ session: Session) throws -> [Int64: Pin] {
        let rows = try rows(of: deposit, session)
        return Dictionary(rows.flatMap { row in row.numbers.map { ($0, row.pin) } }) { first, _ in
            Issue.record("a chunk is in two rows")
            return first
        }
    }

    /// A seed that failed once is added here, and stays.
    @Test(arguments: [1, UInt64.random(in: 2...UInt64.max)])
    func `two deposits pin what they say, chunk by chunk, until they are over`(
        _ seed: UInt64
    ) async throws {
        print("pins: seed \(seed); to replay, put it into the arguments of this test")
        try await withCatalog { fixture in
            let catalog = try #require(fixture.catalog as? SQLiteCatalog)
            let deposits = [
                try await Self.deposit(fixture, catalog), try await Self.deposit(fixture, catalog),
            ]
            var random = SeededGenerator(seed: seed)
            var wanted: [Int64: [Int64: Pin]] = [:]
            for _ in 0..<60 {
                let deposit = deposits.randomElement(using: &random) ?? 0
                var changes: [(chunk: Int64, pin: Pin)] = []
                for _ in 0..<Int.random(in: 1...40, using: &random) {
                    let chunk = Int64.random(in: 1...130, using: &random)
                    changes.append((chunk, Self.anyPin(&random)))
                }
                let before = wanted[deposit] ?? [:]
                for change in changes { wanted[deposit, default: [:]][change.chunk] = change.pin }
                let (now, steps) = (wanted[deposit] ?? [:], changes)
                try await catalog.queue.change { session in
                    let pins = try DepositPins(of: deposit, session)
                    for step in steps { try pins.set(step.pin, of: step.chunk) }
                    for chunk in 0...140 as ClosedRange<Int64> {
                        #expect(try pins.pin(of: chunk) == now[chunk])
                    }
                    #expect(pins.added == now.count - before.count)
                    try pins.save()
                    #expect(try Self.pins(of: deposit, session) == now)
                }
            }
            // A chunk that is pinned by one of them is in use.
            let isPinned = "SELECT \(PinSQL.isPinned("?1"))"
            for deposit in deposits {
                let others = wanted.filter { $0.key != deposit }.values.flatMap(\.keys)
                var left = wanted[deposit]?.count ?? 0
                while left > 0 {
                    let limit = Int.random(in: 1...50, using: &random)
                    let count = try await catalog.queue.change { session in
                        let pins = try ExpiredPins(of: deposit, atMost: limit, session)
                        try pins.letGo()
                        return (pins.count, pins.areAll)
                    }
                    #expect(count.0 > 0 && count.0 <= max(limit, 32))
                    left -= count.0
                    #expect(count.1 == (left == 0))
                }
                wanted[deposit] = nil
                try await catalog.queue.view { session in
                    for chunk in 0...140 as ClosedRange<Int64> {
                        let found = try session.statement(isPinned).first(chunk) {
                            try $0.get(0, as: Bool.self)
                        }
                        #expect(found == others.contains(chunk), "\(chunk)")
                    }
                }
            }
        }
    }

    @Test func `neighbours of which the same is known are one row`() async throws {
        try await withCatalog { fixture in
            let catalog = try #require(fixture.catalog as? SQLiteCatalog)
            let deposit = try await Self.deposit(fixture, catalog)
            let rows = try await catalog.queue.change { session in
                let pins = try DepositPins(of: deposit, session)
                for chunk in 1...320 as ClosedRange<Int64> {
                    try pins.set(Pin(isNew: true, vouched: .bit(1)), of: chunk)
                }
                try pins.save()
                return try Self.rows(of: deposit, session).count
            }
            #expect(rows == 11)
        }
    }

    /// Deposits that were under way when depot was upgraded go on.
    @Test func `pins of before are carried over, with all that is known of them`() async throws {
        try await withFolder { folder in
            let time = ManualClock()
            let first = try await SQLiteCatalog.open(at: folder, clock: time.clock)
            let fixture = time.fixture(first)
            try await fixture.admit(1...3)
            let chunks = try CatalogFixture.chunks(0..<100)
            try await fixture.deposit(
                "known", Array(chunks[..<40]), on: CatalogFixture.replicas(1...3))
            let deposit = try await fixture.open(level: 3)
            // Named only; vouched for by two; and brought.
            _ = try await first.negotiate(
                deposit, chunks: Array(chunks[..<20]), live: CatalogFixture.replicas(1...3),
                copies: 3)
            try await fixture.send(
                Array(chunks[10..<30]), to: CatalogFixture.replicas(1...2), in: deposit)
            try await fixture.send(
                Array(chunks[50...]), to: CatalogFixture.replicas(1...3), in: deposit)
            let number = try await first.queue.view { try Leases($0).live(deposit).number }
            let before = try await first.queue.view { try Self.pins(of: number, $0) }
            #expect(before.count == 80 && Set(before.values).count == 3)
            try first.close()
            try OlderCatalog.receiptTable.bringBack(in: folder)
            let catalog = try await SQLiteCatalog.open(at: folder, clock: time.clock)
            #expect(try await catalog.queue.view { try Self.pins(of: number, $0) } == before)
            let outcome = try await time.fixture(catalog).outcome(
                CatalogFixture.commit("late", only: chunks[60]), in: deposit, copies: 3)
            let receipt = try outcome.receipt
            #expect(receipt.copies == 3 && receipt.newChunks == 1)
            try catalog.close()
        }
    }

    @Test(arguments: [
        "chunks = 0", "chunks = -1", "chunks = 1 << 32", "page = -1", "page = 1 << 58",
        "vouched = -1", "fresh = 2", "fresh = -1",
    ])
    func `a row that says nothing sensible is damage`(_ change: String) async throws {
        try await withCatalog { fixture in
            let catalog = try #require(fixture.catalog as? SQLiteCatalog)
            let deposit = try await Self.deposit(fixture, catalog)
            try await catalog.queue.change { session in
                let pins = try DepositPins(of: deposit, session)
                try pins.set(Pin(isNew: true, vouched: .none), of: 5)
                try pins.save()
                try session.database.execute(sql: "UPDATE pin_page SET \(change)")
            }
            let error = await thrown {
                try await catalog.queue.change {
                    _ = try ExpiredPins(of: deposit, atMost: 9, $0)
                }
            }
            #expect(error?.message.contains("damaged") == true, "\(change)")
        }
    }

    @Test func `a chunk that is in two rows of a deposit is damage`() async throws {
        try await withCatalog { fixture in
            let catalog = try #require(fixture.catalog as? SQLiteCatalog)
            let deposit = try await Self.deposit(fixture, catalog)
            let error = await thrown {
                try await catalog.queue.change { session in
                    let pins = try DepositPins(of: deposit, session)
                    try pins.set(Pin(isNew: true, vouched: .none), of: 5)
                    try pins.save()
                    try session.database.execute(
                        sql: "INSERT INTO pin_page SELECT page, deposit, 0, 1, chunks FROM pin_page"
                    )
                    _ = try DepositPins(of: deposit, session).pin(of: 6)
                }
            }
            #expect(error?.message.contains("damaged") == true)
        }
    }
}
