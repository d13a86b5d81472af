import DepotCore
import Testing

/// A catalog that is whole takes nothing from replicas; one that is being filled is made by its own target, which tests
/// what it does then with `CatalogConformance.partial`.
extension CatalogConformance {
    static let rebuilds: [CatalogBehaviour] = [
        CatalogBehaviour("a catalog that is not being rebuilt restores nothing") { fixture in
            try await fixture.admit(1...1)
            let isPartial = try await fixture.catalog.isPartial()
            #expect(!isPartial)
            let chunk = try Fixture.chunk("chunk")
            await fixture.expect(.conflict) {
                try await fixture.catalog.restore(
                    manifest: Fixture.manifest([chunk]), chunks: [chunk], pieces: [])
            }
            await fixture.expect(.conflict) { try await fixture.catalog.restore([]) }
            let status = try await fixture.status(chunk)
            #expect(status == nil)
        }
    ]

    /// For a catalog that was made for a rebuild, at `rebuildEpoch`.
    public static let partial: [CatalogBehaviour] = [
        CatalogBehaviour("the newest record of a name becomes the file or tombstone") { fixture in
            try await fixture.admit(1...3)
            try await fixture.restoreManifest(0)
            try await fixture.restoreManifest(1)
            let cases = try await [
                ("a", [fixture.file("a", 1, 4, 0), fixture.file("a", 2, 1, 1)], 1),
                ("b", [fixture.file("b", 2, 2, 1), fixture.file("b", 1, 9, 0)], 1),
                ("c", [fixture.file("c", 1, 7, 0), fixture.tombstone("c", 2, 3)], nil),
                ("d", [fixture.tombstone("d", 1, 1), fixture.file("d", 1, 2, 0)], 0),
            ]
            for (_, records, _) in cases {
                try await fixture.restore(records, on: 1...2)
                try await fixture.restore(records, on: 1...2)
            }
            for (name, _, content) in cases {
                let entry = try? await fixture.catalog.file(FileName(name))
                let expected = try content.map { try Fixture.manifest(Fixture.chunks($0..<$0 + 1)) }
                #expect(entry?.manifest.text == expected, "\(name)")
            }
            let outbox = try await fixture.catalog.outbox(limit: 10)
            #expect(outbox.isEmpty)
            let scarce = try await fixture.catalog.reopenRecords(
                counting: Fixture.replicas(1...3), clusterSize: 3)
            #expect(scarce == 4)
        },
        CatalogBehaviour("what is committed afterwards is newer than all that was restored") {
            fixture in
            try await fixture.admit(1...3)
            try await fixture.restoreManifest(0)
            let epoch = rebuildEpoch
            try await fixture.restore([fixture.file("own epoch", epoch, 70, 0)], on: 1...1)
            let later = try await fixture.file("later", epoch + 1, 1, 0)
            await fixture.expect(.conflict) { try await fixture.restore([later], on: 1...1) }
            let unknown = try await fixture.file("unknown", 1, 1, 5)
            await fixture.expect(.manifestInvalid) {
                try await fixture.restore([unknown], on: 1...1)
            }
            let names = try await fixture.catalog.names(ofRecords: [later.hash, unknown.hash])
            #expect(
                names == [[later.name], [unknown.name]], "entered, and no words on their names")
            await fixture.expect(.conflict) { _ = try await fixture.open(level: 1) }
            try await fixture.catalog.finishRebuild(missing: [])
            let receipt = try await fixture.deposit(
                "new", Fixture.chunks(0..<1), on: Fixture.replicas(1...1))
            #expect(receipt.sequence == CommitSequence(epoch: epoch, counter: 71))
        },
        CatalogBehaviour("nothing is destroyed on a partial view, until the last one is back") {
            fixture in
            try await fixture.admit(1...4)
            let chunk = try Fixture.chunks(0..<1)[0]
            try await fixture.restoreManifest(0)
            try await fixture.restore([fixture.file("file", 1, 1, 0)], on: 1...3)
            _ = try await fixture.show([Fixture.entry(chunk)], of: 1)
            let stray = try Fixture.chunk("stray")
            _ = try await fixture.show([Fixture.entry(stray)], of: 2)
            for number: UInt8 in 1...3 { try await fixture.settle(chunk, .good, on: number) }
            _ = try await fixture.catalog.enterOld(
                fixture.tombstone("file", 1, 0), on: Fixture.replica(1))
            fixture.advance(Fixture.grace)
            try await fixture.expectNothingGoes(chunk, stray)
            try await fixture.catalog.finishRebuild(missing: Fixture.replicas(3...4))
            try await fixture.expectNothingGoes(chunk, stray)
            try await fixture.catalog.noteInventory(
                of: Fixture.replica(3), asOf: fixture.catalog.mark())
            try await fixture.expectNothingGoes(chunk, stray)
            try await fixture.catalog.noteReturn(of: Fixture.replica(3))
            try await fixture.expectNothingGoes(chunk, stray)
            try await fixture.restore([fixture.tombstone("returned", 1, 2)], on: 3...3)
            try await fixture.catalog.forget(Fixture.replica(4))
            let isPartial = try await fixture.catalog.isPartial()
            #expect(!isPartial)
            try await fixture.catalog.markUnused()
            let unused = try await fixture.releaseUnused([stray], on: 2)
            #expect(unused == [stray.id])
            let released = try await fixture.release(chunk, on: 3, hashed: 1...2)
            #expect(released)
            let obsolete = try await fixture.obsolete(on: 1)
            #expect(obsolete.count == 1)
        },
        CatalogBehaviour("of each name the records of all batches are there to choose from") {
            fixture in
            try await fixture.admit(1...2)
            try await fixture.restoreManifest(0)
            let (old, new) = try await (fixture.file("a", 1, 3, 0), fixture.file("a", 2, 1, 0))
            let (other, gone) = try await (fixture.file("b", 1, 4, 0), fixture.tombstone("c", 1, 5))
            let batches = [RecordBatch.cut([old, other, gone])[0], RecordBatch(new)]
            for number: UInt8 in 1...2 {
                try await fixture.catalog.enter(batches, on: Fixture.replica(number))
            }
            let names = try await fixture.catalog.restorable(after: nil, limit: 3)
            #expect(names.map(\.name.text) == ["a", "b"])
            #expect(names[0].versions.map(\.record) == [new, old])
            #expect(names[0].versions[1].address == RecordAddress(batch: batches[0].id, index: 0))
            let rest = try await fixture.catalog.restorable(after: names[1].name, limit: 2)
            #expect(
                rest.map(\.versions) == [
                    [
                        AddressedRecord(gone, at: RecordAddress(batch: batches[0].id, index: 2))
                    ]
                ])
            let none = try? await fixture.catalog.file(FileName("a"))
            #expect(none == nil, "nothing is the word on its name")
            let all = (names + rest).map { $0.versions[0].address }
            let restored = try await fixture.catalog.restore(all)
            let again = try await fixture.catalog.restore(all)
            #expect(restored == 3 && again == 0)
            let entry = try await fixture.catalog.file(FileName("a"))
            #expect(entry.sequence == new.sequence)
            await fixture.expect(.notFound) {
                try await fixture.catalog.restore([
                    RecordAddress(batch: batches[0].id, index: 3)
                ])
            }
        },
        // The record of a file of which a chunk is missing was taken for one that the catalog had let go.
        CatalogBehaviour("what a rebuild could not restore stays unexplained, and is kept") {
            fixture in
            try await fixture.admit(1...1)
            try await fixture.restoreManifest(0)
            let request = RequestID.random()
            let (whole, newer) = try await (
                fixture.file("whole", 1, 3, 0), fixture.file("lacking", 1, 4, 1)
            )
            let lacking = FileRecord(
                cluster: newer.cluster, name: newer.name, sequence: newer.sequence,
                time: newer.time, content: newer.content, request: request)
            let batch = RecordBatch.cut([whole, lacking])[0]
            try await fixture.catalog.enter([batch], on: Fixture.replica(1))
            var found = try await fixture.show([Fixture.entry(batch)], of: 1)
            #expect(found.unknownRecords.isEmpty, "while it is being rebuilt")
            try await fixture.catalog.restore([RecordAddress(batch: batch.id, index: 0)])
            try await fixture.catalog.leaveUnexplained([RecordAddress(batch: batch.id, index: 1)])
            try await fixture.catalog.finishRebuild(missing: [])
            await fixture.expect(.conflict) { try await fixture.catalog.markUnused() }
            found = try await fixture.show([Fixture.entry(batch)], of: 1)
            #expect(found.unknownRecords == [batch.id])
            let unexplained = try await fixture.catalog.enterOld(batch, on: Fixture.replica(1))
            #expect(unexplained == [lacking])
            let made = try await fixture.catalog.change(of: lacking.name, madeBy: request)
            #expect(made == nil, "it has changed nothing")
            _ = try await fixture.delete("whole")
            try await fixture.inventory(1...1)
            let kept = try await fixture.obsolete(on: 1)
            #expect(!kept.contains(batch.id))
            try await fixture.deposit("lacking", Fixture.chunks(1..<2), on: Fixture.replicas(1...1))
            try await fixture.deliver(on: 1...1)
            let explained = try await fixture.catalog.enterOld(batch, on: Fixture.replica(1))
            #expect(explained.isEmpty, "there is newer word on the name")
            let gone = try await fixture.obsolete(on: 1)
            #expect(gone.contains(batch.id))
        },
        CatalogBehaviour("the grace time of what was restored begins when it is deleted") {
            fixture in
            try await fixture.admit(1...1)
            let (one, other) = try (Fixture.chunk("one"), Fixture.chunk("other"))
            _ = try await fixture.show([Fixture.entry(one), Fixture.entry(other)], of: 1)
            try await fixture.catalog.restore(
                manifest: Fixture.manifest([other]), chunks: [other], pieces: [])
            for (name, file) in try [
                ("inline", Fixture.commit("inline", only: one)),
                ("stored", Fixture.commit("stored", [other])),
            ] {
                let record = try await fixture.record(
                    name, 1, file.size,
                    .file(
                        level: ReplicationLevel(1), manifest: file.manifest, size: file.size,
                        metadata: file.metadata))
                try await fixture.restore([record], on: 1...1)
            }
            try await fixture.catalog.finishRebuild(missing: [])
            let entry = try await fixture.catalog.file(FileName("inline"))
            #expect(entry.manifest.chunk == one)
            fixture.advance(Fixture.grace)
            for name in ["inline", "stored"] { _ = try await fixture.delete(name) }
            try await fixture.catalog.markUnused()
            let early = try await fixture.releaseUnused([one, other], on: 1)
            #expect(early.isEmpty)
            fixture.advance(Fixture.grace)
            let late = try await fixture.releaseUnused([one, other], on: 1)
            #expect(late == [one.id, other.id])
        },
    ]

    public static let rebuildEpoch: UInt32 = 3
}

