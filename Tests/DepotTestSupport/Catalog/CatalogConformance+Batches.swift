import DepotCore
import Testing

/// Records that are kept together: what is so of each of them, and of the object that they are.
extension CatalogConformance {
    static let batches: [CatalogBehaviour] = [
        CatalogBehaviour("the records of one commit wait, and are found, together") { fixture in
            try await fixture.admit(1...3)
            let batch = try await fixture.depositTogether(
                ["a", "b", "c"], on: Fixture.replicas(1...3))
            #expect(batch.records.map(\.name.text) == ["a", "b", "c"])
            let outbox = try await fixture.catalog.outbox(limit: 1)
            #expect(outbox.map(\.batch) == [batch] && outbox[0].confirmed.isEmpty)
            for (name, record) in zip(["a", "b", "c"], batch.records) {
                let kept = try await fixture.catalog.record(of: FileName(name))
                #expect(kept == KeptRecord(record, in: batch))
                let undelivered = try await fixture.catalog.undelivered(FileName(name))
                #expect(undelivered == kept)
                let entry = try await fixture.catalog.file(FileName(name))
                #expect(entry.sequence == record.sequence)
            }
            try await fixture.deliver(on: 1...3)
            let undelivered = try await fixture.catalog.undelivered(FileName("b"))
            #expect(undelivered == nil)
            let names = try await fixture.catalog.names(ofRecords: [batch.id])
            #expect(try names == [["a", "b", "c"].map { try FileName($0) }])
        },
        CatalogBehaviour("a commit that is asked for again finds its record in its batch") {
            fixture in
            try await fixture.admit(1...2)
            let deposit = try await fixture.open(level: 2)
            let chunks = try Fixture.chunks(0..<3)
            try await fixture.send(chunks, to: Fixture.replicas(1...2), in: deposit)
            let files = try chunks.enumerated().map { number, chunk in
                try Fixture.commit("file \(number)", only: chunk)
            }
            func commit(_ files: [FileCommit]) async throws -> [CommitOutcome] {
                try await fixture.catalog.commit(
                    files, deposit: deposit, copiesRequired: 2, time: 1)
            }
            let first = try await commit([files[0], files[1], files[0]])
            #expect(first[0] == first[2], "the same name twice is one commit")
            let again = try await commit([files[1], files[2], files[0]])
            #expect(again[0] == first[1] && again[2] == first[0])
            let outbox = try await fixture.catalog.outbox(limit: 10)
            #expect(outbox.map(\.batch.records.count) == [2, 1])
            try await fixture.deliver(on: 1...2)
            let late = try await commit(files)
            let batches = late.map { outcome in
                if case .committed(_, let batch) = outcome { batch } else { outbox[0].batch }
            }
            #expect(batches == [nil, nil, nil], "nothing is sent that is where it belongs")
            let sequences = outbox.flatMap(\.batch.records).map(\.sequence)
            #expect(sequences == sequences.sorted() && Set(sequences).count == 3)
        },
        CatalogBehaviour("a batch stays while one of its records says something") { fixture in
            try await fixture.admit(1...3)
            let batch = try await fixture.depositTogether(
                ["a", "b", "c"], on: Fixture.replicas(1...3))
            try await fixture.deliver(on: 1...3)
            for name in ["a", "b"] { _ = try await fixture.delete(name) }
            let early = try await fixture.obsolete(on: 1)
            #expect(early.isEmpty)
            try await fixture.depositOnly("c", "another", on: 1...3)
            let late = try await fixture.obsolete(on: 1)
            #expect(late == [batch.id])
            for number: UInt8 in 1...3 {
                try await fixture.catalog.removeRecords([batch.id], on: Fixture.replica(number))
            }
            let receipts = try await fixture.catalog.names(ofRecords: [batch.id])
            #expect(receipts[0].count == 3, "receipts need it still")
        },
        // The newest word on one of the names was on its way only; the batch with the one before went.
        CatalogBehaviour("a batch stays until the newer records are where they belong") { fixture in
            try await fixture.admit(1...3)
            _ = try await fixture.depositTogether(["a", "b"], on: Fixture.replicas(1...3))
            try await fixture.deliver(on: 1...3)
            _ = try await fixture.delete("a")
            _ = try await fixture.catalog.delete(FileName("b"), time: 1)
            try await fixture.deliver(on: 1...1, isDone: false)
            let early = try await fixture.obsolete(on: 2)
            #expect(early.isEmpty)
            try await fixture.deliver(on: 1...3)
            let late = try await fixture.obsolete(on: 2)
            #expect(late.count == 1)
        },
        // Its name had no older record of its own, but a batch had, which others kept alive.
        CatalogBehaviour("a tombstone stays while a batch could bring its name back") { fixture in
            try await fixture.admit(1...3)
            let batch = try await fixture.depositTogether(
                ["a", "b", "c"], on: Fixture.replicas(1...3))
            try await fixture.deliver(on: 1...3)
            let tombstone = try await fixture.delete("a")
            try await fixture.inventory(1...3)
            let early = try await fixture.obsolete(on: 1)
            #expect(early.isEmpty)
            for name in ["b", "c"] { _ = try await fixture.delete(name) }
            for number: UInt8 in 1...3 {
                let gone = try await fixture.obsolete(on: number)
                #expect(gone == [batch.id])
                try await fixture.catalog.removeRecords([batch.id], on: Fixture.replica(number))
            }
            try await fixture.inventory(1...3)
            let late = try await fixture.obsolete(on: 1)
            #expect(late.contains(tombstone.hash) && late.count == 3)
        },
        CatalogBehaviour("few records that say something move out of a batch, word for word") {
            fixture in
            try await fixture.admit(1...3)
            let names = ["a", "b", "c", "d", "e"]
            let batch = try await fixture.depositTogether(names, on: Fixture.replicas(1...3))
            try await fixture.deliver(on: 1...3)
            for name in names[..<2] { _ = try await fixture.delete(name) }
            try await fixture.rewrite()
            var outbox = try await fixture.catalog.outbox(limit: 10)
            #expect(outbox.isEmpty, "more than half of it is current")
            _ = try await fixture.delete("c")
            try await fixture.rewrite()
            outbox = try await fixture.catalog.outbox(limit: 10)
            #expect(outbox.map(\.batch.records) == [Array(batch.records[3...])])
            for (name, record) in zip(names, batch.records).dropFirst(3) {
                let entry = try await fixture.catalog.file(FileName(name))
                #expect(entry.sequence == record.sequence)
            }
            try await fixture.rewrite()
            let again = try await fixture.catalog.outbox(limit: 10)
            #expect(again.count == 1, "once")
            let early = try await fixture.obsolete(on: 2)
            #expect(early.isEmpty, "nobody has the new one yet")
            try await fixture.deliver(on: 1...1, isDone: false)
            let still = try await fixture.obsolete(on: 2)
            #expect(still.isEmpty, "a minority has it")
            try await fixture.deliver(on: 1...3)
            let late = try await fixture.obsolete(on: 2)
            #expect(late == [batch.id])
        },
        CatalogBehaviour("tombstones move out of a batch as well, and hold down what they did") {
            fixture in
            try await fixture.admit(1...3)
            let cluster = try await fixture.catalog.cluster()
            for name in ["a", "b", "c", "d"] {
                try await fixture.depositOnly(name, name, on: 1...3)
                _ = try await fixture.delete(name)
            }
            func record(
                _ name: String, _ counter: UInt64, _ content: FileRecord.Content
            ) throws -> FileRecord {
                try FileRecord(
                    cluster: cluster.cluster, name: FileName(name),
                    sequence: CommitSequence(epoch: cluster.epoch, counter: counter), time: 0,
                    content: content)
            }
            let buried = try ["x", "y", "z"].enumerated().map { index, name in
                try record(name, UInt64(index + 2), .deleted(level: ReplicationLevel(2)))
            }
            let batch = RecordBatch.cut(buried)[0]
            let old = try RecordBatch(record("z", 1, .deleted(level: ReplicationLevel(1))))
            for number: UInt8 in 1...3 {
                let unexplained = try await fixture.catalog.enterOld(
                    batch, on: Fixture.replica(number))
                #expect(unexplained.isEmpty, "this catalog had let these go")
            }
            let older = try await fixture.catalog.enterOld(old, on: Fixture.replica(3))
            #expect(older.isEmpty)
            for name in ["x", "y"] { try await fixture.depositOnly(name, name, on: 1...3) }
            try await fixture.rewrite()
            let outbox = try await fixture.catalog.outbox(limit: 10)
            #expect(outbox.map(\.batch.records) == [[buried[2]]])
            try await fixture.deliver(on: 1...3)
            try await fixture.inventory(1...3)
            let obsolete = try await fixture.obsolete(on: 3)
            #expect(obsolete.isSuperset(of: [batch.id, old.id]))
            #expect(!obsolete.contains(RecordBatch(buried[2]).id), "an older record is around")
            for id in [batch.id, old.id] {
                for number: UInt8 in 1...3 {
                    try await fixture.catalog.removeRecords([id], on: Fixture.replica(number))
                }
            }
            let late = try await fixture.obsolete(on: 3)
            #expect(late.contains(RecordBatch(buried[2]).id))
        },
        CatalogBehaviour("a batch is entered when all of it is explained, and not before") {
            fixture in
            try await fixture.admit(1...3)
            let batch = try await fixture.depositTogether(["a", "b"], on: Fixture.replicas(1...3))
            try await fixture.deliver(on: 1...3)
            let newest = batch.records[1].sequence
            func record(_ name: String, _ counter: UInt64) throws -> FileRecord {
                try FileRecord(
                    cluster: batch.records[0].cluster, name: FileName(name),
                    sequence: CommitSequence(epoch: newest.epoch, counter: counter), time: 0,
                    content: .deleted(level: ReplicationLevel(1)))
            }
            let forged = try record("b", newest.counter)
            let strange = RecordBatch.cut([batch.records[0], forged])[0]
            let refused = try await fixture.catalog.enterOld(strange, on: Fixture.replica(2))
            #expect(refused == [forged], "it has the sequence of another one")
            let later = RecordBatch.cut([
                batch.records[0], try record("c", newest.counter + 5),
            ])[0]
            let unknown = try await fixture.catalog.enterOld(later, on: Fixture.replica(2))
            #expect(unknown.map(\.name.text) == ["c"])
            let names = try await fixture.catalog.names(ofRecords: [strange.id, later.id])
            #expect(names == [[], []])
            let copy = RecordBatch(batch.records[0])
            let entered = try await fixture.catalog.enterOld(copy, on: Fixture.replica(2))
            let obsolete = try await fixture.obsolete(on: 2)
            #expect(entered.isEmpty && obsolete == [copy.id], "the word itself, in another batch")
        },
    ]
}

extension CatalogFixture {
    /// Goes over all batches.
    func rewrite() async throws {
        var position: OutboxPosition?
        repeat {
            position = try await catalog.rewriteRecords(after: position)
        } while position != nil
    }
}
