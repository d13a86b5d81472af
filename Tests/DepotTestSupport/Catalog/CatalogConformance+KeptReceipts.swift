import DepotCore
import Testing

/// A receipt is the same wherever the catalog keeps it: while its record is that of the file, and
/// when another one has taken its place.
extension CatalogConformance {
    static let keptReceipts: [CatalogBehaviour] = [
        CatalogBehaviour("a receipt is found after all that can become of its file") { fixture in
            try await fixture.admit(1...3)
            let chunks = try Fixture.chunks(0..<3)
            for change in Replacement.allCases {
                let receipt = try await fixture.deposit(
                    change.rawValue, chunks, on: Fixture.replicas(1...3), level: 2)
                try await fixture.expect(receipt, "before: \(change)")
                try await fixture.replace(receipt.name, change)
                try await fixture.expect(receipt, "after: \(change)")
                try await fixture.expectRepeated(receipt, chunks, "\(change)")
                try await fixture.catalog.markUnused()
                try await fixture.expect(receipt, "collected after: \(change)")
            }
        },
        CatalogBehaviour("each of two deposits that commit a name has its own receipt") { fixture in
            try await fixture.admit(1...2)
            let on = Fixture.replicas(1...2)
            let chunks = try Fixture.chunks(0..<2)
            let first = try await fixture.deposit("file", chunks, on: on)
            let second = try await fixture.deposit("file", chunks, on: on)
            _ = try await fixture.delete("file")
            let third = try await fixture.deposit("file", chunks, on: on)
            #expect(Set([first, second, third].map(\.sequence)).count == 3)
            #expect([first, second, third].map(\.newChunks) == [2, 0, 0])
            for receipt in [first, second, third] {
                try await fixture.expect(receipt, "\(receipt.sequence)")
                try await fixture.expectRepeated(receipt, chunks, "\(receipt.sequence)")
            }
            let entry = try await fixture.catalog.file(first.name)
            #expect(entry.sequence == third.sequence, "nothing was committed again")
            let other = try await fixture.catalog.receipt(of: first.name, deposit: .random())
            #expect(other == nil)
        },
        CatalogBehaviour("a receipt is lowered where it is, and stays lowered") { fixture in
            try await fixture.admit(1...3)
            let chunks = try Fixture.chunks(0..<2)
            let on = Fixture.replicas(1...3)
            for change in Replacement.allCases {
                let old = try await fixture.deposit(change.rawValue, chunks, on: on)
                let receipt = try await fixture.deposit(change.rawValue, chunks, on: on)
                let lowered = try await fixture.catalog.lower(receipt, to: 2)
                #expect(lowered.copies == 2)
                try await fixture.expect(lowered, "\(change)")
                try await fixture.replace(receipt.name, change)
                try await fixture.expect(lowered, "after: \(change)")
                let again = try await fixture.catalog.lower(lowered, to: 1)
                try await fixture.expect(again, "again: \(change)")
                _ = try await fixture.catalog.lower(again, to: 3)
                try await fixture.expect(again, "never raised: \(change)")
                try await fixture.expect(old, "another's: \(change)")
            }
        },
        CatalogBehaviour("receipts go after their time, of files that are there and that are not") {
            fixture in
            try await fixture.admit(1...2)
            let on = Fixture.replicas(1...2)
            let deposit = try await fixture.open(level: 2)
            let names = ["stays", "changes", "goes"]
            let receipts = try await names.asyncMap {
                try await fixture.deposit($0, Fixture.chunks(0..<2), on: on, keepingLease: deposit)
            }
            try await fixture.replace(receipts[1].name, .level)
            _ = try await fixture.delete("goes")
            try await fixture.catalog.closeDeposit(deposit)
            fixture.advance(Receipt.keptFor - .seconds(1))
            try await fixture.catalog.markUnused()
            for receipt in receipts { try await fixture.expect(receipt, "\(receipt.name)") }
            fixture.advance(.seconds(1))
            try await fixture.catalog.markUnused()
            for receipt in receipts {
                let gone = try await fixture.catalog.receipt(of: receipt.name, deposit: deposit)
                #expect(gone == nil, "\(receipt.name)")
            }
            let left = try await fixture.catalog.files(prefix: "", after: nil, limit: 9)
            #expect(left.files.map(\.name.text) == ["changes", "stays"])
        },
        // The id is as good as new, and what it had committed is not what it commits now.
        CatalogBehaviour("a forgotten deposit's id that is used again has no receipt of before") {
            fixture in
            try await fixture.admit(1...3)
            let on = Fixture.replicas(1...3)
            let chunks = try Fixture.chunks(0..<2)
            let names = ["again", "replaced", "gone", "left"]
            let deposit = try await fixture.open(level: 3)
            for name in names {
                try await fixture.deposit(name, chunks, on: on, keepingLease: deposit)
            }
            try await fixture.catalog.closeDeposit(deposit)
            fixture.advance(Receipt.keptFor)
            try await fixture.catalog.markUnused()
            try await fixture.reopen(deposit, level: 2)
            func expectNone(_ names: [String], _ when: Comment) async throws {
                for name in names {
                    let old = try await fixture.catalog.receipt(
                        of: FileName(name), deposit: deposit)
                    #expect(old == nil, when)
                }
            }
            try await expectNone(names, "opened again")
            let other = try Fixture.chunks(5..<7)
            try await fixture.prepare(other, on: on, in: deposit)
            let receipt = try await fixture.outcome(
                Fixture.commit("again", other), in: deposit, copies: 2
            ).receipt
            #expect(receipt.level.copies == 2 && receipt.newChunks == 2)
            try await expectNone(["replaced", "gone", "left"], "after a commit")
            try await fixture.replace(FileName("replaced"), .content)
            _ = try await fixture.delete("gone")
            try await expectNone(["replaced", "gone", "left"], "after their files went")
            try await fixture.expect(receipt, "its own")
        },
        CatalogBehaviour("a commit that is repeated after its record moved is the same commit") {
            fixture in
            try await fixture.admit(1...3)
            let deposit = try await fixture.open(level: 2)
            let chunks = try Fixture.chunks(0..<3)
            try await fixture.send(chunks, to: Fixture.replicas(1...3), in: deposit)
            let files = try zip(["a", "b", "c"], chunks).map { try Fixture.commit($0, only: $1) }
            func commit() async throws -> [CommitOutcome] {
                try await fixture.catalog.commit(
                    files, deposit: deposit, copiesRequired: 2, time: 1)
            }
            let receipts = try await commit().map { try $0.receipt }
            try await fixture.catalog.closeDeposit(deposit)
            let old = try await fixture.catalog.outbox(limit: 1)[0].batch
            try await fixture.deliver(on: 1...3)
            for name in ["a", "b"] { _ = try await fixture.delete(name) }
            try await fixture.rewrite()
            let moved = try await fixture.catalog.undelivered(FileName("c"))
            #expect(moved?.record == old.records[2] && moved?.batch != old)
            let early = try await commit()
            #expect(try early.map { try $0.receipt } == receipts)
            try await fixture.deliver(on: 1...3)
            for number: UInt8 in 1...3 {
                try await fixture.catalog.removeRecords([old.id], on: Fixture.replica(number))
            }
            try await fixture.replace(FileName("c"), .content)
            try await fixture.deliver(on: 1...3)
            try await fixture.catalog.markUnused()
            let late = try await commit()
            #expect(late == receipts.map { .committed($0, in: nil) }, "and nothing is sent")
        },
    ]
}