extension CatalogFixture {
    func restoreManifest(_ number: Int) async throws {
        let chunks = try Self.chunks(number..<number + 1)
        try await catalog.restore(manifest: Self.manifest(chunks), chunks: chunks, pieces: [])
    }

    fileprivate func record(
        _ name: String, _ epoch: UInt32, _ counter: UInt64, _ content: FileRecord.Content
    ) async throws -> FileRecord {
        try await FileRecord(
            cluster: catalog.cluster().cluster, name: FileName(name),
            sequence: CommitSequence(epoch: epoch, counter: counter), time: 5, content: content)
    }

    func file(
        _ name: String, _ epoch: UInt32, _ counter: UInt64, _ content: Int
    ) async throws -> FileRecord {
        let commit = try Self.commit(name, Self.chunks(content..<content + 1))
        return try await record(
            name, epoch, counter,
            .file(
                level: ReplicationLevel(2), manifest: commit.manifest, size: commit.size,
                metadata: commit.metadata))
    }

    fileprivate func tombstone(
        _ name: String, _ epoch: UInt32, _ counter: UInt64
    ) async throws -> FileRecord {
        try await record(name, epoch, counter, .deleted(level: ReplicationLevel(2)))
    }

    func restore(
        _ records: [FileRecord], on numbers: ClosedRange<UInt8>
    ) async throws {
        try await catalog.restore(records, on: Self.replicas(numbers))
    }

    fileprivate func expectNothingGoes(
        _ chunk: ChunkReference, _ stray: ChunkReference,
        _ where: SourceLocation = #_sourceLocation
    ) async throws {
        let isPartial = try await catalog.isPartial()
        #expect(isPartial, sourceLocation: `where`)
        await expect(.conflict, `where`) { try await catalog.markUnused() }
        await expect(.conflict, `where`) {
            _ = try await catalog.collectionPlan(grace: Self.grace)
        }
        await expect(.conflict, `where`) { _ = try await releaseUnused([stray], on: 2) }
        let released = try await release(chunk, on: 3, hashed: 1...2)
        let obsolete = try await obsolete(on: 1)
        #expect(!released && obsolete.isEmpty, sourceLocation: `where`)
        let state = try await state(stray, on: 2)
        #expect(state == .unproved, sourceLocation: `where`)
    }
}
