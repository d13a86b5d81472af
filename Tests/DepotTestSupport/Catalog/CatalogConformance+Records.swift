import DepotCore
import Testing

extension CatalogConformance {
    static let oldRecords: [CatalogBehaviour] = [
        CatalogBehaviour("a record may go when a newer one of its name is where it belongs") {
            fixture in
            try await fixture.admit(1...3)
            var records: [FileRecord] = []
            for index in 0..<2 {
                try await fixture.deposit(
                    "file", Fixture.chunks(index..<index + 1), on: Fixture.replicas(1...1))
                records.append(try await fixture.lastRecord())
                if index == 0 { try await fixture.deliver(on: 1...3) }
            }
            let early = try await fixture.obsolete(on: 1)
            #expect(early.isEmpty, "the newer one waits in the outbox")
            try await fixture.deliver(on: 2...3)
            for number: UInt8 in 1...3 {
                let now = try await fixture.obsolete(on: number)
                #expect(now == [records[0].hash])
            }
            for _ in 0..<2 {
                try await fixture.catalog.removeRecords(
                    [records[0].hash, ChunkID(hashing: "unknown")], on: Fixture.replica(1))
            }
            let (first, second) = try await (fixture.obsolete(on: 1), fixture.obsolete(on: 2))
            #expect(first.isEmpty && second == [records[0].hash])
            let kept = try await fixture.catalog.file(FileName("file"))
            #expect(kept.sequence == records[1].sequence)
        },
        // The newer record was delivered, its holders were forgotten one after the other, and the older record, by
        // then the only one on any disk, could be deleted before the newer one went out again.
        CatalogBehaviour("an older record stays where those that had the newer one were forgotten")
        {
            fixture in
            try await fixture.admit(1...5)
            try await fixture.deposit("file", Fixture.chunks(0..<1), on: Fixture.replicas(5...5))
            try await fixture.deliver(on: 4...5)
            try await fixture.deposit("file", Fixture.chunks(1..<2), on: Fixture.replicas(5...5))
            try await fixture.deliver(on: 1...3)
            let before = try await fixture.obsolete(on: 4)
            #expect(before.count == 1)
            for number: UInt8 in 1...3 {
                try await fixture.catalog.forget(Fixture.replica(number))
            }
            let after = try await fixture.obsolete(on: 4)
            #expect(after.isEmpty)
        },
        CatalogBehaviour(
            "an older record stays until those with the newer one are inventoried anew"
        ) {
            fixture in
            try await fixture.admit(1...3)
            for index in 0..<2 {
                try await fixture.deposit(
                    "file", Fixture.chunks(index..<index + 1), on: Fixture.replicas(1...1))
                try await fixture.deliver(on: 1...3)
            }
            let before = try await fixture.obsolete(on: 1)
            for number: UInt8 in 2...3 {
                _ = try await fixture.observe(
                    LogPosition(opens: 7, segment: 9, offset: 9), of: number)
            }
            let after = try await fixture.obsolete(on: 1)
            try await fixture.inventory(2...3)
            let again = try await fixture.obsolete(on: 1)
            #expect(before.count == 1 && after.isEmpty && again == before)
        },
        CatalogBehaviour("a tombstone goes when no older record is left and all were inventoried") {
            fixture in
            try await fixture.admit(1...3)
            try await fixture.deposit("file", Fixture.chunks(0..<1), on: Fixture.replicas(1...1))
            try await fixture.deliver(on: 1...3)
            try await fixture.inventory(1...3)
            let tombstone = try await fixture.delete("file")
            try await fixture.deliver(on: 1...3)
            try await fixture.removeObsolete(on: 1...3, leaving: 0)
            try await fixture.inventory(1...2)
            let early = try await fixture.obsolete(on: 1)
            #expect(early.isEmpty, "the third was not inventoried since")
            try await fixture.inventory(3...3)
            for number: UInt8 in 1...3 {
                let now = try await fixture.obsolete(on: number)
                #expect(now == [tombstone.hash])
            }
            let scarce = try await fixture.catalog.reopenRecords(
                counting: Fixture.replicas(1...1), clusterSize: 3)
            #expect(scarce == 0, "what is about to go is not copied")
            try await fixture.catalog.admit(Fixture.member(4))
            let waiting = try await fixture.obsolete(on: 1)
            #expect(waiting.isEmpty, "a new member may bring anything")
            try await fixture.inventory(4...4)
            try await fixture.removeObsolete(on: 1...3, leaving: 0)
            let names = try await fixture.catalog.names(ofRecords: [tombstone.hash])
            #expect(names == [[]], "with its last copy it is forgotten")
        },
        CatalogBehaviour("a tombstone stays while an older record is known, and after it was lost")
        {
            fixture in
            try await fixture.admit(1...3)
            try await fixture.deposit("file", Fixture.chunks(0..<1), on: Fixture.replicas(1...1))
            let old = try await fixture.lastRecord()
            try await fixture.deliver(on: 1...3)
            let tombstone = try await fixture.delete("file")
            try await fixture.deliver(on: 1...3)
            try await fixture.inventory(1...3)
            let beside = try await fixture.obsolete(on: 1)
            #expect(beside == [old.hash])
            try await fixture.removeObsolete(on: 1...2, leaving: 0)
            let kept = try await fixture.obsolete(on: 1)
            #expect(kept.isEmpty, "the third has the old record still")
            try await fixture.removeObsolete(on: 3...3, leaving: 1)
            try await fixture.catalog.settle(
                records: [tombstone.hash: .absent], on: Fixture.replica(2))
            let lost = try await fixture.obsolete(on: 1)
            #expect(lost.isEmpty, "it has to be in place again, and all inventoried since")
        },
        // The file's record could not be delivered; the tombstone could, was found expired and went; then the outbox
        // delivered the record, and a rebuild would have brought the deleted file back.
        CatalogBehaviour("a tombstone stays while an older record waits in the outbox") { fixture in
            try await fixture.admit(1...3)
            try await fixture.deposit("file", Fixture.chunks(0..<1), on: Fixture.replicas(1...1))
            let old = try await fixture.lastRecord()
            let tombstone = try await fixture.catalog.delete(FileName("file"), time: 1)
            try await fixture.catalog.confirm([
                RecordConfirmation(
                    batch: tombstone.hash, on: Fixture.replicas(1...3).sorted(), isDone: true)
            ])
            try await fixture.inventory(1...3)
            let early = try await fixture.obsolete(on: 1)
            #expect(early.isEmpty)
            try await fixture.catalog.confirm([
                RecordConfirmation(batch: old.hash, on: [], isDone: true)
            ])
            let now = try await fixture.obsolete(on: 1)
            #expect(now == [tombstone.hash])
        },
        CatalogBehaviour("an old record that an inventory shows is entered behind newer word only")
        {
            fixture in
            try await fixture.admit(1...3)
            let cluster = try await fixture.catalog.cluster()
            func record(_ name: String, _ counter: UInt64) throws -> FileRecord {
                FileRecord(
                    cluster: cluster.cluster, name: try FileName(name),
                    sequence: CommitSequence(epoch: cluster.epoch, counter: counter), time: 3,
                    content: .deleted(level: try ReplicationLevel(1)))
            }
            try await fixture.deposit("other", Fixture.chunks(0..<1), on: Fixture.replicas(1...1))
            try await fixture.deposit("file", Fixture.chunks(0..<1), on: Fixture.replicas(1...1))
            _ = try await fixture.delete("file")
            try await fixture.deliver(on: 1...3)
            let (old, newest, unknown) = try (record("file", 1), record("file", 9), record("x", 9))
            let outcomes = try await [
                fixture.catalog.enterOld(old, on: Fixture.replica(2)),
                fixture.catalog.enterOld(newest, on: Fixture.replica(2)),
                fixture.catalog.enterOld(unknown, on: Fixture.replica(2)),
                fixture.catalog.enterOld(old, on: Fixture.replica(2)),
            ]
            #expect(outcomes == [true, false, false, true])
            let names = try await fixture.catalog.names(
                ofRecords: [old.hash, newest.hash, unknown.hash])
            #expect(names == [[old.name], [], []])
            let obsolete = try await fixture.obsolete(on: 2)
            #expect(obsolete.contains(old.hash))
            let outbox = try await fixture.catalog.outbox(limit: 10)
            #expect(outbox.isEmpty, "old word is not spread")
        },
        // A replica was killed, and the deletion of an old record with it. Nobody looked; the tombstone expired by the
        // inventory of before, and a rebuild brought the deleted file back.
        CatalogBehaviour("a tombstone stays until a member that was started again is inventoried") {
            fixture in
            try await fixture.admit(1...3)
            try await fixture.deposit("file", Fixture.chunks(0..<1), on: Fixture.replicas(1...1))
            let old = try await fixture.lastRecord()
            try await fixture.deliver(on: 1...3)
            let tombstone = try await fixture.delete("file")
            try await fixture.deliver(on: 1...3)
            for number: UInt8 in 1...3 {
                try await fixture.catalog.removeRecords([old.hash], on: Fixture.replica(number))
            }
            try await fixture.inventory(1...3)
            let before = try await fixture.obsolete(on: 1)
            #expect(before == [tombstone.hash])
            let late = try await fixture.catalog.mark()
            _ = try await fixture.observe(LogPosition(opens: 7, segment: 9, offset: 9), of: 3)
            let (due, others) = try await (
                fixture.catalog.isInventoryDue(of: Fixture.replica(3)),
                fixture.catalog.isInventoryDue(of: Fixture.replica(2))
            )
            #expect(due && !others)
            let after = try await fixture.obsolete(on: 1)
            #expect(after.isEmpty, "the third may have the old record again")
            try await fixture.catalog.noteInventory(of: Fixture.replica(3), asOf: late)
            let still = try await fixture.catalog.isInventoryDue(of: Fixture.replica(3))
            #expect(still, "that one was begun before")
            let entered = try await fixture.catalog.enterOld(old, on: Fixture.replica(3))
            try await fixture.inventory(3...3)
            #expect(entered)
            let (held, again) = try await (fixture.obsolete(on: 1), fixture.obsolete(on: 3))
            #expect(held.isEmpty && again == [old.hash])
        },
        // It came back when its tombstone was gone. It passed for newer than the catalog: the inventory was never whole
        // from then on, no tombstone of the cluster expired, and the record was never collected.
        CatalogBehaviour("a record that comes back behind its tombstone is let go again") {
            fixture in
            try await fixture.admit(1...3)
            try await fixture.deposit("file", Fixture.chunks(0..<1), on: Fixture.replicas(1...1))
            let old = try await fixture.lastRecord()
            try await fixture.deliver(on: 1...3)
            let tombstone = try await fixture.delete("file")
            try await fixture.deliver(on: 1...3)
            for record in [old, tombstone] {
                try await fixture.inventory(1...3)
                for number: UInt8 in 1...3 {
                    try await fixture.catalog.removeRecords(
                        [record.hash], on: Fixture.replica(number))
                }
            }
            let names = try await fixture.catalog.names(ofRecords: [tombstone.hash])
            #expect(names == [[]])
            let first = try await fixture.catalog.enterOld(old, on: Fixture.replica(2))
            let alone = try await fixture.obsolete(on: 2)
            #expect(first && alone == [old.hash])
            let second = try await fixture.catalog.enterOld(tombstone, on: Fixture.replica(3))
            #expect(second)
            let scarce = try await fixture.catalog.reopenRecords(
                counting: Fixture.replicas(1...3), clusterSize: 3)
            #expect(scarce == 1, "the tombstone is spread again, and holds the name down")
        },
        CatalogBehaviour("nothing is collected while a record cannot be explained") { fixture in
            try await fixture.admit(1...2)
            try await fixture.deposit("file", Fixture.chunks(0..<1), on: Fixture.replicas(1...1))
            try await fixture.catalog.noteUnexplained(FileName("lost"), on: Fixture.replica(2))
            await fixture.expect(.conflict) { try await fixture.catalog.markUnused() }
            await fixture.expect(.conflict) {
                _ = try await fixture.catalog.collectionPlan(grace: .zero)
            }
            await fixture.expect(.conflict) {
                _ = try await fixture.catalog.releaseUnused([], for: .zero, on: Fixture.replica(1))
            }
            try await fixture.inventory(2...2)
            try await fixture.catalog.markUnused()
        },
    ]
}

extension CatalogFixture {
    /// Deletes what may go, and expects so many that may go then.
    fileprivate func removeObsolete(
        on numbers: ClosedRange<UInt8>, leaving: Int, _ where: SourceLocation = #_sourceLocation
    ) async throws {
        for number in numbers {
            try await catalog.removeRecords(
                Array(obsolete(on: number)), on: Self.replica(number))
        }
        for number in numbers {
            let left = try await obsolete(on: number)
            #expect(left.count == leaving, sourceLocation: `where`)
        }
    }
}