/// What takes the place of a file's record.
private enum Replacement: String, CaseIterable {
    case content, sameContent, level, deletion, anotherDeposit
}

extension CatalogFixture {
    fileprivate func replace(_ name: FileName, _ change: Replacement) async throws {
        let entry = try await catalog.file(name)
        let on = Self.replicas(1...3)
        switch change {
        case .content: try await deposit(name.text, Self.chunks(20..<22), on: on, level: 2)
        case .sameContent: try await deposit(name.text, Self.chunks(0..<3), on: on, level: 2)
        case .level:
            for level in [1, 2] {
                let now = try await catalog.file(name)
                _ = try await catalog.changeLevel(
                    of: name, expected: now.sequence, to: ReplicationLevel(level),
                    copiesRequired: level, counting: on, time: 9)
            }
        case .deletion: _ = try await catalog.delete(name, time: 9)
        case .anotherDeposit:
            _ = try await catalog.delete(name, expected: .version(entry.sequence), time: 9)
            try await deposit(name.text, Self.chunks(0..<3), on: on, level: 2)
        }
    }

    fileprivate func expect(_ receipt: Receipt, _ when: Comment) async throws {
        let found = try await catalog.receipt(of: receipt.name, deposit: receipt.deposit)
        #expect(found == receipt, when)
    }

    /// The same deposit asks for its commit again, and for another one under the name.
    fileprivate func expectRepeated(
        _ receipt: Receipt, _ chunks: [ChunkReference], _ when: Comment
    ) async throws {
        let before = try await catalog.highestSequence()
        let again = try await outcome(
            Self.commit(receipt.name.text, chunks), in: receipt.deposit, copies: 2, time: 99)
        #expect(try again.receipt == receipt, when)
        await expect(.conflict) {
            _ = try await outcome(
                Self.commit(receipt.name.text, Self.chunks(30..<31)), in: receipt.deposit,
                copies: 2)
        }
        let after = try await catalog.highestSequence()
        #expect(before == after, when)
    }
}

extension Sequence {
    fileprivate func asyncMap<Value>(_ body: (Element) async throws -> Value) async throws
        -> [Value]
    {
        var values: [Value] = []
        for element in self { values.append(try await body(element)) }
        return values
    }
}
